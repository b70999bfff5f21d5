"""Lays out /usr/lib/hybridd inside the build root: the locked libraries and hybridd, pruned, compiled, with a launcher.

    stage.py WHEELS SOURCE DESTINATION LIBRARIES

Run by debian/rules with the distribution's own Python; asks no network. LIBRARIES keeps the finished libraries for the
next build of the same ones.
"""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path("usr/lib/hybridd")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = HOME / "lib" / f"python{VERSION}" / "site-packages"

# What is left out, and why nobody misses it. Patterns are those of Path.glob, below site-packages.
PRUNED = {
    "bin": "programs of the libraries; hybridd's own launcher is made below",
    "*.dist-info/RECORD": "names files that are left out, and is pip's, which never touches this folder",
    "*.dist-info/direct_url.json": "holds the path of the build",
    "*.dist-info/REQUESTED": "pip's own book-keeping",
    "**/*.pyi": "types for editors",
    "**/*.pyx": "source of what is compiled",
    "**/*.pxd": "source of what is compiled",
    "**/*.pxi": "source of what is compiled",
    "**/*.c": "source of what is compiled",
    "**/*.h": "for compiling against a library",
    "**/*.hpp": "for compiling against a library",
    "**/*.a": "for linking against a library",
    "numpy/**/tests": "tests",
    "numpy/_core/_*_tests.*.so": "tests",
    "numpy/f2py": "compiles Fortran",
    "numpy/distutils": "compiles extensions",
    "numpy/_core/include": "for compiling against a library",
    "numpy/_core/lib": "for linking against a library",
    "talib/tests": "tests",
    "aiohttp/.hash": "digests for aiohttp's own build",
    "ccxt/test": "tests",
    "ccxt/async_support": "the exchanges once more for asyncio; hybridd asks them from threads",
    "ccxt/pro": "the exchanges once more for web sockets; hybridd asks for closed candles",
    "ccxt/prediction": "betting markets, which have no candles",
    "google/cloud": "Firebase's database and storage; hybridd sends messages and nothing else",
    "google/api": "the same",
    "google/api_core": "the same",
    "google/gapic": "the same",
    "google/logging": "the same",
    "google/longrunning": "the same",
    "google/resumable_media": "the same",
    "google/rpc": "the same",
    "google/type": "the same",
    "google_crc32c": "the same",
    "google_crc32c.libs": "the same",
    "grpc": "the same",
    "grpc_status": "the same",
    "proto": "the same",
    "opentelemetry": "the same",
    "playhouse": "what comes beside peewee; hybridd uses peewee itself",
    "PIL/_avif*.so": "a format of pictures; hybridd draws PNG",
    "PIL/_webp*.so": "the same",
    "pillow.libs/libavif-*": "the same",
    "pillow.libs/libwebp*": "the same",
    "pillow.libs/libsharpyuv-*": "the same",
    "PIL/_imagingcms*.so": "colour profiles of printers and cameras",
    "pillow.libs/liblcms2-*": "the same",
    "PIL/_imagingtk*.so": "windows on a screen",
    "yaml/_yaml*.so": "a copy of libyaml, for speed; without it the same is done in Python",
    "apprise/i18n": "apprise's own sentences in other languages",
    "apprise/assets/themes": "icons for notifications on a desktop",
    "uvloop": "an event loop for ccxt's asyncio half, which is left out above",
    "uvloop-*.dist-info": "the same",
    "pwiz.py": "a program of peewee's",
}
# Folders of which little is used, and what that is: of Twilio, whose client imports each product when asked, messages;
# of the languages that rich can colour, the one of a traceback.
KEPT = {
    "twilio/rest": {"api", "messaging", "__init__.py", "__pycache__"},
    "pygments/lexers": {"__init__.py", "_mapping.py", "python.py", "special.py", "__pycache__"},
}

# Where the units' sandbox mounts what they may see; all of it empty.
MOUNT_POINTS = (
    "dev", "etc", "home", "proc", "root", "run/hybridd-check", "run/systemd/incoming", "run/systemd/journal",
    "sys", "tmp", "usr", "var/lib/hybridd", "var/tmp",
)  # fmt: skip
# This one is a socket, so its place is a file.
NOTIFY = "run/systemd/notify"

PYVENV = """\
home = /usr/bin
include-system-site-packages = false
version = {version}
"""
# Isolated: the caller's PYTHONPATH and folder must not change what a system command is made of.
# faulthandler: a watchdog's SIGABRT then writes into the journal where each thread stood.
LAUNCHER = """\
#!/usr/lib/hybridd/bin/python3 -IXfaulthandler
import sys

from hybridd.__main__ import main

sys.exit(main())
"""


