"""The doctor's look at the machine around hybridd: who may read what, the clock, systemd's units, the credentials."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridd.daemon.clock_sync import synchronised
from hybridd.daemon.credentials import listed
from hybridd.daemon.units import UNITS, runs_here, show
from hybridd.errors import HybriddError
from hybridd.pipeline.findings import Level, Report
from hybridd.store.database import path_of
from hybridd.store.files import is_shared

_PROPERTIES = ("LoadState", "ActiveState", "Result", "FragmentPath", "DropInPaths", "NeedDaemonReload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the settings say of the machine: their files, the names of the credentials that they read, the state's URL.

    `credentials` is systemd's folder of credentials, None outside of a unit; `root` is where the file system begins.
    """

    settings_files: Sequence[Path] = ()
    wanted: Sequence[str] = ()
    url: str = ""
    credentials: Path | None = None
    root: Path = Path("/")


def wanted_credentials(values: object) -> list[str]:
    """The names in every {credential = "NAME"} of settings as they were written, sorted."""
    if isinstance(values, Mapping):
        if set(values) == {"credential"} and isinstance(values["credential"], str):
            return [values["credential"]]
        return sorted({name for inner in values.values() for name in wanted_credentials(inner)})
    if isinstance(values, Sequence) and not isinstance(values, str):
        return sorted({name for inner in values for name in wanted_credentials(inner)})
    return []


def permissions(machine: Machine) -> Iterator[Report]:
    """Who else than the owner may read the state and its copies, or change the settings."""
    reports = [*_writable(machine.settings_files), *_readable(machine)]
    yield from reports
    if not reports:
        yield Level.GOOD, "settings, state and backups are open to nobody who should not see them", ""


def _writable(files: Sequence[Path]) -> Iterator[Report]:
    for path in [*files, *{path.parent for path in files}]:
        mode = _mode(path)
        if mode is not None and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            yield Level.ERROR, f"everybody may change {path}", f"chmod o-w {path}"


def _readable(machine: Machine) -> Iterator[Report]:
    state = path_of(machine.url) if machine.url else None
    if state is None:
        return
    folder = state.absolute().parent
    private = [state, *(Path(f"{state}{end}") for end in ("-wal", "-shm"))]
    try:
        private += [*folder.glob(f"{state.name}.*"), *(folder / "backups").glob("*.db")]
    except OSError:
        return
    for path in private:
        mode = _mode(path)
        # The lock holds a process number, and that is nobody's secret. The group of a shared folder is the web.
        others = 0o007 if is_shared(path.parent) else 0o077
        if mode is not None and mode & others and stat.S_ISREG(mode) and path.suffix != ".lock":
            yield Level.WARNING, f"{path} can be read by others", f"chmod 600 {path}"


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


def clock_kept(_: Machine) -> Iterator[Report]:
    """Whether somebody keeps this machine's clock right."""
    kept = synchronised()
    if kept is None:
        yield Level.GOOD, "nobody can tell here whether the clock is synchronised (a container, or no right to ask)", ""
    elif kept:
        yield Level.GOOD, "the clock is synchronised", ""
    else:
        yield Level.WARNING, "nobody keeps this machine's clock right", "timedatectl set-ntp true, or install chrony"


def units(_: Machine) -> Iterator[Report]:
    """What systemd says of hybridd's units."""
    if not runs_here():
        yield Level.GOOD, "systemd does not run here", ""
        return
    shown = {name: unit for name, unit in show(UNITS, _PROPERTIES).items() if unit.get("LoadState") != "not-found"}
    if not shown:
        yield Level.GOOD, "hybridd is not installed as a service", ""
        return
    reports = [report for name, unit in shown.items() for report in judge_unit(name, unit)]
    yield from reports
    if not any(level is not Level.GOOD for level, _, _ in reports):
        yield Level.GOOD, f"{len(shown)} units, none of which has failed", ""


def judge_unit(name: str, unit: Mapping[str, str]) -> Iterator[Report]:
    """What is worth saying of one unit, from its properties."""
    if unit.get("LoadState") in {"error", "bad-setting"}:
        yield Level.ERROR, f"{name} cannot be loaded", f"systemd-analyze verify {name}"
    if unit.get("ActiveState") == "failed":
        yield (
            Level.ERROR,
            f"{name} has failed ({unit.get('Result', 'no result')})",
            f"journalctl -u {name} -n 50; then systemctl restart {name}",
        )
    if unit.get("NeedDaemonReload") == "yes":
        yield Level.WARNING, f"the files of {name} have changed since they were read", "systemctl daemon-reload"
    if unit.get("LoadState") == "masked":
        yield Level.WARNING, f"{name} is masked: it cannot start", f"systemctl unmask {name}"
    elif unit.get("FragmentPath", "").startswith("/etc/"):
        path = unit["FragmentPath"]
        yield (
            Level.WARNING,
            f"{path} stands in for the whole packaged unit: upgrades do not reach it",
            f"keep only your changes: systemctl edit {name}, then remove {path}",
        )
    if drop_ins := unit.get("DropInPaths"):
        yield Level.GOOD, f"{name} is changed by {drop_ins}", ""


def credentials(machine: Machine) -> Iterator[Report]:
    """Whether the credentials that the settings read are there."""
    if not machine.wanted:
        yield Level.GOOD, "the settings read no credentials", ""
        return
    if machine.credentials is not None:
        for name in machine.wanted:
            if not (machine.credentials / name).is_file():
                yield _missing(name)
        return
    try:
        kept = {stored.name: stored for stored in listed(machine.root)}
    except HybriddError:
        user = os.environ.get("USER") or str(os.getuid())
        yield Level.GOOD, f"{user} may not see which credentials are stored; root may", ""
        return
    for name in machine.wanted:
        if name in kept:
            how = "encrypted" if kept[name].encrypted else "unencrypted, for root only"
            yield Level.GOOD, f"{name} is stored, {how}", ""
        else:
            yield _missing(name)


def _missing(name: str) -> Report:
    return Level.ERROR, f"the settings read the credential {name}, which is not stored", f"hybridd secrets set {name}"
