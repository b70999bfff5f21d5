"""Builds the Debian package of a release: `deb.py [RELEASE…] [--version V] [--out DIR] [--check]`.

Everything is fetched first, by hashes; the build itself runs in a root file system of the release without a network.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import roots
import wheelhouse
from releases import PROJECT, RELEASES, CannotBuild, Release, release_of, say

# What a build needs of the project; anything else in the folder is nobody's business.
SOURCES = ("hybridd", "packaging", "docs", "etc", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
UNITS = {"bookworm": "/lib/systemd/system"}
CHANGELOG = """\
hybridd ({version}) {codename}; urgency=medium

  * hybridd {plain} for {name}; its changes are listed in the project's own
    changelog.

 -- The hybridd developers <hybridd@packages.invalid>  {date}
"""
BUILD_SECONDS = 1800


def main() -> int:
    """Build what the command line names; one line of complaint and 1 where it cannot be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", nargs="*", default=["bookworm", "trixie"], help=", ".join(RELEASES))
    parser.add_argument("--version", default="", help="in place of the one in pyproject.toml, to try upgrades")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist", help="folder of the packages")
    parser.add_argument("--check", action="store_true", help="lintian, and a second build that must be the same")
    options = parser.parse_args()
    try:
        for codename in options.release:
            made = build(release_of(codename), options.out, version=options.version)
            if options.check:
                check(release_of(codename), made, options.version)
            sys.stdout.write(f"{made}\n")
    except CannotBuild as error:
        say(str(error))
        return 1
    return 0


def build(release: Release, out: Path, *, version: str = "", fresh: bool = False) -> Path:
    """The .deb of a release, in `out`. `fresh`: nothing is taken over from a build before. Raises CannotBuild."""
    roots.require_tools("systemd-nspawn")
    fetch_web()
    plain = version or project_version()
    wheels = wheelhouse.fetch(release, platform.machine(), PROJECT / "build" / "wheels" / release.codename)
    root = roots.root_of("build", release)
    out.mkdir(parents=True, exist_ok=True)
    log = PROJECT / "build" / f"deb-{release.codename}.log"
    say(f"building hybridd {plain} for {release.name}")
    with tempfile.TemporaryDirectory(prefix="hybridd-deb-") as place, roots.throw_away(root) as inside:
        work = Path(place)
        copy_source(work / "hybridd", release, plain)
        # The same path in every build: it would otherwise find its way into what is compiled.
        libraries = work / "libraries" if fresh else kept_libraries(release, wheels, root)
        libraries.mkdir(parents=True, exist_ok=True)
        binds = {work: "/build", wheels: "/wheels", libraries: "/libraries"}
        command = ["/usr/bin/env", f"SOURCE_DATE_EPOCH={epoch()}", "WHEELS=/wheels", "LIBRARIES=/libraries"]
        command += [f"UNITS={UNITS.get(release.codename, '/usr/lib/systemd/system')}", "/bin/sh", "-ec"]
        command += ["cd /build/hybridd && dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps"]
        if roots.run_inside(inside, command, binds=binds, log=log, seconds=BUILD_SECONDS):
            last = [
                line for line in log.read_text(errors="replace").splitlines() if "error" in line or "Error" in line
            ][-1:]
            raise CannotBuild(f"the build for {release.name} failed ({' '.join(last)}) → see {log}")
        made = next(work.glob("hybridd_*.deb"))
        return Path(shutil.copy(made, out / made.name))


def check(release: Release, made: Path, version: str) -> None:
    """A second build is the same to the byte, and lintian finds nothing. Raises CannotBuild."""
    with tempfile.TemporaryDirectory(prefix="hybridd-again-") as place:
        again = build(release, Path(place), version=version, fresh=True)
        if again.read_bytes() != made.read_bytes():
            raise CannotBuild(f"two builds of {made.name} differ → compare them with diffoscope")
    roots.require_tools("lintian")
    command = [
        "lintian",
        "--no-cfg",
        "--allow-root",
        "--fail-on",
        "error,warning",
        "--tag-display-limit",
        "0",
        str(made),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode or done.stdout.strip():
        raise CannotBuild(f"lintian on {made.name}:\n{done.stdout}{done.stderr}")
    say(f"{made.name}: built twice the same, lintian has nothing to say")


def kept_libraries(release: Release, wheels: Path, root: Path) -> Path:
    """Where the finished libraries are kept: a folder for each set of wheels, way of staging, and root."""
    staging = (PROJECT / "packaging" / "tools" / "stage.py").read_bytes()
    digest = hashlib.sha256((wheels / ".complete").read_bytes() + staging + str(root).encode()).hexdigest()[:12]
    return PROJECT / "build" / "libraries" / f"{release.codename}-{digest}"


def fetch_web() -> None:
    """What browsers get and was not written here, into the source tree. Raises CannotBuild."""
    with roots.alone("web"):
        done = subprocess.run([PROJECT / "packaging" / "web.sh"], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise CannotBuild((done.stderr.strip().splitlines() or ["npm gave no reason"])[-1].removeprefix("hybridd: "))


def copy_source(target: Path, release: Release, version: str) -> None:
    """The source tree as the build wants it: debian/ on top, the changelog written, the version set."""
    target.mkdir()
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info"))
        elif source.exists():
            shutil.copy(source, target / name)
    shutil.copytree(target / "packaging" / "debian", target / "debian")
    date = datetime.fromtimestamp(epoch(), UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    words = {"version": f"{version}~{release.label}", "plain": version, "name": release.name, "date": date}
    (target / "debian" / "changelog").write_text(CHANGELOG.format(codename=release.codename, **words))
    project = target / "pyproject.toml"
    project.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project.read_text(), count=1))


def project_version() -> str:
    """The version of pyproject.toml."""
    return str(tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"])


def epoch() -> int:
    """The one time that a build knows: SOURCE_DATE_EPOCH, else that of the last commit, else the first day of 2026."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdigit():
        return int(given)
    command = ["git", "-C", str(PROJECT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else 1_767_225_600


if __name__ == "__main__":
    sys.exit(main())
