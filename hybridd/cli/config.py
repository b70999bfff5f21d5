"""`hybridd config`: check, show, example and schema of the settings."""

import getpass
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hybridd.cli.shared import UNUSABLE, AsJson, ConfigPath, print_json, settings_of, state_of
from hybridd.clock import SystemClock
from hybridd.config.keys import all_keys, dotted
from hybridd.config.load import OVER, Loaded, examine
from hybridd.config.sample import example
from hybridd.config.schema import json_schema
from hybridd.config.show import plain, show
from hybridd.config.sources import count_set
from hybridd.errors import UsageError
from hybridd.pipeline.overrides import looked_at, want, wanted_of

app = typer.Typer(name="config", help="Check, show and explain the settings.", no_args_is_help=True)

# Every command takes --config, so that scripts may always pass it.
AnyConfigPath = Annotated[
    Path | None, typer.Option("--config", metavar="PATH", help="Taken as everywhere; no settings are read here.")
]


@app.command("check")
def check_command(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Name every problem of the settings; exit code 2 if one of them is an error."""
    loaded = looked_at(config, os.environ)
    if loaded.settings is not None and loaded.settings.trading.broker == "exchange":
        # Imported late: nobody else needs a broker to look at settings.
        from hybridd.brokerage import check_orders

        check_orders(loaded.settings)
    typer.echo(_as_json(loaded) if as_json else _as_lines(loaded))
    if loaded.settings is None:
        raise typer.Exit(UNUSABLE)


def _as_lines(loaded: Loaded) -> str:
    lines = [str(problem) for problem in loaded.problems]
    changed = [dotted(path) for path, origin in loaded.written.origins.items() if origin.source == OVER]
    if changed:
        lines.append(f"changed in the dashboard, whatever the files say: {', '.join(changed)}")
    if loaded.settings is not None:
        places = ", ".join(loaded.sources) or "defaults alone"
        lines.append(f"settings are good: {count_set(loaded.written)} of {len(all_keys())} keys set, from {places}")
    return "\n".join(lines)


def _as_json(loaded: Loaded) -> str:
    answer = {
        "ok": loaded.settings is not None,
        "keys": count_set(loaded.written),
        "sources": loaded.sources,
        "problems": [asdict(problem) for problem in loaded.problems],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)


@app.command("show")
def show_command(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Print the settings in force, secrets masked, with the place that each is from."""
    loaded = looked_at(config, os.environ, need_secrets=False)
    for problem in loaded.problems:
        typer.echo(str(problem), err=True)
    if loaded.settings is None:
        raise typer.Exit(UNUSABLE)
    values = json.dumps(plain(loaded.settings), ensure_ascii=False, indent=2)
    beneath = examine(config, os.environ, need_secrets=False).written
    typer.echo(values if as_json else show(loaded.settings, loaded.written, beneath).rstrip())


@app.command("reset")
def reset_command(
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="In dots; default: all that the web has changed.")
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Let what the files say count again, in place of what was changed in the web."""
    with state_of(settings_of(config)) as store:
        changed = wanted_of(store).values
        for key in keys or ():
            if key not in changed:
                raise UsageError(f"{key} was not changed in the web", remedy="`hybridd config show` has what was")
        gone = dict.fromkeys(keys or changed)
        if gone:
            want(store, gone, f"cli:{getpass.getuser()}", SystemClock().now())
    typer.echo(f"what the files say counts again: {', '.join(gone)}" if gone else "nothing was changed in the web")


@app.command("example")
def example_command(_config: AnyConfigPath = None) -> None:
    """Print a sample settings file with every key explained."""
    typer.echo(example(), nl=False)


@app.command("password")
def password_command(_config: AnyConfigPath = None) -> None:
    """Make the hash of a password for the page: asked for without being shown, or read from standard input."""
    # Imported late: no other command needs it.
    from hybridd.dashboard.passwords import LONGEST, make

    if sys.stdin.isatty():
        password = getpass.getpass("password of the page (it is not shown): ")
        if getpass.getpass("the same again: ") != password:
            raise UsageError("the two are not the same", remedy="try again")
    else:
        password = sys.stdin.readline(LONGEST + 2).rstrip("\r\n")
    typer.echo(make(password))
    typer.echo(
        "Store it for the service: `hybridd secrets set dashboard_password_hash`, or write it into the", err=True
    )
    typer.echo("settings as dashboard.password_hash. The password itself is written nowhere.", err=True)


@app.command("schema")
def schema_command(_config: AnyConfigPath = None) -> None:
    """Print the JSON Schema of the settings, for editors and checkers."""
    print_json(json_schema())
