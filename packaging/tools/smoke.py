"""Imports, with what is about to be packaged, all that hybridd is made of: what was pruned must not be missed."""

import importlib
import pkgutil
import sys
from pathlib import Path

import ccxt

import hybridd

# What hybridd calls of the libraries that it opens only when their channel is configured.
# The extras of pyproject.toml, which are not packaged: what needs one says so to whoever asks for it.
EXTRAS = ("matplotlib", "pyarrow")
LATE = (
    "argon2",
    "firebase_admin.messaging",
    "twilio.rest",
    "twilio.rest.api.v2010.account.message",
    "systemd.journal",
    "sdnotify",
)


def main() -> None:
    """Import every module of hybridd, every exchange, every channel's library; the first that fails ends the build."""
    names = [module.name for module in pkgutil.walk_packages(hybridd.__path__, "hybridd.")]
    names += [f"ccxt.{name}" for name in ccxt.exchanges] + list(LATE)
    for name in names:
        if not name.endswith("__main__"):
            take(name)
    foreign = [name for name in ("numpy", "talib", "ccxt") if not _ours(sys.modules[name].__file__)]
    if foreign:
        sys.exit(f"smoke: not from the package: {', '.join(foreign)}")


def take(name: str) -> None:
    """Import a module; one that asks for an extra is left alone."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRAS:
            raise


def _ours(file: str | None) -> bool:
    return str(Path(hybridd.__file__).parents[1]) in str(file)


if __name__ == "__main__":
    main()
