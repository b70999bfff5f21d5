"""`hybridd db`: care for the state database."""

import typer

from hybridd.cli.shared import FAILED, AsJson, ConfigPath, print_json, settings_of, state_of, waiting

app = typer.Typer(name="db", help="Care for the state database.", no_args_is_help=True)


@app.command("verify")
def verify(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Check the state: the file, its references, the audit chain, and that every change is accounted for."""
    with state_of(settings_of(config)) as store, waiting(f"reading {store.path}"):
        findings = store.verify()
        counts = {"analyses": store.analyses.count(), "path": str(store.path)}
    if as_json:
        print_json({"ok": not findings, "findings": findings, **counts})
    else:
        for finding in findings:
            typer.echo(finding)
        if not findings:
            typer.echo(f"the state is sound: {counts['analyses']} analyses in {counts['path']}")
    if findings:
        raise typer.Exit(FAILED)


@app.command("migrate")
def migrate(config: ConfigPath = None) -> None:
    """Bring the state to this version's form; a copy of the file as it was is kept beside it."""
    with state_of(settings_of(config), migrate=True) as store:
        typer.echo(f"{store.path} has the form that this version of hybridd wants")
