"""A clock that was ahead and is set right: what was planned by it does not wait until it has caught up."""

from dataclasses import replace

import pytest

from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.daemon.scheduler import Scheduler
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.change import Suppression
from hybridd.model.delivery import DeliveryState, Failure, Outcome
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.heartbeat import SERVICE_KEY, last_beat
from hybridd.pipeline.housekeep import ACCOUNTS_KEY, Housekeeper
from hybridd.pipeline.receipts import RAREST_MS, next_ask
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import put

MINUTE, HOUR = 60_000, 3_600_000
TICK = 10_000
DAY = 24 * HOUR


class Night:
    """A daemon's tick and one courier over a state on the disk."""

    def __init__(self, folder):
        url = f"sqlite:///{folder}/state.db"
        self.clock = ManualClock(T0)
        self.store = open_store(url, clock=self.clock)
        settings = {"monitor": {"symbols": ("BTC/USDT",)}, "market": {"source": "simulated"}, "database": {"url": url}}
        parts = assemble(Settings.model_validate(settings), self.store, self.clock)
        self.schedule = Scheduler(clock=self.clock, workers=1, on_good=lambda _: None, on_failed=lambda _: None)
        self.channel = MemoryChannel()
        self.courier = Courier(store=self.store, channel=self.channel, clock=self.clock, zone="UTC")
        self.parts, self.made = replace(parts, couriers=(*parts.couriers, self.courier)), 0
        self.restart()

    def restart(self):
        self.keeper = Housekeeper(store=self.store, clock=self.clock)

    def tick(self):
        return self.keeper.round(self.parts, self.schedule)

    def alert(self, after=(0,)):
        self.made += 1
        return put(self.store, self.clock.now(), channels=[self.channel], key=str(self.made), after=after, lives=DAY)

    def set_back(self, ms):
        self.clock.set(self.clock.now() - ms)

    def waits(self, alert_id):
        """ms until the turn of each delivery of an alert, in the order of its steps."""
        return [delivery.next_at - self.clock.now() for delivery in self.store.outbox.of_alert(alert_id)]

    def moves(self):
        return [entry for entry in self.store.audit.list(limit=99) if entry.action == "clock"]


@pytest.fixture
def night(tmp_path):
    made = Night(tmp_path)
    made.tick()
    yield made
    made.parts.close()
    made.store.close()


def test_an_alert_that_could_not_be_sent_goes_out_soon_after_the_clock_was_set_right(night):
    night.channel.script.extend([Outcome(failure=Failure.RETRY, detail="no network yet")] * 5)
    alert = night.alert()
    for _ in range(5):
        night.courier.round(lambda: False)
        night.clock.advance(TICK)
        night.tick()
    night.set_back(2 * HOUR)
    for _ in range(12):
        night.tick()
        night.courier.round(lambda: False)
        night.clock.advance(TICK)
    assert [message.key for message in night.channel.sent] == [f"{alert}:somebody:memory:0"]


def test_the_steps_of_an_alert_keep_their_distance(night):
    alert = night.alert(after=(MINUTE, 30 * MINUTE))
    night.set_back(2 * HOUR)
    assert night.tick(), "the couriers are to look again"
    assert night.waits(alert) == [MINUTE, 30 * MINUTE]


def test_turns_are_moved_once(night):
    alert = night.alert(after=(30 * MINUTE,))
    night.set_back(HOUR)
    for _ in range(3):
        night.tick()
    assert night.waits(alert) == [30 * MINUTE]
    assert len(night.moves()) == 1


def test_a_clock_set_back_while_nobody_watched_is_noticed_at_the_start(night):
    alert = night.alert(after=(30 * MINUTE,))
    night.keeper.farewell(night.parts)
    night.set_back(5 * HOUR)
    night.restart()
    night.tick()
    assert night.waits(alert) == [30 * MINUTE]


def test_a_crash_before_the_next_heartbeat_moves_nothing_twice(night):
    alert = night.alert(after=(30 * MINUTE,))
    night.set_back(HOUR)
    night.keeper.follow_clock(night.parts)
    night.restart()
    night.tick()
    assert night.waits(alert) == [30 * MINUTE]


