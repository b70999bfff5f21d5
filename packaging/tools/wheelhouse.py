"""Fetches what the package is made of, for one release, by the lock files and their hashes."""

import hashlib
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from releases import PROJECT, CannotBuild, Release, say

LOCKS = ("build", "runtime")
# Those that no wheel exists of: they are built in the build root, with the distribution's own Python.
FROM_SOURCE = ("http-ece", "sdnotify", "systemd-python")


def requirements_for(lock: Path, release: Release, machine: str) -> list[str]:
    """The lines of a lock file that the release needs, each on one line with its hashes and without its marker."""
    environment = {
        "python_version": release.python,
        "python_full_version": f"{release.python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": machine,
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    lines = []
    for line in lock.read_text().replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        named, _, hashes = line.partition(" --hash=")
        requirement = Requirement(named)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            lines.append(f"{requirement.name}{requirement.specifier} --hash={hashes}")
    return lines


def fetch(release: Release, machine: str, target: Path) -> Path:
    """`target` with a requirements file for each lock and all archives that they name; fetched when they changed."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {lock: requirements_for(PROJECT / f"requirements/{lock}.txt", release, machine) for lock in LOCKS}
    text = {lock: "\n".join(lines) + "\n" for lock, lines in wanted.items()}
    digest = hashlib.sha256("".join(text.values()).encode()).hexdigest()
    stamp = target / ".complete"
    if stamp.exists() and stamp.read_text() == digest:
        return target
    say(f"fetching the wheels for {release.name}")
    for old in target.iterdir():
        old.unlink()
    for lock in LOCKS:
        (target / f"{lock}.txt").write_text(text[lock])
        _download(target / f"{lock}.txt", release, machine, target)
    stamp.write_text(digest)
    return target


def _download(requirements: Path, release: Release, machine: str, target: Path) -> None:
    tag = "cp" + release.python.replace(".", "")
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(release.glibc, 4, -1)]
    platforms += [f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")]
    # pip judges markers and wheels by the Python that runs it: the target is told by hand, markers are gone.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--require-hashes", "--only-binary=:all:", f"--no-binary={','.join(FROM_SOURCE)}"]
    command += ["--implementation", "cp", "--python-version", release.python]
    command += [part for abi in (tag, "abi3", "none") for part in ("--abi", abi)]
    command += [part for platform in platforms for part in ("--platform", platform)]
    command += ["--dest", str(target), "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if "ERROR" in line]
        reason = reasons[-1] if reasons else "pip gave no reason"
        raise CannotBuild(f"could not fetch what {requirements.name} names ({reason}) → check the network, try again")
