"""The SQLite engine: with its errors the only file that knows which database this is. Connections, copies, checks."""

import errno
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import peewee

from hybridd.errors import StoreBusy, StoreError, StoreFull, StoreUnusable
from hybridd.store.files import hand_over, is_shared, share
from hybridd.store.sqlite_errors import RESTORE, explained

BUSY_SECONDS = 5.0

_JOINED = nullcontext()  # for what a transaction within another one begins and ends: nothing


class _Inside(threading.local):
    """What a thread has of its own: how deep in a transaction it is, and its connection once it has asked for it."""

    depth = 0
    connection: sqlite3.Connection | None = None


class _Transaction:
    """The outermost one of a thread: all or nothing, with the right to write from the start."""

    __slots__ = ("_connection", "_engine")

    def __init__(self, engine: "Sqlite") -> None:
        self._engine = engine

    def __enter__(self) -> None:
        with self._engine.explained:
            self._connection = self._engine.connection()
            self._connection.execute("BEGIN IMMEDIATE")
        self._engine.inside.depth = 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with self._engine.explained:
                    self._engine.cursor().execute("COMMIT")
        finally:
            self._engine.inside.depth = 0
            if self._connection.in_transaction:
                self._connection.rollback()


class Sqlite:
    """One SQLite file, one connection a thread. `path` None: a passing state, a private file that goes on close."""

    def __init__(self, path: Path | None, *, busy_seconds: float = BUSY_SECONDS, create: bool = True) -> None:
        # A file even for a passing state: a database in memory has neither WAL nor several connections.
        self._private = tempfile.TemporaryDirectory(prefix="hybridd-") if path is None else None
        self.passing = path is None
        self.path = path.absolute() if path is not None else Path(str(self._private and self._private.name), "state.db")
        self.explained = explained(self.path)
        self._busy_seconds = busy_seconds
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        self._lock = threading.Lock()
        self._closed = False
        self.inside = _Inside()
        _prepare_file(self.path, create)
        self.peewee = peewee.SqliteDatabase(
            str(self.path),
            pragmas={"foreign_keys": 1, "synchronous": "OFF" if self._private else "FULL"},
            timeout=busy_seconds,
            factory=self._connect,
            check_same_thread=False,
        )
        try:
            with self.explained:
                self._use_wal()
        except StoreError:
            self.close()
            raise

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, which is opened when there is none."""
        kept = self.inside.connection
        if kept is None or self._closed:
            kept = self.inside.connection = cast(sqlite3.Connection, cast(Any, self.peewee).connection())
        return kept

    def cursor(self) -> sqlite3.Cursor:
        """A cursor on this thread's connection; within a transaction that has failed, StoreError."""
        connection = self.connection()
        if self.inside.depth and not connection.in_transaction:
            # A full disk makes SQLite roll back by itself; what came after would be committed alone.
            raise StoreError(f"a transaction on {self.path} has failed", remedy="begin it again")
        return connection.cursor()

    def version(self) -> int:
        """SQLite's data_version: another number as soon as another connection has committed something."""
        with self.explained:
            return int(self.cursor().execute("PRAGMA data_version").fetchone()[0])

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, with the right to write from the start; inside another it joins that one."""
        return _JOINED if self.inside.depth else _Transaction(self)

    def _connect(self, database: str, **kwargs: object) -> sqlite3.Connection:
        # Kept in a list of our own, so that close() reaches every thread's and dead threads leave none behind.
        if self._closed:
            raise StoreError(f"the state {self.path} has been closed")
        connection = sqlite3.Connection(database, **cast(dict[str, Any], kwargs))
        with self._lock:
            for thread in [t for t in self._connections if not t.is_alive()]:
                self._connections.pop(thread).close()
            self._connections[threading.current_thread()] = connection
        return connection

    def _use_wal(self) -> None:
        # SQLite does not wait for others when it changes the mode; the empty transaction between two tries does.
        for attempt in range(20):
            try:
                self.cursor().execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.OperationalError:
                if attempt == 19:
                    raise
                with self.transaction():
                    pass

    @contextmanager
    def foreign_keys_off(self) -> Iterator[None]:
        """Foreign keys unenforced on this thread's connection: rebuilding a table would else empty its children."""
        self.cursor().execute("PRAGMA foreign_keys = OFF")
        try:
            yield
        finally:
            self.cursor().execute("PRAGMA foreign_keys = ON")

    def orphans(self) -> list[str]:
        """One line for each row whose parent is missing."""
        with self.explained:
            rows = self.cursor().execute("PRAGMA foreign_key_check").fetchall()
        return [f"{table} row {rowid} points to a row of {parent} that is missing" for table, rowid, parent, _ in rows]

    def problems(self) -> list[str]:
        """What SQLite's own full check finds wrong with the file, one line each."""
        with self.explained:
            rows = self.cursor().execute("PRAGMA integrity_check").fetchall()
        return [] if rows == [("ok",)] else [str(line) for (text,) in rows for line in str(text).splitlines()]

    def backup(self, target: Path) -> None:
        """Copy the committed state to `target` while others go on working; the copy is checked before it gets its name.

        Raises StoreBusy, StoreFull or StoreUnusable; an older file at `target` stays until the new one is good.
        """
        part = target.with_name(target.name + ".part")
        try:
            _prepare_file(part, True)
            with explained(part), closing(self._reader()) as source, closing(sqlite3.connect(part)) as copy:
                source.backup(copy, progress=_within(time.monotonic() + self._busy_seconds, self.path))
                # Out of WAL mode, so that the copy is one file without companions.
                copy.execute("PRAGMA journal_mode = DELETE").fetchall()
                found = copy.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)]:
                raise StoreUnusable(f"the copy of {self.path} is damaged ({found[0][0]})", remedy=RESTORE)
            _sync(part)
            part.replace(target)
            _sync(target.parent)
        except OSError as error:
            raise StoreUnusable(f"the copy {target} cannot be written ({error.strerror})") from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _reader(self) -> sqlite3.Connection:
        # A connection of its own sees only what has been committed, even in the middle of our transaction.
        return sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=self._busy_seconds)

    def close(self) -> None:
        """Close every thread's connection; safe to call twice."""
        self._closed = True
        self.peewee.close()
        with self._lock:
            while self._connections:
                self._connections.popitem()[1].close()
        _leave_companions(self.path)
        if self._private is not None:
            self._private.cleanup()