def main() -> None:
    """Build everything."""
    wheels, source, destination, kept = (Path(word).resolve() for word in sys.argv[1:5])
    site = destination / SITE
    pip = install_tools(wheels)
    archive = kept / "site-packages.tar"
    if not archive.exists():
        add_libraries(pip, wheels, kept / "making", archive)
    site.mkdir(parents=True)
    # Touched, so that they are newer than the build's one time and get it: kept ones are older than a later commit.
    _run("tar", "--extract", "--touch", "--file", str(archive), "--directory", str(site))
    add_hybridd(pip, source, destination)
    write_home(destination / HOME)


def install_tools(wheels: Path) -> list[str]:
    """The locked build tools in a place of their own; the start of a pip command that uses them and asks no network."""
    place = Path("/opt/hybridd-tools")
    _run(sys.executable, "-m", "venv", "--clear", str(place))
    pip = [str(place / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index"]
    pip += ["--no-deps", "--no-compile", "--no-build-isolation", "--no-warn-script-location"]
    _run(*pip, "--require-hashes", "--find-links", str(wheels), "-r", str(wheels / "build.txt"))
    return pip


def add_libraries(pip: list[str], wheels: Path, place: Path, archive: Path) -> None:
    """The locked libraries, pruned and compiled, as an archive of site-packages."""
    shutil.rmtree(place, ignore_errors=True)
    site = place / SITE
    site.mkdir(parents=True)
    locked = ["--require-hashes", "--find-links", str(wheels), "--target", str(site)]
    _run(*pip, *locked, "-r", str(wheels / "runtime.txt"))
    prune(site)
    use_the_systems_certificates(site)
    compile_all(place)
    _run("tar", "--create", "--sort=name", "--file", f"{archive}.part", "--directory", str(site), ".")
    Path(f"{archive}.part").rename(archive)
    shutil.rmtree(place)


def add_hybridd(pip: list[str], source: Path, destination: Path) -> None:
    """hybridd itself, compiled as well, among the libraries."""
    place = Path("/opt/hybridd-itself")
    site = place / SITE
    _run(*pip, "--target", str(site), str(source))
    prune(site)
    compile_all(place)
    shutil.copytree(site, destination / SITE, dirs_exist_ok=True, symlinks=True)


def prune(site: Path) -> None:
    """Leave out what nothing at run time asks for."""
    for pattern in PRUNED:
        for path in sorted(site.glob(pattern)):
            _remove(path)
    for folder, kept in KEPT.items():
        for path in sorted((site / folder).glob("*")):
            if path.name not in kept:
                _remove(path)
    for cache in site.rglob("__pycache__"):
        _remove(cache)
    for path in site.rglob("*"):
        # Wheels bring whatever modes their maker's machine had.
        path.chmod(0o755 if path.is_dir() else 0o644)


def use_the_systems_certificates(site: Path) -> None:
    """Whom to trust is the administrator's word and the distribution's, as in Debian's own python3-certifi."""
    bundle = site / "certifi" / "cacert.pem"
    bundle.unlink()
    bundle.symlink_to("/etc/ssl/certs/ca-certificates.crt")


def write_home(home: Path) -> None:
    """The launcher, and what makes the folder a virtual environment of the distribution's interpreter."""
    (home / "pyvenv.cfg").write_text(PYVENV.format(version=".".join(map(str, sys.version_info[:3]))))
    programs = home / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(f"/usr/bin/python{VERSION}")
    (programs / "hybridd").write_text(LAUNCHER)
    (programs / "hybridd").chmod(0o755)
    # systemd would make them itself, but not where /usr is read-only.
    for name in MOUNT_POINTS:
        (home / "root" / name).mkdir(parents=True)
    (home / "root" / NOTIFY).touch()
    for name in ("bin", "lib", "lib64"):
        (home / "root" / name).symlink_to(f"usr/{name}")


def compile_all(destination: Path) -> None:
    """Byte code beside every module, valid by the hash of its source: time stamps differ between machines."""
    good = compileall.compile_dir(
        str(destination / SITE),
        quiet=2,
        force=True,
        maxlevels=40,
        stripdir=str(destination),
        prependdir="/",
        invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
    )
    if not good:
        # A library may ship a template, or a module for another Python; it stays uncompiled, as pip leaves it.
        sys.stderr.write(
            "stage: some modules of the libraries do not compile with this Python and are left as they are\n"
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def _run(*command: str) -> None:
    # No debug information: it would hold the build's temporary paths, and nobody debugs these two in place.
    environ = {**os.environ, "CFLAGS": "-O2 -g0", "PIP_NO_CACHE_DIR": "1", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environ, timeout=1200)
    if done.returncode:
        sys.exit(f"stage: {' '.join(command[:4])} … failed")


if __name__ == "__main__":
    main()
