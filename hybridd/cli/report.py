"""`hybridd report`: a period in review, on the screen, as a page, or as a mail."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hybridd.cli.journal import text_width
from hybridd.cli.shared import FAILED, ConfigPath, say, settings_of, state_of, waiting
from hybridd.cli.terminal import speaks_unicode
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.delivery.figures import zone_of
from hybridd.errors import UsageError
from hybridd.library.trial import carry
from hybridd.model.delivery import TOLD, Delivery
from hybridd.pipeline.report_mail import post_report
from hybridd.pipeline.report_page import html
from hybridd.pipeline.report_plain import plain_report
from hybridd.pipeline.report_trades import span_of
from hybridd.pipeline.reporting import ReportRules, report_of, report_rules
from hybridd.reports.report import Report, document
from hybridd.reports.text import text
from hybridd.store.store import Store

Days = Annotated[float, typer.Option(min=0.01, max=3660, help="How far back the period goes.")]


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    TEXT = "text"
    JSON = "json"


def report(
    days: Days = 7,
    form: Annotated[Format, typer.Option("--format", help="html, text or json.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to, in place of standard output.")] = None,
    send: Annotated[bool, typer.Option("--send", help="By mail, once for each period and day.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="With --send: leave the mail to the daemon; without e-mail do nothing.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """A period in review: your decisions and trades, the markets, the alerts, odds and layers, hybridd itself."""
    settings = settings_of(config, need_secrets=send and not queue)
    rules = report_rules(settings)
    if send and not settings.email.enabled:
        _no_mail(queue)
        return
    with state_of(settings) as store:
        with waiting("reading the period"):
            found = report_of(store, span_of(store, days, SystemClock().now()), rules)
        if send:
            _send(settings, store, found, rules, queue)
            return
    _write(_shown(form, found, rules, text_width() if out is None else None), out)


def _shown(form: Format, found: Report, rules: ReportRules, width: int | None) -> str:
    shown = document(found, zone_of(rules.zone), rules.thresholds)
    if form is Format.JSON:
        return json.dumps(plain_report(found), ensure_ascii=not speaks_unicode(), indent=2, allow_nan=False) + "\n"
    if form is Format.HTML:
        return html(shown)
    return text(shown) if width is None else text(shown, width)


def _write(words: str, out: Path | None) -> None:
    if out is None:
        typer.echo(words, nl=False)
        return
    try:
        out.write_text(words, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}", remedy="name another file: --out FILE") from None
    typer.echo(f"written to {out}")


def _no_mail(queue: bool) -> None:
    if not queue:
        raise UsageError("there is no e-mail to send a report by", remedy="set up [email] in the settings")
    typer.echo("e-mail is switched off: there is nobody to send a report to")


def _send(settings: Settings, store: Store, found: Report, rules: ReportRules, queue: bool) -> None:
    clock = SystemClock()
    posted = post_report(store, found, settings.email.recipients, zone_of(rules.zone), rules.thresholds, clock.now())
    if posted.again:
        say("this period's report was made already today")
    if not queue:
        with waiting("waiting for what the mail server says"):
            carry(settings, store, posted.alert_id, clock)
    outcomes = store.outbox.of_alert(posted.alert_id)
    for outcome in outcomes:
        say(_outcome(outcome, queue))
    if not queue and any(outcome.state not in TOLD for outcome in outcomes):
        raise typer.Exit(FAILED)


def _outcome(outcome: Delivery, queue: bool) -> str:
    if queue and outcome.state not in TOLD:
        return f"{outcome.channel} to {outcome.recipient}: in the outbox; the daemon sends it"
    detail = f" ({outcome.reason})" if outcome.reason else ""
    return f"{outcome.channel} to {outcome.recipient}: {outcome.state}{detail}"
