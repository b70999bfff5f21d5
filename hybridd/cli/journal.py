"""`hybridd journal`: your decisions, and what came of them."""

from typing import Annotated

import typer

from hybridd.cli.shared import AsJson, ConfigPath, console, print_json, settings_of, state_of
from hybridd.clock import SystemClock
from hybridd.delivery.figures import zone_of
from hybridd.pipeline.report_plain import plain_journal
from hybridd.pipeline.report_trades import span_of
from hybridd.pipeline.reporting import journal_of, report_rules
from hybridd.reports.report import journal_document
from hybridd.reports.text import WIDTH, section_text

Days = Annotated[float, typer.Option(min=0.01, max=3660, help="How far back the period goes.")]
WIDEST = 110
"""Beyond so many letters a line of text is no longer read with ease."""


def journal(days: Days = 30, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Your decisions and what came of them: the worth of your yes, your no, your silence and your waiting."""
    settings = settings_of(config)
    rules = report_rules(settings)
    with state_of(settings) as store:
        span = span_of(store, days, SystemClock().now())
        found = journal_of(store, span, rules)
    if as_json:
        print_json(plain_journal(found))
        return
    shown = journal_document(found, span.start, span.end, zone_of(rules.zone))
    for line in (shown.period, *shown.notices, "", *section_text(shown.sections[0], text_width())):
        typer.echo(line)


def text_width() -> int:
    """How wide text is set: as wide as the terminal, within what is readable; WIDTH where there is none."""
    screen = console()
    return max(40, min(WIDEST, screen.width)) if screen.is_terminal else WIDTH
