"""What a report reads of alerts, deliveries and hybridd's own health."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from hybridd.alerts.routing import JOURNAL
from hybridd.clock import as_ms
from hybridd.model.alert import Alert
from hybridd.model.candle import Candles
from hybridd.model.change import HEALTH, MARKET, TRADE, Reason
from hybridd.model.delivery import PENDING, TOLD, Delivery, DeliveryState
from hybridd.pipeline.housekeep import SERVICE
from hybridd.pipeline.report_reads import candles_of
from hybridd.pipeline.report_trades import Span
from hybridd.reports.alerts_worth import AHEAD, AlertFacts, alert_facts
from hybridd.reports.health import Carried, HealthFacts, Trouble, Watched
from hybridd.store.store import Store

_BACKUP = re.compile(r"^state-(\d{8}T\d{6}Z)\.db$")


def alerts_of(store: Store, span: Span) -> tuple[tuple[AlertFacts, ...], dict[str, int]]:
    """The alerts about markets and trades of a period, and how many changes were told to nobody, by reason."""
    alerts = [a for a in store.alerts.between(span.start, span.end) if set(a.reasons) & (MARKET | TRADE)]
    deliveries = _deliveries(store, alerts)
    # Noted there for ever; an alert that is over by now no longer says whether it was acknowledged.
    acked = store.audit.subjects("alert.ack", span.start, span.end)
    candles: dict[tuple[str, str], Candles] = {}
    facts = []
    for alert in alerts:
        gone = [d for d in deliveries.get(alert.id, ()) if d.channel != JOURNAL]
        facts.append(
            alert_facts(
                alert,
                _candles(store, alert, span, candles),
                told=any(d.state in TOLD for d in gone),
                missed=bool(gone) and not any(d.state in TOLD | PENDING for d in gone),
                acked=str(alert.id) in acked,
            )
        )
    held = store.changes.suppressed(span.start, span.end)
    words = {reason.value.replace("_", " ").lower(): n for reason, n in held.items()}
    return tuple(facts), dict(sorted(words.items(), key=lambda item: -item[1]))


def health_of(store: Store, span: Span, markets: Sequence[Watched]) -> HealthFacts:
    """How well hybridd worked."""
    told = [a for a in store.alerts.between(span.start, span.end) if set(a.reasons) <= HEALTH]
    every = store.alerts.between(span.start, span.end)
    starts = [e for e in store.events.between(SERVICE, span.start, span.end) if e.data.get("what") == "started"]
    backups = _backups(store)
    recent = None if backups is None else [at for at in backups if span.holds(at)]
    return HealthFacts(
        markets=tuple(markets),
        troubles=_troubles(told),
        channels=_carried(delivery for own in _deliveries(store, every).values() for delivery in own),
        starts=len(starts),
        backups=None if recent is None else len(recent),
        last_backup=max(backups, default=None) if backups else None,
    )


def _deliveries(store: Store, alerts: Sequence[Alert]) -> dict[int, list[Delivery]]:
    return store.outbox.by_alert(alerts[0].id, alerts[-1].id) if alerts else {}


def _candles(store: Store, alert: Alert, span: Span, known: dict[tuple[str, str], Candles]) -> Candles | None:
    """Those of the alert's market, read once a market."""
    now = alert.analysis
    if now is None:
        return None
    key = now.symbol, now.timeframe
    if key not in known:
        known[key] = candles_of(store, *key, span.start - max(AHEAD), span.end)
    return known[key]


def _troubles(alerts: Iterable[Alert]) -> tuple[Trouble, ...]:
    """By what it was and of what, most frequent first; how long each lasted is told by the alert that ended it."""
    began: dict[tuple[Reason, str], list[Alert]] = {}
    ended = {}
    for alert in alerts:
        if alert.resolves:
            ended[alert.resolves] = alert.created_at
        else:
            began.setdefault((alert.reasons[0], alert.subject), []).append(alert)
    found = [
        Trouble(
            reason=reason.value,
            subject=subject,
            n=len(own),
            lasted=sum(ended[a.id] - a.created_at for a in own if a.id in ended),
            standing=sum(a.id not in ended for a in own),
        )
        for (reason, subject), own in began.items()
    ]
    return tuple(sorted(found, key=lambda trouble: (-trouble.n, trouble.reason, trouble.subject)))


def _carried(deliveries: Iterable[Delivery]) -> tuple[Carried, ...]:
    states: dict[str, list[DeliveryState]] = {}
    for delivery in deliveries:
        if delivery.channel != JOURNAL:
            states.setdefault(delivery.channel, []).append(delivery.state)
    return tuple(
        Carried(
            channel=channel,
            told=sum(state in TOLD for state in own),
            failed=own.count(DeliveryState.FAILED_PERMANENT),
            expired=own.count(DeliveryState.EXPIRED),
            waiting=sum(state in PENDING for state in own),
        )
        for channel, own in sorted(states.items())
    )


def _backups(store: Store) -> list[int] | None:
    """When each backup beside the state was made, ms UTC; None where nobody can look."""
    if store.path is None:
        return None
    try:
        names = [path.name for path in (store.path.absolute().parent / "backups").iterdir()]
    except FileNotFoundError:
        return []
    except OSError:
        return None
    stamps = [match[1] for name in names if (match := _BACKUP.match(name))]
    return [as_ms(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)) for stamp in stamps]
