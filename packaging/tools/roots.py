"""Root file systems of the releases: made from their own archives, cached, used through throw-away overlays."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from releases import CannotBuild, Release, say

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybridd" / "roots"
# Old enough that security updates of the distribution matter, young enough not to be made for every run.
MAX_AGE_S = 14 * 86_400
INCLUDE = {
    "build": (
        "build-essential", "debhelper", "libsystemd-dev", "pkg-config", "python3-dev", "python3-pip", "python3-venv",
        "tzdata",
    ),
    "boot": ("apt", "systemd", "systemd-sysv", "dbus", "ca-certificates", "python3", "tzdata"),
}  # fmt: skip
# Program → the Debian package that has it.
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "lintian": "lintian",
    "apt-ftparchive": "apt-utils",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
    "zstd": "zstd",
}


def require_tools(*programs: str) -> None:
    """Install the Debian packages of the named programs that this machine lacks. Raises CannotBuild."""
    if os.geteuid() != 0:
        raise CannotBuild("only root can make and enter root file systems → run it with sudo")
    # apt-get refuses to run twice at a time, and two releases may be built side by side: the second finds it done.
    with _alone("tools"):
        _install(sorted({TOOLS[program] for program in programs if shutil.which(program) is None}))


def _install(missing: Sequence[str]) -> None:
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotBuild(f"missing on this machine: {', '.join(missing)} → build on Debian or Ubuntu")
    say(f"installing Debian packages: {' '.join(missing)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
        done = subprocess.run(["apt-get", *command], env=environ, capture_output=True, text=True, timeout=1200)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise CannotBuild(f"apt-get could not install {' '.join(missing)} ({last}) → install them by hand")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Wait until no other process on this machine is in a block of this name."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def root_of(kind: str, release: Release) -> Path:
    """The cached root file system ("build" or "boot") of a release, made where there is none. Raises CannotBuild."""
    key = hashlib.sha256(repr((INCLUDE[kind], release)).encode()).hexdigest()[:12]
    root = CACHE / f"{release.codename}-{kind}-{key}"
    if root.exists() and time.time() - root.stat().st_mtime < MAX_AGE_S:
        return root
    require_tools("mmdebstrap")
    if release.keyring and not Path(release.keyring).exists():
        # Fetching it from the very archive that it vouches for would prove nothing.
        raise CannotBuild(f"no {release.keyring}, which vouches for {release.name} → copy it from such a machine")
    say(f"making a {release.name} root file system ({kind}), about a minute")
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob(f"{release.codename}-{kind}-*"):
        shutil.rmtree(old, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f".{release.codename}-{kind}-", dir=CACHE))
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(INCLUDE[kind])}"]
    command += [f"--components={release.components}", release.codename, str(part)]
    command += [f"--keyring={release.keyring}", release.mirror] if release.mirror else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if line.startswith("E:")), "see mmdebstrap(1)")
            raise CannotBuild(f"mmdebstrap could not make {release.name} ({reason}) → check the network, try again")
        part.chmod(0o755)
        os.utime(part)
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


@contextmanager
def throw_away(root: Path, *, size: str = "4G") -> Iterator[Path]:
    """A writable view of `root`; what is written lives in memory (at most `size`) and goes at the end."""
    place = Path(tempfile.mkdtemp(prefix="hybridd-root-"))
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "hybridd", str(place))
        for name in ("upper", "work", "root"):
            (place / name).mkdir(mode=0o755)
        options = f"lowerdir={root},upperdir={place}/upper,workdir={place}/work"
        _run("mount", "-t", "overlay", "-o", options, "hybridd", str(place / "root"))
        yield place / "root"
    finally:
        for mounted in (place / "root", place):
            subprocess.run(["umount", "--lazy", str(mounted)], capture_output=True, timeout=60)
        place.rmdir()


def run_inside(root: Path, command: Sequence[str], *, binds: dict[Path, str], log: Path, seconds: float) -> int:
    """Run a command in `root` without any network, its output in `log`; returns its exit code. Raises CannotBuild."""
    nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--timezone=off"]
    nspawn += ["--pipe", "--directory", str(root), *(f"--bind={here}:{there}" for here, there in binds.items())]
    with log.open("w") as out:
        try:
            return subprocess.run(
                [*nspawn, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=seconds
            ).returncode
        except subprocess.TimeoutExpired:
            raise CannotBuild(f"{command[0]} did not end within {seconds:g} s → see {log}") from None


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise CannotBuild(f"{command[0]} failed ({said}) → this machine may not allow it (a container?)")
