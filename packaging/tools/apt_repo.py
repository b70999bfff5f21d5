"""Makes a signed apt repository of dist/: `apt_repo.py [--packages DIR] [--out DIR] [--key FINGERPRINT]`.

Any web server, or apt's file: method, can hand it out. Without a key of yours one is made and kept in build/.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import roots
from releases import PROJECT, RELEASES, CannotBuild, say

RELEASE_FIELDS = ("Origin=hybridd", "Label=hybridd", "Components=main")
KEY_NAME = "hybridd package archive <hybridd@packages.invalid>"
SOURCES = """\
Types: deb
URIs: {uri}
Suites: {suite}
Components: main
Signed-By: /etc/apt/keyrings/hybridd.asc
"""


def main() -> int:
    """Make what the command line asks for; one line of complaint and 1 where it cannot be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, default=PROJECT / "dist", help="folder with the .deb files")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist" / "apt", help="folder of the repository")
    parser.add_argument("--key", default="", help="fingerprint of a key in your own key ring to sign with")
    options = parser.parse_args()
    try:
        suites = make(options.packages, options.out, options.key)
    except CannotBuild as error:
        say(str(error))
        return 1
    say(f"{options.out}: a repository for {', '.join(suites)}, its key beside it in hybridd.asc")
    sys.stdout.write(SOURCES.format(uri=f"file:{options.out}", suite=suites[0]))
    return 0


def make(packages: Path, out: Path, key: str = "") -> list[str]:
    """Lay out, index and sign; returns the code names that there are packages for. Raises CannotBuild."""
    if shutil.which("apt-ftparchive") is None or shutil.which("gpg") is None:
        roots.require_tools("apt-ftparchive", "gpg", "gpg-agent")
    home = None if key else PROJECT / "build" / "signing-key"
    signer = key or _own_key(home or Path())
    shutil.rmtree(out, ignore_errors=True)
    suites = [codename for codename in RELEASES if _suite(packages, out, codename)]
    if not suites:
        raise CannotBuild(f"there are no packages in {packages} → make deb")
    for codename in suites:
        _sign(out / "dists" / codename, signer, home)
    (out / "hybridd.asc").write_bytes(_run(*_gpg(home), "--armor", "--export", signer))
    return suites


def _suite(packages: Path, out: Path, codename: str) -> bool:
    found = sorted(packages.glob(f"hybridd_*~{RELEASES[codename].label}_*.deb"))
    if not found:
        return False
    pool = out / "pool" / codename
    pool.mkdir(parents=True)
    for package in found:
        shutil.copy(package, pool)
    machine = found[0].stem.rpartition("_")[2]
    index = out / "dists" / codename / "main" / f"binary-{machine}"
    index.mkdir(parents=True)
    (index / "Packages").write_bytes(_run("apt-ftparchive", "packages", f"pool/{codename}", cwd=out))
    fields = [*RELEASE_FIELDS, f"Suite={codename}", f"Codename={codename}", f"Architectures={machine}"]
    options = [part for field in fields for part in ("-o", f"APT::FTPArchive::Release::{field}")]
    release = _run("apt-ftparchive", *options, "release", f"dists/{codename}", cwd=out)
    (out / "dists" / codename / "Release").write_bytes(release)
    return True


def _sign(suite: Path, signer: str, home: Path | None) -> None:
    release = str(suite / "Release")
    _run(*_gpg(home), "--local-user", signer, "--clearsign", "--output", str(suite / "InRelease"), release)
    _run(*_gpg(home), "--local-user", signer, "--detach-sign", "--armor", "--output", f"{release}.gpg", release)


def _own_key(home: Path) -> str:
    """The fingerprint of the key in build/, made where there is none."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    listed = _fingerprints(home)
    if not listed:
        say("making a key to sign with; for packages that others install, name one of yours with --key")
        made = ("--passphrase", "", "--quick-generate-key", KEY_NAME, "ed25519", "sign", "never")
        _run(*_gpg(home), *made)
        listed = _fingerprints(home)
    return listed[0]


def _fingerprints(home: Path) -> list[str]:
    listing = _run(*_gpg(home), "--with-colons", "--list-secret-keys").decode().splitlines()
    return [line.split(":")[9] for line in listing if line.startswith("fpr:")]


def _gpg(home: Path | None) -> list[str]:
    return ["gpg", "--batch", "--yes", "--quiet", *(["--homedir", str(home)] if home else [])]


def _run(*command: str, cwd: Path | None = None) -> bytes:
    done = subprocess.run(command, cwd=cwd, env={**os.environ, "LC_ALL": "C.UTF-8"}, capture_output=True, timeout=120)
    if done.returncode:
        raise CannotBuild(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
