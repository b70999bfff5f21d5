"""Whatever happens in whatever order, deaths in the middle of a send included: nobody goes untold, or is told twice."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hybridd.clock import ManualClock
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import AlertEvent, AlertState
from hybridd.model.change import Reason
from hybridd.model.delivery import ABSENT, PENDING, TOLD, DeliveryState, Failure, Outcome
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.housekeep import CLOCK_STEP_MS
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import put

WEEK = 7 * 86_400_000
ANSWERED = {AlertState.ACKED, AlertState.RESOLVED}


class Killed(BaseException):
    """The process ends here: nothing that follows is done."""


class Mortal(MemoryChannel):
    """A channel around which the program may die; `begun` holds the key and the words of each send.

    `sure`: its provider can be asked, and says for certain what it has not got.
    """

    def __init__(self, name, *, idempotent, sure=False):
        super().__init__(name, idempotent=idempotent)
        self.begun, self.death, self.sure = [], "", sure

    def find(self, message):
        return super().find(message) or (ABSENT if self.sure else None)

    def send(self, message):
        death, self.death = self.death, ""
        self.begun.append(message)
        if death == "before":
            raise Killed
        outcome = super().send(message)
        if death == "after":
            raise Killed
        return outcome


class Courierly(RuleBasedStateMachine):
    """A state, a courier for each of three channels, and a person who answers. `begun` counts sends at each answer."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hybridd-test-"))
        self.clock = ManualClock(T0)
        self.channels = [
            Mortal("email", idempotent=True),
            Mortal("sms", idempotent=False),
            Mortal("asked", idempotent=False, sure=True),
        ]
        self.alerts, self.at_answer, self.store, self.beaten_at = [], {}, None, T0
        self.restart()

    @rule(reason=st.sampled_from([Reason.DISK_LOW, Reason.CYCLE_LATE]), later=st.sampled_from([(0,), (0, 60_000)]))
    def fire(self, reason, later):
        key = str(len(self.alerts))
        self.alerts.append(
            put(self.store, self.clock.now(), channels=self.channels, reason=reason, key=key, after=later, lives=WEEK)
        )

    @rule(which=st.integers(0, 2))
    def send(self, which):
        self.deliver(which)

    def deliver(self, which):
        try:
            self.couriers[which].round(lambda: False)
        except Killed:
            self.restart()

    @rule(which=st.integers(0, 2), death=st.sampled_from(["before", "after"]))
    def die_in_a_send(self, which, death):
        self.channels[which].death = death
        self.deliver(which)

    @rule(which=st.integers(0, 2), failure=st.sampled_from([Failure.RETRY, Failure.UNKNOWN]))
    def fail_in_a_send(self, which, failure):
        self.channels[which].script.append(Outcome(failure=failure, detail="as it may happen"))
        self.deliver(which)

    @rule(which=st.integers(0, 99), event=st.sampled_from([AlertEvent.ACK, AlertEvent.RESOLVE]))
    def answer(self, which, event):
        alert = self.store.alerts.get(self.alerts[which % len(self.alerts)]) if self.alerts else None
        if alert is None or alert.state is not AlertState.FIRING:
            return
        with self.store.transaction():
            self.store.alerts.advance(alert.id, event, now=self.clock.now(), actor="me")
            self.store.outbox.cancel_for(alert.id, self.clock.now(), "answered")
        self.at_answer[alert.id] = self.sends_of(alert.id)

    @rule(ms=st.sampled_from([1, 1_000, 61_000, 3_600_000]))
    def time_passes(self, ms):
        self.clock.advance(ms)

    @rule(ms=st.sampled_from([-3_600_000, -500, 86_400_000]))
    def somebody_sets_the_clock(self, ms):
        self.clock.set(self.clock.now() + ms)

    @rule()
    def tick(self):
        """What the daemon's does where the clock was set back since the last."""
        now = self.clock.now()
        if self.beaten_at - now > CLOCK_STEP_MS:
            self.store.outbox.set_back(self.beaten_at - now, now)
        self.beaten_at = now

    @rule()
    def restart(self):
        if self.store is not None:
            self.store.close()
        self.store = open_store(f"sqlite:///{self.folder}/state.db", clock=self.clock)
        self.store.outbox.recover(self.clock.now())
        self.couriers = [
            Courier(store=self.store, channel=channel, clock=self.clock, zone="UTC") for channel in self.channels
        ]

    def sends_of(self, alert_id):
        return [m.key for channel in self.channels for m in channel.begun if m.key.startswith(f"{alert_id}:")]

    @invariant()
    def nothing_goes_out_after_an_answer(self):
        for alert_id, sends in getattr(self, "at_answer", {}).items():
            assert self.sends_of(alert_id) == sends

    @invariant()
    def copies_under_one_key_are_one_message(self):
        for channel in getattr(self, "channels", ()):
            words = {}
            for message in channel.begun:
                words.setdefault(message.key, set()).add((message.title, message.text))
            if channel.idempotent:
                assert all(len(found) == 1 for found in words.values())

    @invariant()
    def nobody_gets_a_second_copy(self):
        for channel in getattr(self, "channels", ()):
            keys = [message.key for message in channel.sent]
            assert len(keys) == len(set(keys))

    @invariant()
    def every_change_is_accounted_for(self):
        if getattr(self, "store", None) is not None:
            assert self.store.changes.conservation().missing == 0

    def teardown(self):
        if getattr(self, "store", None) is None:
            return
        try:
            self.settle_all()
            self.everybody_was_told()
            self.nobody_gets_a_second_copy()
            self.nothing_goes_out_after_an_answer()
            assert self.store.verify() == []
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    def settle_all(self):
        """The services are well again and the clock runs on: what is to be sent is sent."""
        for channel in self.channels:
            channel.script.clear()
            channel.death = ""
        self.tick()
        for _ in range(120):
            self.clock.advance(121_000)
            for courier in self.couriers:
                courier.drain()
            counts = self.store.outbox.counts()
            if not sum(counts[state] for state in PENDING):
                return

    def everybody_was_told(self):
        for alert_id in self.alerts:
            answered = self.store.alerts.get(alert_id).state in ANSWERED
            for delivery in self.store.outbox.of_alert(alert_id):
                told = delivery.state in TOLD
                # Repeated once, of unknown fate again: not sent a third time, and told as missed.
                channel = next(c for c in self.channels if c.name == delivery.channel)
                spent = delivery.repeated and delivery.state in {DeliveryState.UNKNOWN, DeliveryState.EXPIRED}
                over = answered and delivery.state in {DeliveryState.CANCELLED, DeliveryState.EXPIRED}
                assert told or over or (spent and not channel.sure)
                assert not told or delivery.key in {message.key for message in channel.sent}
                attempts = [a for a in self.store.attempts.of_alert(alert_id) if a.delivery_id == delivery.id]
                assert [a.number for a in attempts] == list(range(1, delivery.attempts + 1))
                assert all(a.ended_at is not None for a in attempts)


Courierly.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_outbox_and_couriers = Courierly.TestCase
