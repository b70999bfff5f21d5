"""The auditor: every alert that fires has somebody at work on it, and nothing that is due lies about."""

import logging
from collections.abc import Iterator, Sequence

from hybridd.clock import iso
from hybridd.model.alert import AlertState
from hybridd.pipeline.aftermath import follow
from hybridd.pipeline.deliver import Courier
from hybridd.store.store import Store

log = logging.getLogger("hybridd.auditor")

OVERDUE_MS = 120_000
"""A courier comes by every twenty seconds: what is due for this long was forgotten."""
LEASE_MS = 600_000
"""Longer than any send: a channel's time-outs, one after the other, are under two minutes."""
LOOKED_AT = 500


def audit(store: Store, couriers: Sequence[Courier], now: int) -> tuple[str, ...]:
    """Take back the leases that somebody has left, and name what nobody works on, one line each."""
    recover_leases(store, now)
    return (*_unaddressed(store, now), *_overdue(store, couriers, now))


def recover_leases(store: Store, now: int) -> None:
    """A courier that ended without a word leaves a lease: whether it sent is found out by the next."""
    with store.transaction():
        for delivery in store.outbox.recover_old(now, LEASE_MS):
            log.warning("delivery %d was under way for over %d minutes", delivery.id, LEASE_MS // 60_000)
            store.audit.append("hybridd", "delivery.lease_lost", str(delivery.id), {"alert": delivery.alert_id}, now)
            follow(store, delivery, None, now)


def _unaddressed(store: Store, now: int) -> Iterator[str]:
    """Alerts that fire and go to nobody: at least the journal hears of each."""
    for alert in store.alerts.list(limit=LOOKED_AT, state=AlertState.FIRING):
        if now - alert.created_at >= OVERDUE_MS and not store.outbox.of_alert(alert.id):
            yield f"alert {alert.id} goes to nobody"


def _overdue(store: Store, couriers: Sequence[Courier], now: int) -> Iterator[str]:
    at_work = {courier.name: courier for courier in couriers}
    for row in store.outbox.overdue(now - OVERDUE_MS):
        courier = at_work.get(row.channel)
        if courier is not None and courier.trouble:
            continue  # that the channel is down is told as such
        who = "nobody works on" if courier is None else "is not taken by"
        what = "one delivery" if row.count == 1 else f"{row.count} deliveries"
        yield f"{what} due since {iso(row.since // 1000 * 1000)}: {who} {row.channel}"
