"""Missed: what reached nobody is told once it can be, and until then nobody takes it for told."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from hybridd.alerts.compose import health_alert
from hybridd.alerts.routing import Route
from hybridd.clock import iso
from hybridd.model.alert import Alert, AlertEvent, AlertState
from hybridd.model.analysis import Signal
from hybridd.model.change import Reason, Verdict
from hybridd.model.delivery import TOLD
from hybridd.pipeline.aftermath import PASSIVE, to_people
from hybridd.pipeline.observe import Past
from hybridd.pipeline.record import post
from hybridd.store.missed import Missed
from hybridd.store.store import Store

LIVES_MS = 7 * 86_400_000
LISTED = 20


def tell_missed(
    store: Store, routes: Sequence[Route], channels: Mapping[str, Sequence[str]], now: int, *, simulated: bool
) -> Alert | None:
    """Make one alert of all that was missed and is told by none; it waits in the outbox until a channel works again.

    One that waits there already, and lists less, gives way to it.
    """
    untold = store.missed.untold()
    if not untold or not _has_readers(store, channels):
        return None
    with store.transaction():
        listed = sorted([*untold, *_give_way(store, now)], key=lambda missed: missed.alert.id)
        alert = health_alert(Reason.ALERTS_MISSED, "hybridd", _list(listed), now, LIVES_MS, simulated=simulated)
        posted = post(store, alert, routes, channels, now)
        if posted is None:
            return None  # one was made this very moment: the next round tells
        store.missed.tell([missed.alert.id for missed in listed], posted.id)
        store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=posted.id)
    return posted


def _has_readers(store: Store, channels: Mapping[str, Sequence[str]]) -> bool:
    """Whether there is an address that is not given up: without one the list waits."""
    dead = {(a.channel, a.address) for a in store.addresses.disabled()}
    return any(
        (name, to) not in dead for name, all_of_it in channels.items() if name not in PASSIVE for to in all_of_it
    )


def _give_way(store: Store, now: int) -> list[Missed]:
    older = store.alerts.open_of(Reason.ALERTS_MISSED, "hybridd")
    if older is None or older.state is not AlertState.FIRING:
        return []
    if any(d.state in TOLD for d in to_people(store.outbox.of_alert(older.id))):
        return []
    store.outbox.cancel_for(older.id, now, "a longer list takes its place")
    store.alerts.advance(older.id, AlertEvent.RESOLVE, now=now, actor="hybridd")
    return store.missed.told_in(older.id)


def _list(listed: Sequence[Missed]) -> str:
    """One entry for all of a kind: what goes on being missed is told anew now and then, and is the same news."""
    kinds: dict[tuple[str, ...], list[Alert]] = {}
    for missed in listed:
        kinds.setdefault((missed.alert.subject, *missed.alert.reasons), []).append(missed.alert)
    items = [_entry(alerts) for alerts in kinds.values()]
    more = len(items) - LISTED
    return "; ".join([*items[:LISTED], *([f"and {more} more kinds"] if more > 0 else [])])


def _entry(alerts: Sequence[Alert]) -> str:
    first, last = alerts[0], alerts[-1]
    text = f"alert {first.id}, {first.subject} {', '.join(first.reasons)} of {_second(first)}"
    return text if first is last else f"{text}, and {len(alerts) - 1} more until {_second(last)} (alert {last.id})"


def _second(alert: Alert) -> str:
    return iso(alert.created_at // 1000 * 1000)


def take_back(store: Store, symbol: str, past: Past) -> tuple[Past, tuple[int, ...]]:
    """The past without what was told of a symbol and reached nobody, and the ids of the alerts that it forgets.

    A signal that the person has not heard of is held back from then on: the next analysis tells it, if it still holds.
    """
    missed = store.missed.to_restore(symbol)
    alerts = [alert for alert in missed if alert.analysis is not None]
    changes = [change for alert in alerts for change in alert.changes]
    if not alerts:
        return past, tuple(alert.id for alert in missed)
    gone = {(f"{change.reason}:{change.subject}", change.at) for change in changes}
    told_at = {key: at for key, at in past.memory.told_at.items() if (key, at) not in gone}
    heard, first = store.missed.last_heard(symbol), alerts[0]
    anchor = heard.score if heard else first.before.score if first.before else past.memory.anchor_score
    memory = structs.replace(past.memory, told_at=told_at, anchor_score=anchor)
    turned = [change.at for change in changes if change.reason is Reason.SIGNAL_CHANGED]
    if turned:
        known = store.missed.last_heard(symbol, Reason.SIGNAL_CHANGED)
        believed = known.signal if known else Signal.NEUTRAL
        since = None if believed is past.state.signal else min(turned)
        memory = structs.replace(memory, told_signal=believed, held_at=since)
    return structs.replace(past, memory=memory), tuple(alert.id for alert in missed)
