"""Whether this machine's clock is kept right by somebody: what the kernel says, or systemd-timesyncd; best effort."""

import time
from pathlib import Path

_UNSYNCHRONISED = 0x40  # STA_UNSYNC, adjtimex(2)
_TIME_ERROR = 5
_CONTAINERS = ("run/systemd/container", ".dockerenv", "run/.containerenv")
_TIMESYNCD = "run/systemd/timesync"
_FIRST_SYNC_S = 600.0


def synchronised(root: Path = Path("/")) -> bool | None:
    """True or False where it can be told; None in a container, whose clock is its host's affair, or without the right
    to ask (units with ProtectClock= have none) on a machine where systemd-timesyncd does not run."""
    if any((root / name).exists() for name in _CONTAINERS):
        return None
    kernel = _kernel()
    return timesyncd(root / _TIMESYNCD, _since_boot()) if kernel is None else kernel


def timesyncd(folder: Path, since_boot_s: float) -> bool | None:
    """What systemd-timesyncd(8) says by its files; None where it does not run or has only just begun."""
    if (folder / "synchronized").exists():
        return True
    return False if folder.is_dir() and since_boot_s > _FIRST_SYNC_S else None


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _kernel() -> bool | None:
    try:
        import ctypes  # only here: in a sandbox it may be refused the memory that it wants at its import

        adjtimex = ctypes.CDLL(None).adjtimex
    except (ImportError, OSError, AttributeError, MemoryError):
        return None
    timex = ctypes.create_string_buffer(512)  # modes 0: it only asks; the struct is smaller everywhere
    state = adjtimex(timex)
    if state < 0:
        return None
    # `status` in struct timex comes after modes (padded to a long), offset, freq, maxerror and esterror.
    status = ctypes.c_int.from_buffer_copy(timex, 5 * ctypes.sizeof(ctypes.c_long)).value
    return state != _TIME_ERROR and not status & _UNSYNCHRONISED
