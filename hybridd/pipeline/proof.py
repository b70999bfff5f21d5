"""Which channels have proven of late that they reach the person, and which only claim to."""

from collections.abc import Iterator, Sequence

from hybridd.clock import iso
from hybridd.model.delivery import LOST, DeliveryState
from hybridd.pipeline.deliver import Courier
from hybridd.store.store import Store

DRILL_KEY = "drill"
WITHOUT_A_PERSON = frozenset({"journal", "dashboard"})
"""They take whatever they are given: that they took it proves nothing about anybody."""


def unproven(store: Store, couriers: Sequence[Courier], now: int, lasts_ms: int) -> dict[str, str]:
    """The channels without a message that was taken within `lasts_ms`, each with the reason in words."""
    found: dict[str, str] = {}
    for courier in couriers:
        if courier.name in WITHOUT_A_PERSON:
            continue
        told = store.outbox.last_told(courier.name)
        if not courier.proves:
            found[courier.name] = "nobody says what becomes of its messages"
        elif told is None:
            found[courier.name] = "no message has gone by it yet"
        elif now - told > lasts_ms:
            found[courier.name] = f"the last message was taken at {iso(told // 1000 * 1000)}"
    return {**found, **dict(failed_drills(store))}


def failed_drills(store: Store) -> Iterator[tuple[str, str]]:
    """The channels that failed in the last drill and have taken nothing since, with what was said."""
    kept = store.bot_state.get(DRILL_KEY) or {}
    for delivery in store.outbox.of_alert(int(kept.get("alert", 0))):
        if delivery.state in LOST - {DeliveryState.CANCELLED}:
            told = store.outbox.last_told(delivery.channel)
            if told is None or told < kept["at"]:
                moment = iso(int(kept["at"]) // 1000 * 1000)
                yield delivery.channel, f"the drill of {moment} failed: {delivery.reason or delivery.state}"
