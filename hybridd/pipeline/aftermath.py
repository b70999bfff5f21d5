"""What follows from a delivery's new state: a bad address, a step that reached nobody, an end."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from hybridd.alerts.routing import JOURNAL
from hybridd.model.alert import Alert, AlertEvent, AlertState
from hybridd.model.change import NEWS, Reason
from hybridd.model.delivery import LOST, PENDING, REACHED_NOBODY, TOLD, WAITS, Delivery, DeliveryState, Failure
from hybridd.store.store import Store

PASSIVE = frozenset({JOURNAL, "dashboard"})
"""Channels that wake nobody: they never stand in for those that do."""
ENDS_WHEN_TOLD = frozenset({Reason.ALERTS_MISSED})


def follow(
    store: Store, delivery: Delivery, failure: Failure | None, now: int, *, blocked: Collection[str] = (), why: str = ""
) -> bool:
    """Draw the consequences of what became of `delivery`, within the transaction that stores it.

    `blocked`: channels that send nothing at present. True when deliveries by other channels have become due.
    """
    if delivery.state in TOLD:
        _reached(store, delivery, now)
    if failure is Failure.ADDRESS:
        _dead(store, delivery, why or delivery.reason, now)
    hurried = False
    if failure is Failure.ACCOUNT or delivery.state in REACHED_NOBODY or delivery.channel in blocked:
        account = failure is Failure.ACCOUNT
        closed = {*blocked, delivery.channel} if account else blocked
        hurried = fail_over(store, delivery, now, blocked=closed, at_once=account)
    if delivery.state in LOST:
        note_missed(store, delivery.alert_id, now)
    if delivery.state in TOLD | LOST:
        _end(store, delivery.alert_id, now)
    return hurried


def fail_over(
    store: Store, delivery: Delivery, now: int, *, blocked: Collection[str] = (), at_once: bool = False
) -> bool:
    """Let the next step that can reach somebody be due now; whether there was one.

    When nothing of the delivery's step can arrive any more, or `at_once`: its channel needs a person to mend it.
    """
    alert = store.alerts.get(delivery.alert_id)
    if alert is None or alert.state is not AlertState.FIRING:
        return False
    rows = to_people(store.outbox.of_alert(alert.id))
    here = [d for d in rows if d.step == delivery.step]
    if not at_once and not all(d.state in LOST or (d.state in WAITS and d.channel in blocked) for d in here):
        return False
    facts = {"channel": delivery.channel, "step": delivery.step, "detail": delivery.reason}
    return _hurry(store, alert, rows, delivery.step, facts, now, blocked)


def pass_over(store: Store, alert: Alert, now: int) -> None:
    """Where the first step of a new alert has nobody left to tell, let the next one be due now; or it is missed."""
    rows = to_people(store.outbox.of_alert(alert.id))
    if rows and not any(d.step == 0 for d in rows):
        _hurry(store, alert, rows, 0, {"detail": "every address of the first step is disabled"}, now)
    elif not rows and _can_be_missed(alert):
        # Found again at each candle it would be missed again at each: that it is listed is enough.
        store.missed.add(alert, now, restored=True)


def _can_be_missed(alert: Alert) -> bool:
    return not alert.resolves and alert.state is not AlertState.ACKED and not NEWS & set(alert.reasons)


def _hurry(
    store: Store,
    alert: Alert,
    rows: list[Delivery],
    after: int,
    facts: Mapping[str, object],
    now: int,
    blocked: Collection[str] = (),
) -> bool:
    """Let the first step after `after` that can still tell somebody be due now, unless somebody is at it."""
    step = next(_steps_after(rows, after, blocked), [])
    waiting = [d for d in step if d.state is DeliveryState.PLANNED and d.next_at > now]
    if not waiting or len(waiting) < len(step):
        return False
    store.outbox.hurry([d.id for d in waiting], now)
    told = {**facts, "next": waiting[0].step}
    store.audit.append("hybridd", "alert.failover", str(alert.id), told, now)
    store.events.append("failover", alert.subject, {"alert": alert.id, **told}, now)
    return True


def _steps_after(rows: list[Delivery], step: int, blocked: Collection[str]) -> Iterator[list[Delivery]]:
    """Step by step what could still tell somebody: not by a channel that is blocked, not to whom it was told."""
    told = {(d.channel, d.recipient) for d in rows if d.state in TOLD}
    able = [d for d in rows if d.channel not in blocked and d.state not in LOST]
    for number in sorted({d.step for d in able if d.step > step}):
        found = [d for d in able if d.step == number and not (d.state in PENDING and (d.channel, d.recipient) in told)]
        if found:
            yield found


def note_missed(store: Store, alert_id: int, now: int) -> bool:
    """Note an alert that went out to people and reached none of them; whether it is one, and new."""
    alert = store.alerts.get(alert_id)
    if alert is None or not _can_be_missed(alert):
        return False
    states = {d.state for d in to_people(store.outbox.of_alert(alert_id))}
    if states & (PENDING | TOLD) or not states & REACHED_NOBODY or not store.missed.add(alert, now):
        return False
    store.audit.append("hybridd", "alert.missed", str(alert_id), {"subject": alert.subject}, now)
    store.events.append("missed", alert.subject, {"alert": alert_id}, now)
    return True


def to_people(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Those that go to somebody. What only lies ready, on the dashboard, has reached nobody until it is seen."""
    return [d for d in deliveries if d.channel not in PASSIVE or d.state is DeliveryState.SEEN]


