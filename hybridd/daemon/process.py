"""Whether the process that wrote something down is still there."""

import os
from functools import cache
from pathlib import Path


@cache
def home() -> str:
    """What the number of a process means something in: this boot of this machine and its namespace; "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def gone(pid: object, its_home: object) -> bool:
    """Whether no process has that number where it had it; False also where that cannot be known from here."""
    if not (isinstance(pid, int) and pid > 0 and its_home and its_home == home()):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # of another user: it is there
        return False
    return False
