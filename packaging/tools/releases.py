"""The releases that hybridd is packaged for, and what is different about each."""

import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`label` ends the package's version; `glibc` is the minor of the C library (2.x) that decides which wheels fit."""

    codename: str
    name: str
    label: str
    python: str
    glibc: int
    mirror: str = ""
    components: str = "main"
    keyring: str = ""

    @property
    def interpreter(self) -> str:
        """The interpreter's package and program."""
        return f"python{self.python}"


# "~deb12" sorts below "~deb13", so that the upgrade of a machine to the next release upgrades hybridd with it.
RELEASES = {
    release.codename: release
    for release in (
        Release(codename="bookworm", name="Debian 12", label="deb12", python="3.11", glibc=36),
        Release(codename="trixie", name="Debian 13", label="deb13", python="3.13", glibc=41),
        Release(
            codename="noble",
            name="Ubuntu 24.04",
            label="ubuntu24.04",
            python="3.12",
            glibc=39,
            mirror="http://archive.ubuntu.com/ubuntu",
            components="main,universe",
            keyring="/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        ),
    )
}


class CannotBuild(Exception):
    """What is missing, and what to do about it; told as one line, never as a traceback."""


def release_of(codename: str) -> Release:
    """The row of a codename; raises CannotBuild with the known ones."""
    if codename not in RELEASES:
        raise CannotBuild(f'no release "{codename}" → one of {", ".join(RELEASES)}')
    return RELEASES[codename]


def say(text: str) -> None:
    """One line of progress on standard error."""
    sys.stderr.write(f"hybridd: {text}\n")
    sys.stderr.flush()
