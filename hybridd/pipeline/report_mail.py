"""The mail of a report: written once a period, put into the outbox, sent by whoever works the outbox."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import tzinfo

from hybridd.errors import HybriddError
from hybridd.model.alert import Alert
from hybridd.model.change import Change, Reason, Verdict
from hybridd.pictures.drawings import paint
from hybridd.pipeline.letters import PICTURE, Letter, keep
from hybridd.pipeline.report_page import html, mail_html
from hybridd.reports.document import Document
from hybridd.reports.drawing import WIDTH, Drawing
from hybridd.reports.report import DAY_MS, Report, document, headline
from hybridd.reports.text import text
from hybridd.reports.words import day
from hybridd.store.store import Store

log = logging.getLogger("hybridd.report")

LIVES_MS = 20 * 3_600_000
"""A report that could not be sent for so long makes room for the next one."""
EMAIL = "email"
Painter = Callable[[Sequence[dict[str, object]]], dict[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """The alert that carries a report's mail, and whether it was there already."""

    alert_id: int
    again: bool


def post_report(
    store: Store,
    found: Report,
    recipients: Sequence[str],
    zone: tzinfo,
    thresholds: tuple[float, float],
    now: int,
    painter: Painter = paint,
) -> Posted:
    """Put the mail of a report into the outbox, once for each length of period and day on which it ends."""
    days = f"{(found.end - found.start) / DAY_MS:g}"
    key = f"{Reason.REPORT}:{days}:{day(found.end, zone)}"
    known = store.alerts.find(key)
    if known is not None:
        return Posted(alert_id=known.id, again=True)
    title = headline(found, zone)
    written = write(
        document(found, zone, thresholds), title, f"hybridd-{days}-days-{day(found.end, zone)}.html", painter
    )
    change = Change(subject="hybridd", reason=Reason.REPORT, at=now, before=None, after=f"report of {days} days")
    alert = Alert(
        key=key,
        subject="hybridd",
        created_at=now,
        expires_at=now + LIVES_MS,
        changes=(change,),
        simulated=found.simulated,
    )
    return _post(store, alert, written, recipients, now)


def write(shown: Document, title: str, page_name: str, painter: Painter = paint) -> Letter:
    """The mail of a document. Without its pictures, where they cannot be painted, their words stand in their place."""
    pictures = _painted(shown.drawings, painter)
    return Letter(
        title=title,
        text=text(shown),
        html=mail_html(shown, lambda drawing: f"{PICTURE}{drawing.name}" if drawing.name in pictures else ""),
        pictures=pictures,
        page=html(shown),
        page_name=page_name,
    )


def _painted(drawings: Sequence[Drawing], painter: Painter) -> dict[str, bytes]:
    scenes: list[dict[str, object]] = [
        {
            "name": drawing.name,
            "width": WIDTH,
            "height": drawing.height,
            "shapes": [{"kind": type(shape).__name__, **asdict(shape)} for shape in drawing.shapes],
        }
        for drawing in drawings
    ]
    try:
        return painter(scenes) if scenes else {}
    except HybriddError as error:
        log.warning("the report goes without its pictures: %s", error)
        return {}


def _post(store: Store, alert: Alert, written: Letter, recipients: Sequence[str], now: int) -> Posted:
    with store.transaction():
        alert_id = store.alerts.add(alert)
        if alert_id is None:  # another process was quicker
            return Posted(alert_id=_known(store, alert.key), again=True)
        posted = store.alerts.get(alert_id)
        assert posted is not None, "it was stored in this very transaction"
        keep(store, posted, written)
        rows = [(EMAIL, recipient, 0, now, alert.expires_at) for recipient in recipients]
        store.outbox.plan(alert_id, rows)
        store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=alert_id)
        facts = {"subject": alert.subject, "reasons": list(alert.reasons), "channels": [EMAIL]}
        store.audit.append("hybridd", "alert", str(alert_id), facts, now)
        store.events.append("alert", alert.subject, {"id": alert_id, **facts}, now)
    return Posted(alert_id=alert_id, again=False)


def _known(store: Store, key: str) -> int:
    known = store.alerts.find(key)
    assert known is not None, "an alert that cannot be added is there"
    return known.id
