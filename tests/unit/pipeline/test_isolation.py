"""A channel that hangs delays no other channel and no analysis."""

import threading
import time

import pytest

from hybridd.clock import ManualClock
from hybridd.daemon.scheduler import Scheduler
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.delivery import DeliveryState
from hybridd.pipeline.deliver import Courier
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import put

SOON_S = 20
"""Longer than anything here takes on a busy machine; a channel that waits for the blocked one waits for ever."""


class Hangs(MemoryChannel):
    """Takes the message and does not come back before it is let go."""

    def __init__(self, name):
        super().__init__(name)
        self.entered, self.let_go = threading.Event(), threading.Event()

    def send(self, message):
        self.entered.set()
        assert self.let_go.wait(SOON_S * 3)
        return super().send(message)


@pytest.fixture
def house(tmp_path):
    """Couriers and a watch in a real schedule: two channels that hang, two that work."""
    clock = ManualClock(T0)
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=clock)
    channels = [Hangs("hole"), Hangs("pit"), MemoryChannel("email"), MemoryChannel("push")]
    couriers = {c.name: Courier(store=store, channel=c, clock=clock, zone="UTC") for c in channels}
    good, heard = [], threading.Condition()

    def note(name):
        with heard:
            good.append(name)
            heard.notify_all()

    schedule = Scheduler(clock=clock, workers=12, on_good=note, on_failed=lambda name: note(f"{name} failed"))
    for name, courier in couriers.items():
        schedule.every(name, 3600, lambda courier=courier: courier.round(lambda: False))

    def waits_for(*names):
        with heard:
            return heard.wait_for(lambda: set(names) <= set(good), timeout=SOON_S)

    yield store, clock, channels, schedule, waits_for
    for channel in channels[:2]:
        channel.let_go.set()
    schedule.stop()
    assert schedule.wait_idle(SOON_S)
    store.close()


def test_two_channels_that_hang_hold_up_nobody(house):
    store, clock, channels, schedule, waits_for = house
    hole, pit, email, push = channels
    first = put(store, clock.now(), channels=channels, key="first")
    schedule.every("cycle", 3600, lambda: store.bot_state.set("analysed", True))
    schedule.start()
    assert hole.entered.wait(SOON_S)
    assert pit.entered.wait(SOON_S)
    assert waits_for("email", "push", "cycle")
    assert len(email.sent) == len(push.sent) == 1
    for count, key in enumerate(("second", "third", "ten minutes on"), 2):
        clock.advance(300_000)
        put(store, clock.now(), channels=channels, key=key)
        end = time.monotonic() + SOON_S
        while min(len(email.sent), len(push.sent)) < count:
            assert time.monotonic() < end, "a channel waits for those that hang"
            for name in ("email", "push"):  # again and again: one that comes in the middle of a round is left out
                schedule.poke(name)
            hole.let_go.wait(0.01)
    fates = {delivery.channel: delivery.state for delivery in store.outbox.of_alert(first)}
    assert (fates["hole"], fates["pit"]) == (DeliveryState.LEASED, DeliveryState.LEASED)
    assert (fates["email"], fates["push"]) == (DeliveryState.ACCEPTED, DeliveryState.ACCEPTED)
    assert store.bot_state.get("analysed") is True


def test_what_comes_of_a_hanging_send_is_written_down_when_it_comes(house):
    store, clock, channels, schedule, waits_for = house
    alert = put(store, clock.now(), channels=channels[:1])
    schedule.start()
    assert channels[0].entered.wait(SOON_S)
    channels[0].let_go.set()
    assert waits_for("hole")
    (delivery,) = store.outbox.of_alert(alert)
    assert delivery.state is DeliveryState.ACCEPTED
    (attempt,) = store.attempts.of_alert(alert)
    assert attempt.outcome is DeliveryState.ACCEPTED
