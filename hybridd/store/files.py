"""Files beside the state: written whole or not at all, owned by whoever owns the folder, shared with its group."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def hand_over(path: Path, like: Path | None = None) -> None:
    """Give what root made the owner of `like`, by default that of its folder: the daemon must be able to use it."""
    if os.geteuid() == 0:
        owner = (like or path.parent).stat()
        with suppress(PermissionError):  # root without the right to do so, as in a sandbox
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def is_shared(folder: Path) -> bool:
    """Whether a folder gives what is made in it to its group, which may enter and not change it.

    So the package lets the web at the state.
    """
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    return mode & (stat.S_ISGID | stat.S_IWGRP | stat.S_IXGRP) == stat.S_ISGID | stat.S_IXGRP


def share(path: Path, mode: int = 0o660) -> None:
    """Let the group of a shared folder at a file of ours; anywhere else nothing happens."""
    if is_shared(path.parent):
        with suppress(OSError):  # somebody else's: only its owner can say who may use it
            path.chmod(mode)


def make_folder(path: Path) -> None:
    """Make a folder (0700) and those above it; raises OSError."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        hand_over(path)


def write_whole(path: Path, text: str) -> None:
    """Put `text` into a file (0600) in place of what was there; raises OSError, and the old file is then untouched."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        hand_over(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
