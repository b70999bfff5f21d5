"""Alerts as the commands hand them on: found by number, as plain values."""

import math
from typing import Annotated, Any

import typer

from hybridd.errors import UsageError
from hybridd.model.alert import Alert
from hybridd.model.delivery import Delivery
from hybridd.store.store import Store

AlertId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="As `hybridd alerts list` shows it.")]


def alert_of(store: Store, alert_id: int) -> Alert:
    """The alert with this id; raises UsageError where there is none."""
    alert = store.alerts.get(alert_id)
    if alert is None:
        raise UsageError(f"there is no alert {alert_id}", remedy="`hybridd alerts list` shows those there are")
    return alert


def alert_json(alert: Alert, deliveries: list[Delivery]) -> dict[str, Any]:
    """An alert with its deliveries as plain values."""
    a = alert.analysis
    return {
        "id": alert.id,
        "key": alert.key,
        "subject": alert.subject,
        "reasons": [reason.value for reason in alert.reasons],
        "severity": alert.severity.value,
        "state": alert.state.value,
        "created_at": alert.created_at,
        "expires_at": alert.expires_at,
        "simulated": alert.simulated,
        "score": a.score if a else None,
        "signal": a.signal.value if a else None,
        "confidence": a.confidence if a else None,
        "price": a.price if a and math.isfinite(a.price) else None,
        "candle_close": a.candle_close if a else None,
        "deliveries": [delivery_json(delivery) for delivery in deliveries],
    }


def delivery_json(d: Delivery) -> dict[str, Any]:
    """A delivery as plain values."""
    return {
        "channel": d.channel,
        "recipient": d.recipient,
        "step": d.step,
        "state": d.state.value,
        "attempts": d.attempts,
        "next_at": d.next_at,
        "provider_id": d.provider_id,
        "reason": d.reason,
    }
