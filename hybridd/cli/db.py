"""`hybridd db`: care for the state database."""

import re
from typing import Annotated, Any

import typer

from hybridd.cli.shared import FAILED, AsJson, ConfigPath, print_json, settings_of, state_of, waiting
from hybridd.errors import UsageError

app = typer.Typer(name="db", help="Care for the state database.", no_args_is_help=True)


@app.command("verify")
def verify(
    head: Annotated[
        bool, typer.Option("--head", help="Only print where the audit trail ends, COUNT:HASH, to keep it elsewhere.")
    ] = False,
    pinned: Annotated[
        str, typer.Option(metavar="COUNT:HASH", help="Also check that the audit trail once ended there.")
    ] = "",
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Check the state: file, references, states, the audit chain, and that every change is accounted for."""
    if pinned and not re.fullmatch(r"\s*\d{1,18}:[0-9a-fA-F]{64}\s*", pinned):
        raise UsageError(
            f'"{pinned}" is no end of an audit trail', remedy="give what `hybridd db verify --head` printed"
        )
    with state_of(settings_of(config)) as store:
        end = store.audit.head()
        if head:
            _print_head(str(end or "0:"), as_json)
            return
        with waiting(f"reading {store.path}"):
            findings = store.verify(pinned)
        counts: dict[str, Any] = {"analyses": store.analyses.count(), "path": str(store.path), "head": str(end or "0:")}
    if as_json:
        print_json({"ok": not findings, "findings": findings, **counts})
    else:
        for finding in findings:
            typer.echo(finding)
        if not findings:
            typer.echo(f"the state is sound: {counts['analyses']} analyses in {counts['path']}")
    if findings:
        raise typer.Exit(FAILED)


def _print_head(end: str, as_json: bool) -> None:
    if as_json:
        count, _, sealed = end.partition(":")
        print_json({"count": int(count), "hash": sealed})
    else:
        typer.echo(end)


@app.command("migrate")
def migrate(config: ConfigPath = None) -> None:
    """Bring the state to this version's form; a copy of the file as it was is kept beside it."""
    with state_of(settings_of(config), migrate=True) as store:
        typer.echo(f"{store.path} has the form that this version of hybridd wants")
