"""`hybridd backup` and `hybridd restore`: copies of the state, and the way back."""

import contextlib
import getpass
from pathlib import Path
from typing import Annotated

import typer

from hybridd.app import database_url
from hybridd.cli.shared import AsJson, ConfigPath, print_json, settings_of, state_of, when
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.daemon.lock import InstanceLock
from hybridd.errors import HybriddError, UsageError
from hybridd.store.backup import BACKUP_KEY, KEEP, Contents
from hybridd.store.backup import backup as make_backup
from hybridd.store.database import path_of
from hybridd.store.files import hand_over, make_folder
from hybridd.store.restore import restore as put_back


def backup(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to; by default `backups` beside the state.")
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest stay; months' firsts stay besides.")] = KEEP,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Copy the state while hybridd runs, and check the copy. Old ones go, but the first of each month stays."""
    settings = settings_of(config)
    now = SystemClock().now()
    made = make_backup(database_url(settings), folder or _place(settings).parent / "backups", keep=keep, now=now)
    with contextlib.suppress(HybriddError), state_of(settings) as store:  # the copy is there, whoever knows of it
        store.bot_state.set(BACKUP_KEY, {"at": now, "path": str(made.path), "size": made.size})
    if as_json:
        removed = [str(path) for path in made.removed]
        print_json({"path": str(made.path), "size": made.size, "removed": removed, **_plain(made.contents)})
        return
    typer.echo(f"{made.path}: {_sum_up(made.contents)}, {made.size / 1_048_576:.1f} MB")
    for path in made.removed:
        typer.echo(f"removed {path.name}")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup that hybridd made.")],
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the state. hybridd must be stopped; the state from before is kept beside it."""
    place = _place(settings_of(config))
    lock = Path(f"{place}.lock")
    _make(place.parent)
    with InstanceLock(lock):
        hand_over(lock)
        done = put_back(place, file, clock=SystemClock(), actor=f"cli:{getpass.getuser()}")
    if as_json:
        kept = str(done.kept) if done.kept else None
        print_json({"path": str(done.path), "kept": kept, "doubts": list(done.doubts), **_plain(done.contents)})
        return
    typer.echo(f"{done.path} is now what {file} holds: {_sum_up(done.contents)}")
    if done.kept:
        typer.echo(f"the state from before is kept: {done.kept}")
    for doubt in done.doubts:
        typer.echo(f"hybridd: {doubt}", err=True)
    typer.echo("start hybridd again: systemctl start hybridd")


def _place(settings: Settings) -> Path:
    path = path_of(database_url(settings))
    if path is None:
        raise UsageError("a passing state has no file", remedy="name one in [database] url")
    return path.absolute()


def _make(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise HybriddError(f"{folder} cannot be made: {error.strerror}", remedy="run it as root") from None


def _sum_up(contents: Contents) -> str:
    newest = f", the newest of {when(contents.newest)}" if contents.newest is not None else ""
    return f"{contents.analyses} analyses{newest}"


def _plain(contents: Contents) -> dict[str, int | None]:
    return {"schema": contents.schema, "analyses": contents.analyses, "newest": contents.newest}
