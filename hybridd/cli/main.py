"""The command line as a whole: which commands there are, and how an error reaches the person."""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer

from hybridd.cli.terminal import NO_ROOM, hang_up, speak_any_alphabet
from hybridd.errors import HybriddError

# Where each command lives. Only the one that is asked for is imported: a daemon that is started needs no tables,
# no progress bars and no replay, and whoever waits for it to be READY does not wait for them.
COMMANDS = {
    "run": "hybridd.cli.watch:run",
    "demo": "hybridd.cli.demo:demo",
    "analyze": "hybridd.cli.look:analyze",
    "status": "hybridd.cli.look:status",
    "doctor": "hybridd.cli.doctor:doctor",
    "check": "hybridd.cli.check:check",
    "backup": "hybridd.cli.care:backup",
    "restore": "hybridd.cli.care:restore",
    "service-user": "hybridd.cli.service_user:service_user",
    "history": "hybridd.cli.history:history",
    "approve": "hybridd.cli.proposals:approve",
    "reject": "hybridd.cli.proposals:reject",
    "hold": "hybridd.cli.proposals:hold",
    "journal": "hybridd.cli.journal:journal",
    "report": "hybridd.cli.report:report",
    "pause": "hybridd.cli.pause:pause",
    "resume": "hybridd.cli.pause:resume",
    "kill": "hybridd.cli.pause:kill",
    "replay": "hybridd.cli.replay:replay",
    "calibrate": "hybridd.cli.calibrate:calibrate",
    "proof": "hybridd.cli.calibrate:proof",
}
GROUPS = {
    "alerts": "hybridd.cli.alerts:app",
    "config": "hybridd.cli.config:app",
    "dashboard": "hybridd.cli.dashboard:app",
    "db": "hybridd.cli.db:app",
    "orders": "hybridd.cli.orders:app",
    "proposals": "hybridd.cli.proposals:app",
    "push": "hybridd.cli.push:app",
    "secrets": "hybridd.cli.secrets:app",
    "selftest": "hybridd.cli.selftest:app",
    "silence": "hybridd.cli.silence:app",
    "trades": "hybridd.cli.trades:app",
}


def application(asked: str = "") -> typer.Typer:
    """The command line with the command `asked` alone, or with all of them where there is none of that name."""
    app = typer.Typer(
        name="hybridd",
        help="Watches crypto markets all night, tells you what changed, and waits for your decision.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # With a single command typer would take its name for an argument.
    app.callback()(_together)
    everything = asked not in {**COMMANDS, **GROUPS, "--version": ""}
    for name, place in COMMANDS.items():
        if everything or name == asked:
            app.command(name)(_at(place))
    for name, place in GROUPS.items():
        if everything or name == asked:
            app.add_typer(_at(place), name=name)
    return app


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hybridd {version('hybridd')}")
        raise typer.Exit


def _together(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Watches crypto markets all night, tells you what changed, and waits for your decision."""


def _at(place: str) -> Any:  # noqa: ANN401  # a function or a group of them
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code. A mistake of the person's gets one clear line, never a traceback."""
    speak_any_alphabet()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        hang_up()
        return 1
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        hang_up()
        typer.echo(f"hybridd: the output cannot be written: {error.strerror} → make room on that disk", err=True)
        return 1
    return code


def _run(arguments: list[str]) -> int:
    try:
        application(arguments[0] if arguments else "")(args=arguments, prog_name="hybridd")
    except HybriddError as error:
        return complain(error)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def complain(error: HybriddError) -> int:
    """Print an error as lines on standard error; returns the exit code that it carries."""
    for line in getattr(error, "lines", ()):
        typer.echo(line, err=True)
    typer.echo(f"hybridd: {error}", err=True)
    return error.exit_code