def is_there(path: Path) -> bool:
    """Whether there is a state at `path`; raises StoreUnusable where this user may not even look."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        remedy = "run this as root, or as the user that runs hybridd"
        raise StoreUnusable(f"the state {path} cannot be seen ({error.strerror})", remedy=remedy) from None
    return True


def _prepare_file(path: Path, create: bool) -> None:
    if not create and not is_there(path):
        raise StoreUnusable(f"there is no state at {path}", remedy="start hybridd first, or check [database] url")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_file(path)
        share(path)
    except FileExistsError:
        raise StoreUnusable(f"{path.parent} is not a folder", remedy="check [database] url") from None
    except OSError as error:
        kind = StoreFull if error.errno == 28 else StoreUnusable
        remedy = "free some space on that disk" if error.errno == 28 else "check the path and who may write to it"
        raise kind(f"the state {path} cannot be written ({error.strerror})", remedy=remedy) from error


def _make_file(path: Path) -> None:
    """Make the file where there is none; raises OSError, also for one that may not be read and written."""
    # A file that is there is not opened: closing it would take from this process all its locks on it, also those of its
    # other connections (fcntl(2)), and the next program to end would take the log away under them.
    if path.is_dir():
        raise _os_error(errno.EISDIR, path)
    if path.exists():
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise _os_error(errno.EROFS, path)
        if not os.access(path, os.R_OK | os.W_OK):
            raise _os_error(errno.EACCES, path)
        return
    # By us and not by SQLite: its companions -wal and -shm inherit the mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _os_error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))


def _leave_companions(path: Path) -> None:
    """Put SQLite's two files beside a shared state again: who may not write its folder cannot open it without them."""
    if not is_shared(path.parent):
        return
    for companion in (Path(f"{path}-wal"), Path(f"{path}-shm")):
        with suppress(OSError):  # still there, since somebody else has it open; or we are the one who may not
            os.close(os.open(companion, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            hand_over(companion)
            share(companion)


def _within(end: float, path: Path) -> Callable[[int, int, int], None]:
    def progress(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > end:
            raise StoreBusy(f"the state {path} is locked by another process", remedy="try again")

    return progress


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
