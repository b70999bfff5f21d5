"""The command line as a whole: which commands there are, and how an error reaches the person."""

import typer

from hybridd.cli import alerts, config, db, demo, doctor, history, look, replay, watch
from hybridd.errors import HybriddError

app = typer.Typer(
    name="hybridd",
    help="Watches crypto markets all night, tells you what changed, and waits for your decision.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (watch.run, demo.demo, look.analyze, look.status, doctor.doctor, history.history, replay.replay):
    app.command()(command)
for group in (alerts.app, config.app, db.app):
    app.add_typer(group)


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code. A mistake of the person's gets one clear line, never a traceback."""
    try:
        app(args=arguments, prog_name="hybridd")
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
