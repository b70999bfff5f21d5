"""Acknowledge: somebody has seen an alert. The one way to it, for every door; light enough for the web process."""

from hybridd.errors import DataError
from hybridd.model.alert import Alert, AlertEvent
from hybridd.model.delivery import TOLD, DeliveryEvent, DeliveryState
from hybridd.store.store import Store


def acknowledge(store: Store, alert_id: int, actor: str, now: int) -> Alert:
    """Somebody has seen an alert and answers for it: nothing more of it is sent. It approves nothing.

    Raises DataError where there is no such alert, IllegalTransition where it is not firing any more.
    """
    with store.transaction():
        acked = store.alerts.advance(alert_id, AlertEvent.ACK, now=now, actor=actor)
        store.outbox.cancel_for(alert_id, now, f"acknowledged by {actor}")
        store.events.append("ack", acked.subject, {"alert": alert_id, "by": actor}, now)
    return acked


def see(store: Store, alert_id: int, channel: str, actor: str, now: int) -> None:
    """Somebody looks at an alert, as on the dashboard: further steps are not needed. It is not answered by that."""
    with store.transaction():
        alert = store.alerts.get(alert_id)
        if alert is None:
            raise DataError(f"there is no alert {alert_id}", remedy="`hybridd alerts list` shows them")
        seen = [d for d in store.outbox.of_alert(alert_id) if d.channel == channel and d.state in TOLD]
        for delivery in seen:
            if delivery.state is not DeliveryState.SEEN:
                store.outbox.settle(delivery.id, DeliveryEvent.SEE, now=now, reason=f"seen by {actor}")
        if store.outbox.cancel_for(alert_id, now, f"seen by {actor}"):
            store.audit.append(actor, "alert.see", str(alert_id), {"channel": channel}, now)
            store.events.append("seen", alert.subject, {"alert": alert_id, "by": actor}, now)
