"""What SQLite's errors mean for the state: one clear line each, or a defect of the program."""

import shutil
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import peewee

from hybridd.errors import StoreBusy, StoreError, StoreFull, StoreUnusable

RESTORE = "restore a backup with `hybridd restore FILE`"
_NO_SPACE = 64 * 1024  # SQLite reports some full disks as I/O errors: less than this left, and it was the space

_ERRORS: dict[int, tuple[type[StoreError], str, str]] = {
    sqlite3.SQLITE_BUSY: (StoreBusy, "is locked by another process", "try again once that process has finished"),
    sqlite3.SQLITE_LOCKED: (StoreBusy, "is locked by another connection", "try again"),
    sqlite3.SQLITE_FULL: (StoreFull, "cannot grow: the disk is full", "free some space on that disk"),
    sqlite3.SQLITE_READONLY: (StoreUnusable, "is read-only", "give the user who runs hybridd write access"),
    sqlite3.SQLITE_PERM: (StoreUnusable, "may not be opened", "give the user who runs hybridd access to it"),
    sqlite3.SQLITE_CANTOPEN: (StoreUnusable, "cannot be opened", "check the folder and who may write to it"),
    sqlite3.SQLITE_NOTADB: (StoreUnusable, "is not a database", f"name another file in [database] url, or {RESTORE}"),
    sqlite3.SQLITE_CORRUPT: (StoreUnusable, "is damaged", RESTORE),
    sqlite3.SQLITE_IOERR: (StoreUnusable, "cannot be read or written (disk error)", f"check the disk, then {RESTORE}"),
}


def explain(error: Exception, path: Path) -> StoreError | None:
    """What an error of SQLite means for the state at `path`, in one line; None for a defect of the program."""
    origin = getattr(error, "orig", error)  # peewee keeps the driver's error there
    code = getattr(origin, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return StoreUnusable(f"the state {path} was moved or deleted while in use", remedy="restart hybridd")
    if code == sqlite3.SQLITE_ERROR and str(origin).startswith("no such"):
        return StoreUnusable(f"the state {path} is incomplete ({origin})", remedy=RESTORE)
    if code is None or code & 0xFF not in _ERRORS:
        return None
    base = code & 0xFF
    if base in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and free_bytes(path) < _NO_SPACE:
        base = sqlite3.SQLITE_FULL
    kind, what, remedy = _ERRORS[base]
    return kind(f"the state {path} {what}", remedy=remedy)


def explained(path: Path) -> AbstractContextManager[None]:
    """Errors of SQLite inside come out as StoreBusy, StoreFull or StoreUnusable, a defect as peewee's own."""
    return _Explained(path)


class _Explained:
    # A class because a generator takes six times as long, and every query of a cycle goes through one.
    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, peewee.PeeweeException | sqlite3.Error):
            return
        known = explain(error, self._path)
        if known is not None:
            raise known from error
        if isinstance(error, sqlite3.Error):
            raise getattr(peewee, type(error).__name__, peewee.DatabaseError)(error, *error.args) from error


def free_bytes(path: Path) -> int:
    """Space left, in bytes, for unprivileged use on the disk that holds `path`."""
    return shutil.disk_usage(path.parent).free
