"""`hybridd run`: the daemon in the foreground."""

import logging
import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from hybridd.app import daemon_settings, run_once, run_service
from hybridd.cli.shared import FAILED, OK, ConfigPath
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.daemon.companion import Companion
from hybridd.daemon.journal import setup_logging

log = logging.getLogger("hybridd.run")


def run(
    config: ConfigPath = None,
    once: Annotated[bool, typer.Option("--once", help="One cycle, deliver what it brought, then exit.")] = False,
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Do not start the web process.")] = False,
    level: Annotated[str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning, error")] = "info",
) -> None:
    """Watch the markets until you stop it (Ctrl-C); under systemd, the service runs this."""
    _logging(level)
    settings = daemon_settings(config)
    if once:
        raise typer.Exit(_once(settings))
    web = None if no_dashboard or not settings.dashboard.enabled else web_process(config)
    if not run_service(settings, lambda: daemon_settings(config), beside=web):
        # All is written down and closed; Python would wait for a request that only its time-out ends.
        os._exit(OK)


def web_process(config: Path | None, clock: SystemClock | None = None) -> Companion:
    """The web process that belongs to a daemon with these settings and this clock."""
    command = [sys.executable, "-m", "hybridd", "dashboard", "--beside"]
    command += [f"--config={config}"] if config else []
    command += [f"--clock={clock.line}"] if clock and clock.line else []
    return Companion("the web process", command)


def _logging(level: str) -> None:
    if level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise typer.BadParameter(f'"{level}" is none of debug, info, warning, error', param_hint="--log-level")
    setup_logging(level=level)
    # What nobody caught goes where everything goes, past the same mask over secrets.
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("hybridd met an error that it does not know: %s", error, exc_info=(kind, error, trace))


def _once(settings: Settings) -> int:
    """One cycle over all symbols; 0 if each of them was analysed."""
    report = run_once(settings)
    if report.waiting:
        log.error("no new analysis of %s", ", ".join(report.waiting))
    return FAILED if report.waiting else OK
