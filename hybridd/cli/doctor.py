"""`hybridd doctor`: everything that a start needs, each finding with its id and remedy."""

import os

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from hybridd.app import channels_of, feed_of
from hybridd.cli.shared import DEGRADED, UNUSABLE, AsJson, ConfigPath, console, print_json
from hybridd.clock import SystemClock
from hybridd.config.load import examine
from hybridd.pipeline.checkup import Finding, Level, checkup, settings_findings


def doctor(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Check settings, state, disk, clock, feed, channels. Exit code 3: something needs care, 2: nothing can start."""
    loaded = examine(config, os.environ)
    findings = settings_findings([str(p) for p in loaded.problems], usable=loaded.settings is not None)
    if loaded.settings is not None:
        settings, clock = loaded.settings, SystemClock()
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=_stderr(), transient=True) as progress:
            progress.add_task("asking the feed and the channels", total=None)
            findings += checkup(settings, feed_of(settings, clock), channels_of(settings), clock)
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


def _stderr() -> Console:
    return Console(stderr=True)


def _show(finding: Finding) -> None:
    mark = {Level.GOOD: "✓", Level.WARNING: "!", Level.ERROR: "✗"}[finding.level]
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    console().print(f"{mark} {finding.id} {finding.title}: {finding.detail}{remedy}", markup=False)
