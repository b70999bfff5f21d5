"""Installs the units as their table says: files of packaging/systemd, each with the sandbox that all of them share.

units.py PACKAGING DESTINATION UNIT_FOLDER
"""

import sys
import tomllib
from pathlib import Path

# Dropped in for hybridd.service itself, and by the common beginning of their names for all other services.
SANDBOXED = ("hybridd.service.d", "hybridd-.service.d")
USER = """\
# In place of the sandbox's: this unit and the others may not read each other's secrets.
[Service]
User={user}
Group={user}
"""
BESIDE = {
    "hybridd.sysusers": "usr/lib/sysusers.d/hybridd.conf",
    "hybridd.tmpfiles": "usr/lib/tmpfiles.d/hybridd.conf",
    "hybridd.preset": "usr/lib/systemd/system-preset/80-hybridd.preset",
    "hybridd.catalog": "usr/lib/systemd/catalog/hybridd.catalog",
}


def install(packaging: Path, destination: Path, unit_folder: str) -> None:
    """Every unit of the table, the sandbox, and what systemd reads beside units."""
    source, units = packaging / "systemd", destination / unit_folder.strip("/")
    table = tomllib.loads((packaging / "units.toml").read_text())
    for name, row in table.items():
        _copy(source / name, units / name)
        if row.get("network") is False:
            # Its number is above the sandbox's: of drop-ins of one unit, the later name wins.
            _copy(source / "no-network.conf", units / f"{name}.d" / "60-no-network.conf")
        if "user" in row:
            _write(units / f"{name}.d" / "60-user.conf", USER.format(**row))
    for folder in SANDBOXED:
        _copy(source / "sandbox.conf", units / folder / "50-sandbox.conf")
    for name, target in BESIDE.items():
        _copy(source / name, destination / target)


def _copy(source: Path, target: Path) -> None:
    _write(target, source.read_text())


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(0o644)


if __name__ == "__main__":
    install(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
