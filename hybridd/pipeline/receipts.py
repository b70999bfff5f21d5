"""Receipts: what a provider says became of a message that it had taken."""

import logging
from dataclasses import dataclass

from hybridd.delivery.channel import Reports
from hybridd.delivery.retry import next_attempt
from hybridd.errors import ChannelError
from hybridd.model.alert import AlertState
from hybridd.model.delivery import DELIVERY_TABLE, Delivery, DeliveryEvent, DeliveryState, Failure
from hybridd.model.inbound import Receipt
from hybridd.pipeline.aftermath import follow
from hybridd.pipeline.tell import log_delivery
from hybridd.store.store import Store

log = logging.getLogger("hybridd.receipts")

FIRST_ASK_MS = 5_000
RAREST_MS = 1_800_000
GIVE_UP_MS = 24 * 3_600_000
"""A message that nobody has reported on for this long stays "accepted": that is all that is known of it."""
BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a receipt did: the delivery as it is then, None where there is none; whether others have become due."""

    delivery: Delivery | None
    hurried: bool = False


def next_ask(now: int, told_at: int) -> int:
    """When to ask again (ms UTC): after as long again as the message is old, from five seconds to half an hour.

    How old one is that was told by a clock that has been set back since, nobody knows: it is asked for seldom.
    """
    return now + (min(max(now - told_at, FIRST_ASK_MS), RAREST_MS) if told_at <= now else RAREST_MS)


def ask(store: Store, name: str, channel: Reports, now: int) -> bool:
    """Ask a provider for what is due; whether deliveries by other channels have become due by its answers."""
    due = store.outbox.unreported(name, now, now - GIVE_UP_MS, BATCH)
    if not due:
        return False
    try:
        receipts = channel.receipts([delivery.provider_id for delivery in due])
    except ChannelError as error:
        log.warning("%s says nothing of %d messages: %s", name, len(due), error)
        receipts = ()
    hurried = [apply(store, name, receipt, now).hurried for receipt in receipts]
    for delivery in due:
        store.outbox.ask_again(delivery.id, next_ask(now, delivery.told_at or now))
    return any(hurried)


def apply(store: Store, channel: str, receipt: Receipt, now: int) -> Applied:
    """Write down what a provider says, and what follows from it. What is known already, or says less, is left alone."""
    with store.transaction():
        delivery = store.outbox.of_provider(channel, receipt.provider_id)
        if delivery is None:
            return Applied(delivery=None)
        event = _event(store, delivery, receipt, now)
        if delivery.state is DeliveryState.LEASED:
            return Applied(delivery=None)  # its courier has the word; what is said now may be of the attempt before
        if event is None or (delivery.state, event) not in DELIVERY_TABLE:
            return Applied(delivery=delivery)
        again = None
        if event is DeliveryEvent.RETRY:
            again = next_attempt(now, delivery.attempts, key=delivery.key)
        settled = store.outbox.settle(delivery.id, event, now=now, next_at=again, reason=receipt.detail)
        facts = {"alert": settled.alert_id, "channel": channel, "state": settled.state.value, "detail": receipt.detail}
        store.audit.append("provider", "receipt", str(settled.id), facts, now)
        store.events.append("delivery", "", facts, now)
        hurried = follow(store, settled, receipt.failure, now)
    log_delivery(settled, None)
    return Applied(delivery=settled, hurried=hurried)


def _event(store: Store, delivery: Delivery, receipt: Receipt, now: int) -> DeliveryEvent | None:
    if receipt.failure is None:
        return DeliveryEvent.RECEIPT
    if receipt.failure is Failure.UNKNOWN:
        return None
    alert = store.alerts.get(delivery.alert_id)
    wanted = alert is not None and alert.state is AlertState.FIRING and now < delivery.deadline
    return DeliveryEvent.RETRY if receipt.failure is Failure.RETRY and wanted else DeliveryEvent.FAIL