def _reached(store: Store, delivery: Delivery, now: int) -> None:
    """Whoever was reached is there: an address that was given up is good again."""
    if store.addresses.enable(delivery.channel, delivery.recipient, "a message was taken for it", now):
        facts = {"channel": delivery.channel, "delivery": delivery.id}
        store.audit.append("hybridd", "address.enable", delivery.recipient, facts, now)


def _dead(store: Store, delivery: Delivery, why: str, now: int) -> None:
    """Nobody is at this address: nothing more is sent there, and what waits for it is given up."""
    if not store.addresses.disable(delivery.channel, delivery.recipient, why, now):
        return
    facts = {"channel": delivery.channel, "delivery": delivery.id, "reason": why}
    store.audit.append("hybridd", "address.disable", delivery.recipient, facts, now)
    store.events.append("address", delivery.recipient, {"channel": delivery.channel, "state": "disabled"}, now)
    give_up(store, delivery.channel, delivery.recipient, now, "the address is disabled")


def give_up(store: Store, channel: str, recipient: str, now: int, why: str) -> bool:
    """Send nothing more to a recipient: what waits is settled, and its alerts fail over. Whether any did."""
    settled = store.outbox.give_up(channel, recipient, now, why)
    for delivery in settled:
        note_missed(store, delivery.alert_id, now)
    hurried = [fail_over(store, delivery, now) for delivery in settled]
    return any(hurried)


def _end(store: Store, alert_id: int, now: int) -> None:
    """Good news, and news of what was missed, ask for no answer: they end when they are told."""
    alert = store.alerts.get(alert_id)
    if alert is None or alert.state is not AlertState.FIRING or not ends_when_told(alert):
        return
    first = [d for d in store.outbox.of_alert(alert_id) if d.step == 0]
    people = to_people(first) or first
    if any(d.state in TOLD for d in people) and not any(d.state in PENDING for d in people):
        store.outbox.cancel_for(alert_id, now, "it was told")
        store.alerts.advance(alert_id, AlertEvent.RESOLVE, now=now, actor="hybridd")


def ends_when_told(alert: Alert) -> bool:
    """Whether nobody is asked to answer it."""
    return bool(alert.resolves) or bool(ENDS_WHEN_TOLD & set(alert.reasons))
