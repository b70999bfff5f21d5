"""Whether releases can be built for and booted on this machine: `can_boot.py [RELEASE…]`; if not, one line says why.

Makes what a boot needs, once: programs and root file systems. Exit code 3 where it cannot be done here.
"""

import platform
import sys
import tempfile
from pathlib import Path

from releases import CannotBuild, release_of, say
from roots import require_tools, root_of, run_inside, throw_away

CANNOT = 3
TOOLS = ("mmdebstrap", "systemd-nspawn", "apt-ftparchive", "gpg", "gpg-agent")


def main() -> int:
    """0 when everything is there."""
    try:
        prepare(sys.argv[1:] or ["bookworm", "trixie"])
    except CannotBuild as reason:
        say(f"the system tests are skipped: {reason}")
        return CANNOT
    return 0


def prepare(codenames: list[str]) -> None:
    """Make what a boot of each release needs, and enter it once. Raises CannotBuild."""
    if platform.system() != "Linux":
        raise CannotBuild("only Linux boots them → use a machine or a virtual one with Debian or Ubuntu")
    require_tools(*TOOLS)
    for release in map(release_of, codenames):
        for kind in ("build", "boot"):
            root_of(kind, release)
        enter(root_of("boot", release))


def enter(root: Path) -> None:
    """A container that ends at once; what forbids it would forbid a boot. Raises CannotBuild."""
    with throw_away(root, size="16M") as inside, tempfile.NamedTemporaryFile("w+") as log:
        if run_inside(inside, ["/bin/true"], binds={}, log=Path(log.name), seconds=60):
            said = (Path(log.name).read_text(errors="replace").strip().splitlines() or ["no reason given"])[-1]
            raise CannotBuild(f"no container can be started ({said}) → this machine may not allow it")


if __name__ == "__main__":
    sys.exit(main())
