"""`hybridd service-user`: the daemon as a service of one user, on a laptop, without root."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hybridd.app import database_url
from hybridd.cli.shared import ConfigPath, settings_of
from hybridd.config.sources import default_path
from hybridd.errors import HybriddError, UsageError
from hybridd.store.database import path_of
from hybridd.store.files import write_whole

MARK = "# Written by `hybridd service-user`."
_UNIT = """\
{mark} It is written anew by the same command, and removed by `hybridd service-user --remove`.
[Unit]
Description=hybridd watches crypto markets and tells what changed
After=network.target

[Service]
Type=notify
ExecStart={command} run --config {config}
# /bin/kill is not on every machine; the shell has its own.
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
WatchdogSec=120
Restart=always
RestartSec=5
# Settings that cannot be used do not get better by trying again.
RestartPreventExitStatus=2
TimeoutStopSec=15
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def service_user(
    config: ConfigPath = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the service away again.")] = False,
) -> None:
    """Run hybridd as your own service, on a laptop: writes the unit, and says the two commands that start it."""
    unit = _place()
    if remove:
        _remove(unit)
        return
    path = config or default_path()
    if path is None:
        raise UsageError("there are no settings", remedy="hybridd config example > hybridd.toml, then --config")
    _check_state(path)
    _refuse_foreign(unit)
    try:
        unit.parent.mkdir(parents=True, exist_ok=True)
        write_whole(unit, text(path))
    except OSError as error:
        raise HybriddError(f"{unit} cannot be written: {error.strerror}", remedy="look at that folder") from None
    typer.echo(f"{unit} is written. Start it, now and at each login:")
    typer.echo("  systemctl --user daemon-reload\n  systemctl --user enable --now hybridd")
    typer.echo("To let it go on while you are logged out: loginctl enable-linger")


def text(config: Path) -> str:
    """The unit for settings at `config`."""
    command = " ".join(_quoted(word) for word in _this_program())
    return _UNIT.format(mark=MARK, command=command, config=_quoted(str(config.absolute())))


def _this_program() -> list[str]:
    called = Path(sys.argv[0]).absolute()
    if called.name == "hybridd" and os.access(called, os.X_OK) and called.is_file():
        return [str(called)]
    return [sys.executable, "-m", "hybridd"]


def _quoted(word: str) -> str:
    """A word as systemd.service(5) wants it: quotes around it, nothing in it that systemd would fill in."""
    for old, new in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(old, new)
    return f'"{word}"'


def _place() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd/user/hybridd.service"


def _check_state(config: Path) -> None:
    """The default state is the system service's: a user's own needs a place that the user may write to."""
    state = path_of(database_url(settings_of(config)))
    folder = next((p for p in state.parents if p.exists()), None) if state and state.is_absolute() else None
    if folder is None or not os.access(folder, os.W_OK | os.X_OK):
        suggestion = Path.home() / ".local/share/hybridd/state.db"
        raise UsageError(
            f"your service cannot keep its state at {state}",
            remedy=f'write into {config}, below [database]: url = "sqlite:///{suggestion}"',
        )


def _refuse_foreign(unit: Path) -> None:
    if unit.exists() and not unit.read_text("utf-8", errors="replace").startswith(MARK):
        raise UsageError(f"{unit} was not written by hybridd", remedy="put it aside first")


def _remove(unit: Path) -> None:
    _refuse_foreign(unit)
    if not unit.exists():
        raise UsageError(f"there is no {unit}", remedy="nothing is left to do")
    (unit.parent / "default.target.wants" / unit.name).unlink(missing_ok=True)  # what `enable` made
    unit.unlink()
    typer.echo(f"{unit} is removed. Stop what may still run:")
    typer.echo("  systemctl --user stop hybridd\n  systemctl --user daemon-reload")
