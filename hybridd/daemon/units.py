"""What systemd says of hybridd's units: asked through systemctl, with a time-out, only where systemd runs."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

UNITS = (
    "hybridd.service",
    "hybridd-dashboard.service",
    "hybridd-check.service",
    "hybridd-check.timer",
    "hybridd-backup.service",
    "hybridd-backup.timer",
    "hybridd-report.service",
    "hybridd-report.timer",
)
_TIMEOUT_S = 5.0
_BOOTED = Path("/run/systemd/system")  # sd_booted(3)


def runs_here() -> bool:
    """Whether systemd manages this machine."""
    return _BOOTED.is_dir()


def show(units: Sequence[str], properties: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """The properties of units, by unit; nothing where systemd does not run or does not answer in time."""
    if not runs_here():
        return {}
    command = ["systemctl", "show", "--no-pager", f"--property={','.join(('Id', *properties))}", "--", *units]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse(done.stdout)


def parse(text: str) -> dict[str, Mapping[str, str]]:
    """What `systemctl show` prints: NAME=VALUE lines, an empty line between units."""
    blocks = (dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}
