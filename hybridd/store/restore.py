"""Restoring: a backup takes the place of the state in one step, and the state from before is kept beside it."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hybridd.clock import Clock
from hybridd.errors import StoreBusy, StoreFull, StoreUnusable, UsageError
from hybridd.store.backup import Contents, inspect, stamp
from hybridd.store.files import hand_over, make_folder, share, sync
from hybridd.store.sqlite import BUSY_SECONDS
from hybridd.store.sqlite_errors import explained
from hybridd.store.store import open_store

LOGS = ("-wal", "-journal")
COMPANIONS = (*LOGS, "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore came to: `kept` is the state from before, None where there was none; `doubts` are findings of
    `hybridd db verify` in the restored state that do not keep it from working."""

    path: Path
    kept: Path | None
    contents: Contents
    doubts: tuple[str, ...]


def restore(path: Path, source: Path, *, clock: Clock, actor: str) -> Restored:
    """Put the backup `source` in the place of the state at `path`; the caller holds the lock of that state.

    A kill at any moment leaves the old state or the new one, whole. Raises StoreUnusable, StoreBusy, StoreFull or
    UsageError before anything is changed.
    """
    path = path.absolute()
    if path.exists() and source.exists() and path.samefile(source):
        raise UsageError(f"{source} is the state itself", remedy="name a backup of it")
    inspect(source, whole=True)
    with _staging(path) as staged:
        _copy(source, staged)
        doubts, contents = _prepare(staged, source, clock, actor)
        hand_over(staged, like=path if path.exists() else path.parent)
        kept = _keep(path, clock.now())
        staged.replace(path)
        share(path)
        sync(path.parent)
    return Restored(path=path, kept=kept, contents=contents, doubts=doubts)


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """A place on the same disk where the new state is made; one that a killed restore left is swept away."""
    folder = path.with_name(f"{path.name}.restoring")
    try:
        make_folder(path.parent)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        yield folder / path.name
    except OSError as error:
        kind, remedy = (
            (StoreFull, "free some space on that disk")
            if error.errno == 28
            else (StoreUnusable, "run as root or as the user that owns the state")
        )
        raise kind(f"the state {path} cannot be restored ({error.strerror})", remedy=remedy) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, staged: Path) -> None:
    os.close(os.open(staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    # SQLite's own copy, not the file's bytes: a state that was put aside by hand may have its newest commits in -wal.
    with (
        explained(staged),
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(staged)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE").fetchall()


def _prepare(staged: Path, source: Path, clock: Clock, actor: str) -> tuple[tuple[str, ...], Contents]:
    """Bring the copy to this program's schema, check it, and write down who restored it: all before it is put in."""
    store = open_store(f"sqlite:///{staged}", clock=clock)
    try:
        doubts = tuple(store.verify())
        service = store.bot_state.get("service")
        if isinstance(service, dict):
            # Its last sign of life is as old as the backup: without this the watcher would be taken for dead.
            store.bot_state.set("service", {**service, "state": "stopped", "heartbeat_at": clock.now()})
        # Its next orders must not bear the names of those that were sent after the backup.
        store.bot_state.set("installation", None)
        store.audit.append(actor, "state.restored", source.name, {"from": str(source.absolute())}, clock.now())
    finally:
        store.close()
    with explained(staged), closing(sqlite3.connect(staged)) as state:
        state.execute("PRAGMA journal_mode = DELETE").fetchall()
    sync(staged)
    return doubts, inspect(staged, whole=True)


def _keep(path: Path, now: int) -> Path | None:
    """Give the present state a second name, then take away the companions that would be replayed into the new one."""
    kept = _free_name(path, f"replaced-{stamp(now)}") if path.exists() else None
    if kept is not None:
        # Before SQLite is let near it: it throws away the log of a state that it cannot read.
        names = [(path, kept), *((Path(f"{path}{end}"), Path(f"{kept}{end}")) for end in LOGS)]
        links = [_link(old, new) for old, new in names if old.exists()]
        try:
            settled = _settle(path)
        except StoreBusy:
            for link in links:
                link.unlink()
            raise
        if settled:
            for end in LOGS:
                Path(f"{kept}{end}").unlink(missing_ok=True)
        sync(path.parent)
    for end in COMPANIONS:
        Path(f"{path}{end}").unlink(missing_ok=True)
    return kept


def _settle(path: Path) -> bool:
    """Bring what stands in the state's log into its one file; False where it is too damaged for that."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as state:
            state.execute("PRAGMA journal_mode = DELETE").fetchall()
            return bool(state.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        raise StoreBusy(
            f"the state {path} is in use by another program", remedy="end every hybridd command, then try again"
        ) from None


def _link(path: Path, name: Path) -> Path:
    try:
        os.link(path, name)
    except OSError:  # a file system without hard links: a copy takes longer and means the same
        with suppress(FileNotFoundError):
            name.unlink()
        shutil.copy2(path, name)
        sync(name)
    return name


def _free_name(path: Path, end: str) -> Path:
    name, number = path.with_name(f"{path.name}.{end}"), 1
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}.{end}-{number}")
    return name
