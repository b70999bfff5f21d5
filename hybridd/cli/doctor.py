"""`hybridd doctor`: everything that a start needs, each finding with its id and remedy."""

import os
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from hybridd.app import database_url, feed_of
from hybridd.brokerage import check_orders
from hybridd.channels import channels_of
from hybridd.cli.shared import DEGRADED, UNUSABLE, AsJson, ConfigPath, console, print_json
from hybridd.clock import SystemClock
from hybridd.config.load import Loaded, examine
from hybridd.config.salvage import legible
from hybridd.config.schema import Settings
from hybridd.errors import ConfigError
from hybridd.pipeline.checkup import checkup, settings_findings
from hybridd.pipeline.checkup_machine import Machine, wanted_credentials
from hybridd.pipeline.findings import Finding, Level


def doctor(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Check settings, state, disk, clock, feed, channels. Exit code 3: something needs care, 2: nothing can start."""
    loaded = examine(config, os.environ)
    findings = settings_findings([str(p) for p in loaded.problems], usable=loaded.settings is not None)
    if loaded.settings is not None:
        settings, clock = loaded.settings, SystemClock()
        findings += _orders(settings)
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=_stderr(), transient=True) as progress:
            progress.add_task("asking the feed and the channels", total=None)
            findings += checkup(
                settings, feed_of(settings, clock), channels_of(settings), clock, _machine(config, loaded, settings)
            )
    if as_json:
        print_json(
            [{"id": f.id, "level": f.level, "title": f.title, "detail": f.detail, "remedy": f.remedy} for f in findings]
        )
    else:
        for finding in findings:
            _show(finding)
    if loaded.settings is None:
        raise typer.Exit(UNUSABLE)
    if any(f.level is not Level.GOOD for f in findings):
        raise typer.Exit(DEGRADED)


def _orders(settings: Settings) -> list[Finding]:
    try:
        check_orders(settings)
    except ConfigError as error:
        return [Finding(id="D01", title="settings", level=Level.ERROR, detail=error.message, remedy=error.remedy)]
    return []


def _machine(config: Path | None, loaded: Loaded, settings: Settings) -> Machine:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Machine(
        settings_files=[Path(source) for source in loaded.sources if Path(source).is_file()],
        wanted=wanted_credentials(legible(config, os.environ)[0].values),
        url=database_url(settings),
        credentials=Path(folder) if folder else None,
    )


def _stderr() -> Console:
    return Console(stderr=True)


def _show(finding: Finding) -> None:
    mark = {Level.GOOD: "✓", Level.WARNING: "!", Level.ERROR: "✗"}[finding.level]
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    console().print(f"{mark} {finding.id} {finding.title}: {finding.detail}{remedy}", markup=False)
