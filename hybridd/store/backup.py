"""Backups of the state: made while others work on it, checked, named by their time, and rotated."""

import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hybridd.clock import as_datetime
from hybridd.errors import StoreFull, StoreUnusable
from hybridd.store.database import open_database
from hybridd.store.files import hand_over, make_folder
from hybridd.store.migrations import check_version, newest
from hybridd.store.sqlite_errors import explained

BACKUP_KEY = "backup"
"""Where in `bot_state` stands what the newest copy was: the web must not see the folder of the copies."""
KEEP = 14
MONTHS = 6
_NAME = re.compile(r"state-(\d{6})\d\dT\d{6}Z\.db")
_LEFTOVER = re.compile(r"state-\d{8}T\d{6}Z\.db\.part(-journal|-wal|-shm)?")
_LEFTOVER_AGE_S = 3600.0
"""Older than any backup takes: its maker has been killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a state file holds; `newest` is the last candle that was analysed, ms UTC, None without any."""

    schema: int
    analyses: int
    newest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made, with what it holds, its size in bytes, and the older ones that it replaced."""

    path: Path
    contents: Contents
    size: int
    removed: tuple[Path, ...]


def backup(url: str, folder: Path, *, keep: int, now: int) -> Backup:
    """Copy the state of `url` into `folder` (made if need be) and let superfluous older copies go.

    The copy gets its name (`state-20261122T145500Z.db`, `now` in ms UTC) only when it is whole and checked. Raises
    StoreBusy, StoreFull or StoreUnusable; nothing is left behind then.
    """
    try:
        make_folder(folder)
    except OSError as error:
        kind, remedy = (StoreFull, "free some space") if error.errno == 28 else (StoreUnusable, "name another folder")
        raise kind(f"backups cannot be kept in {folder} ({error.strerror})", remedy=remedy) from None
    path = folder / f"state-{stamp(now)}.db"
    database = open_database(url, create=False)
    try:
        check_version(database)
        database.engine.backup(path)
    finally:
        database.close()
    hand_over(path)
    contents = inspect(path)
    return Backup(path=path, contents=contents, size=path.stat().st_size, removed=_rotate(folder, keep))


def stamp(now: int) -> str:
    """An instant (ms UTC) for a file's name: 20261122T145500Z."""
    return as_datetime(now).strftime("%Y%m%dT%H%M%SZ")


def inspect(path: Path, *, whole: bool = False) -> Contents:
    """What a state file holds, without changing it; `whole` reads all of it and finds any damage.

    Raises StoreUnusable for what is missing, damaged, no state of hybridd, or of a newer one.
    """
    if not path.is_file():
        raise StoreUnusable(f"there is no file {path}", remedy="name a backup that hybridd made")
    with explained(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as state:
        names = {row[0] for row in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"schema_version", "analyses", "audit"} <= names:
            raise StoreUnusable(f"{path} is not a state of hybridd", remedy="name a backup that hybridd made")
        schema = int(state.execute("SELECT max(version) FROM schema_version").fetchone()[0] or 0)
        if schema > newest():
            raise StoreUnusable(
                f"{path} has schema {schema}, this hybridd knows schemas up to {newest()}",
                remedy="install the hybridd that made it, or a newer one",
            )
        if whole and (found := state.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
            raise StoreUnusable(f"{path} is damaged ({found})", remedy="name an older backup")
        analyses, last = state.execute("SELECT count(*), max(candle_close) FROM analyses").fetchone()
    return Contents(schema=schema, analyses=analyses, newest=last)


def superfluous(names: Sequence[str], keep: int) -> list[str]:
    """Those of `names` that may go: all but the newest `keep` and the first of each of the newest MONTHS months.

    Names that no backup has are never among them.
    """
    ours = sorted(name for name in names if _NAME.fullmatch(name))
    first: dict[str, str] = {}
    for name in ours:
        first.setdefault(name[len("state-") :][:6], name)
    kept = {*ours[-keep:], *(first[month] for month in sorted(first)[-MONTHS:])}
    return [name for name in ours if name not in kept]


def _rotate(folder: Path, keep: int) -> tuple[Path, ...]:
    for path in folder.iterdir():
        if _LEFTOVER.fullmatch(path.name) and time.time() - path.stat().st_mtime > _LEFTOVER_AGE_S:
            path.unlink()
    gone = tuple(folder / name for name in superfluous([path.name for path in folder.iterdir()], keep))
    for path in gone:
        path.unlink()
    return gone
