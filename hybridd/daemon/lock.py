"""One daemon a state: a lock that the kernel lets go of when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from hybridd.errors import InstanceRunning, StoreUnusable


class InstanceLock:
    """Holds the file at `path`, which names the holder's process, until `release()` or the end of the process.

    Raises InstanceRunning where another process holds it, StoreUnusable where the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = _open(path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file)
            self.release()
            raise _refused(path, holder, error) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; safe to call twice. The file stays: removing it would let two holders have two files."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "InstanceLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreUnusable(
            f"cannot make the lock file {path}: {error.strerror}",
            remedy="make its directory and give it to the user that runs hybridd",
        ) from None


def _holder(file: int) -> str:
    text = os.pread(file, 32, 0).decode("ascii", errors="replace").strip()
    return f"process {text}" if text.isdigit() else "another process"


def _refused(path: Path, holder: str, error: OSError) -> InstanceRunning | StoreUnusable:
    if not isinstance(error, BlockingIOError):
        return StoreUnusable(f"cannot lock {path}: {error.strerror}", remedy="keep the state on a local file system")
    return InstanceRunning(
        f"hybridd is running already: {holder} holds {path}",
        remedy="stop it first (systemctl stop hybridd), or give this one a [database] url of its own",
    )