def test_a_crash_while_turns_are_moved_moves_none(night, monkeypatch):
    alert = night.alert(after=(30 * MINUTE,))
    night.set_back(HOUR)
    monkeypatch.setattr(night.store.audit, "append", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        night.tick()
    assert night.waits(alert) == [30 * MINUTE + HOUR]
    monkeypatch.undo()
    night.restart()
    night.tick()
    assert night.waits(alert) == [30 * MINUTE]


def test_a_clock_set_back_just_before_the_end_is_noticed_by_the_end(night):
    alert = night.alert(after=(30 * MINUTE,))
    night.set_back(5 * HOUR)
    night.keeper.farewell(night.parts)
    night.restart()
    night.tick()
    assert night.waits(alert) == [30 * MINUTE]
    assert len(night.moves()) == 1


def test_what_the_right_clock_planned_before_anybody_noticed_stays(night):
    night.clock.advance(TICK)
    night.set_back(2 * HOUR)
    alert = night.alert(after=(MINUTE, 30 * MINUTE))
    night.tick()
    assert night.waits(alert) == [MINUTE, 30 * MINUTE]


def test_a_clock_that_goes_forth_and_back_takes_nothing_from_a_distance(night):
    alert = night.alert(after=(30 * MINUTE,))
    for _ in range(3):
        for ms in (-9 * MINUTE, 9 * MINUTE):
            night.set_back(ms)
            night.tick()
    assert night.waits(alert) == [30 * MINUTE]


def test_what_is_due_within_the_step_is_due_now_and_not_before(night):
    alert = night.alert(after=(MINUTE,))
    night.set_back(2 * HOUR)
    now = night.clock.now()
    assert night.store.outbox.set_back(4 * HOUR, now) == 1
    assert night.waits(alert) == [0]
    assert night.store.outbox.set_back(4 * HOUR, now) == 0, "it waits for nothing any more"


def test_one_that_was_tried_and_then_held_back_is_moved_once(night):
    night.channel.script.append(Outcome(failure=Failure.RETRY, detail="no network yet"))
    alert = night.alert()
    night.courier.round(lambda: False)
    night.clock.advance(MINUTE)
    now = night.clock.now()
    (waiting,) = night.store.holds.due("memory", now)
    night.store.holds.defer([waiting], Suppression.QUIET_HOURS, now + 8 * HOUR, now)
    night.set_back(2 * HOUR)
    assert night.store.outbox.set_back(2 * HOUR, night.clock.now()) == 1
    assert night.waits(alert) == [0]


def test_a_lease_counts_from_now(night):
    alert = night.alert()
    (delivery,) = night.store.outbox.of_alert(alert)
    night.store.outbox.lease(delivery.id, night.clock.now())
    night.set_back(2 * HOUR)
    night.tick()
    night.clock.advance(HOUR)
    assert [d.id for d in night.store.outbox.recover_old(night.clock.now(), 59 * MINUTE)] == [delivery.id]


def test_receipts_of_what_was_told_in_the_future_are_asked_for_seldom(night):
    now = night.clock.now()
    assert next_ask(now, now + HOUR) == now + RAREST_MS


def test_tries_are_listed_as_they_happened(night):
    night.channel.script.extend([Outcome(failure=Failure.RETRY, detail="no network yet")] * 3)
    alert = night.alert()
    for _ in range(4):
        night.courier.round(lambda: False)
        night.tick()
        night.set_back(2 * HOUR)
        night.tick()
        night.clock.advance(MINUTE)
    tries = night.store.attempts.of_alert(alert)
    assert [attempt.number for attempt in tries] == [1, 2, 3, 4]
    assert night.store.attempts.before(night.store.outbox.of_alert(alert)[0]) == tries[2].started_at


@pytest.mark.parametrize("ms", [0, 500, -HOUR])
def test_a_clock_that_is_corrected_a_little_or_goes_forward_moves_nothing(night, ms):
    alert = night.alert(after=(30 * MINUTE,))
    night.set_back(ms)
    night.tick()
    assert night.waits(alert) == [30 * MINUTE + ms]
    assert night.moves() == []


def test_what_is_held_back_comes_up_now_to_be_judged_anew_and_what_is_over_stays_as_it_was(night):
    held, over = night.alert(), night.alert()
    (waiting,) = [one for one in night.store.holds.due("memory", night.clock.now()) if one.alert_id == held]
    until = night.clock.now() + 8 * HOUR
    night.store.holds.defer([waiting], Suppression.QUIET_HOURS, until, night.clock.now())
    night.store.outbox.cancel_for(over, night.clock.now(), "answered")
    (before,) = night.store.outbox.of_alert(over)
    assert before.state is DeliveryState.CANCELLED
    night.set_back(2 * HOUR)
    night.tick()
    assert night.waits(held) == [0]
    assert night.store.outbox.of_alert(over) == [before]


def test_accounts_are_looked_over_though_the_last_time_lies_in_the_future(night, monkeypatch):
    night.set_back(DAY)
    night.store.bot_state.set(ACCOUNTS_KEY, 0)
    seen, ask = [], night.store.changes.unaccounted
    monkeypatch.setattr(night.store.changes, "unaccounted", lambda verified: (seen.append(verified), ask(verified))[1])
    night.tick()
    night.tick()
    assert seen == [0], "at once, and then after a minute again"


def test_the_last_sign_of_life_is_told_by_the_daemons_clock(night):
    assert last_beat(night.store.bot_state.get(SERVICE_KEY)) == night.clock.now()
    assert last_beat({}) == 0
