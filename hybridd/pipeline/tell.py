"""What the journal hears of the work: one line an event, with its facts as fields."""

import logging

from hybridd.daemon.journal import fields
from hybridd.market.quality import Incident, IncidentKind
from hybridd.model.alert import Alert
from hybridd.model.delivery import LOST, Delivery, DeliveryState
from hybridd.pipeline.observe import Observation

analysis_log = logging.getLogger("hybridd.analysis")
market_log = logging.getLogger("hybridd.market")
deliver_log = logging.getLogger("hybridd.deliver")


def log_analysis(observation: Observation) -> None:
    """An analysis in one line, and what was changed but not told, with the reason."""
    a = observation.analysis
    marks = " ".join(
        word
        for word, on in (
            ("SIMULATED", a.simulated),
            ("RECORDED", a.recorded),
            ("late", a.late),
            ("degraded", a.degraded),
        )
        if on
    )
    analysis_log.info(
        "%s %s score %.1f %s, confidence %.2f, %d of %d layers agree, price %s%s",
        a.symbol,
        a.timeframe,
        a.score,
        a.signal,
        a.confidence,
        a.agreeing,
        a.answered,
        f"{a.price:.10g}",
        f" ({marks})" if marks else "",
        extra=fields(
            "analysis",
            SYMBOL=a.symbol,
            SCORE=f"{a.score:.3f}",
            SIGNAL=a.signal,
            CONFIDENCE=f"{a.confidence:.3f}",
            CANDLE_CLOSE=a.candle_close,
            PRICE=f"{a.price:.10g}",
        ),
    )
    for verdict in observation.verdicts:
        if verdict.suppressed is not None:
            change = verdict.change
            analysis_log.info("%s %s is not told: %s", change.subject, change.reason, verdict.suppressed)


_INCIDENT_LEVEL = {IncidentKind.QUARANTINED: logging.WARNING, IncidentKind.REVISION: logging.WARNING}


def log_incident(incident: Incident) -> None:
    """A candle that was missing, doubled, revised or refused."""
    level = _INCIDENT_LEVEL.get(incident.kind, logging.INFO)
    event = "quarantine" if incident.kind is IncidentKind.QUARANTINED else ""
    market_log.log(
        level,
        "%s %s %s: %s",
        incident.symbol,
        incident.timeframe,
        incident.kind,
        incident.detail,
        extra=fields(event, SYMBOL=incident.symbol, OPEN_TIME=incident.open_time),
    )


def log_delivery(delivery: Delivery, alert: Alert | None) -> None:
    """What became of a send. The outcome is what the provider said, never what was hoped."""
    lost = delivery.state in LOST and delivery.state is not DeliveryState.CANCELLED
    level = logging.ERROR if lost else logging.INFO if delivery.state in _QUIET else logging.WARNING
    deliver_log.log(
        level,
        "alert %d to %s by %s: %s%s",
        delivery.alert_id,
        delivery.recipient,
        delivery.channel,
        delivery.state,
        f" ({delivery.reason})" if delivery.reason else "",
        extra=fields(
            "delivery_failed" if level >= logging.WARNING else "",
            ALERT=delivery.alert_id,
            CHANNEL=delivery.channel,
            STATE=delivery.state,
            ATTEMPTS=delivery.attempts,
            SYMBOL=alert.subject if alert else "",
        ),
    )


_QUIET = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.SEEN, DeliveryState.CANCELLED})
