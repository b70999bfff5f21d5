"""hybridd's own health: each condition provoked, told once, over once, and only to those who heard of it."""

import shutil
from collections import namedtuple
from dataclasses import replace

import pytest

from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.daemon.scheduler import Scheduler
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import BrainError, FeedUnavailable
from hybridd.model.alert import AlertEvent, AlertState
from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.delivery import DeliveryState, Failure, Outcome
from hybridd.model.reading import Abstain, Reading
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.conditions import conditions
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.health import FIRING_LIVES_MS, Condition, HealthBook
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.pipeline.housekeep import ACCOUNTS_KEY, Housekeeper
from hybridd.pipeline.watch import CycleReport
from hybridd.store.store import open_store
from tests.makers import STEP, T0
from tests.unit.pipeline.house import House, Said, path_of_scores, route

MINUTE = 60_000
DOWN = Condition(reason=Reason.CHANNEL_DOWN, subject="email", detail="535")
LATE = Condition(reason=Reason.CYCLE_LATE, subject="hybridd", detail="9 s")
KEY = (Reason.CHANNEL_DOWN, "email")


class Desk:
    """A health book over a passing state, and channels that can be drained."""

    def __init__(self, *channels, after=(0,)):
        self.clock = ManualClock(T0)
        self.store = open_store("sqlite://:memory:", clock=self.clock)
        self.channels = channels or (MemoryChannel(),)
        self.routes = (route(*(c.name for c in self.channels), after=after),)
        self.restart()

    def restart(self):
        addresses = {c.name: c.recipients for c in self.channels}
        self.book = HealthBook(
            store=self.store, routes=self.routes, channels=addresses, clock=self.clock, simulated=False
        )

    def deliver(self, *names):
        for channel in self.channels:
            if not names or channel.name in names:
                Courier(store=self.store, channel=channel, clock=self.clock, zone="UTC").round(lambda: False)

    def sent(self):
        return [(c.name, m.title) for c in self.channels for m in c.sent]


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.store.close()


def kinds(alerts):
    return [(a.reasons[0].value, "over" if a.resolves else "begins") for a in alerts]


def test_trouble_is_told_once_and_its_end_once(desk):
    assert kinds(desk.book.reconcile([DOWN])) == [("CHANNEL_DOWN", "begins")]
    desk.deliver()
    for _ in range(3):
        desk.clock.advance(MINUTE)
        assert desk.book.reconcile([DOWN]) == []
    assert kinds(desk.book.reconcile([])) == [("CHANNEL_DOWN", "over")]
    assert desk.book.reconcile([]) == []
    desk.deliver()
    assert len(desk.sent()) == 2


def test_a_restart_repeats_nothing_and_knows_what_is_open(desk):
    desk.book.reconcile([DOWN])
    desk.restart()
    assert desk.book.reconcile([DOWN]) == []
    assert [a.subject for a in desk.book.open_conditions()] == ["email"]


def test_what_nobody_has_looked_at_since_the_start_is_not_over(desk):
    desk.book.reconcile([DOWN])
    desk.restart()
    assert desk.book.reconcile([], {KEY}) == []
    assert kinds(desk.book.reconcile([])) == [("CHANNEL_DOWN", "over")]


def test_what_flutters_must_be_quiet_for_a_minute(desk):
    assert kinds(desk.book.reconcile([LATE])) == [("CYCLE_LATE", "begins")]
    for _ in range(5):
        assert desk.book.reconcile([]) == []
        desk.clock.advance(MINUTE - 1)
        assert desk.book.reconcile([LATE]) == []
    assert desk.book.reconcile([]) == []
    desk.clock.advance(MINUTE)
    assert kinds(desk.book.reconcile([])) == [("CYCLE_LATE", "over")]


def test_trouble_that_is_over_before_anybody_heard_of_it_is_told_to_nobody(desk):
    desk.book.reconcile([DOWN])
    desk.book.reconcile([])
    desk.deliver()
    assert desk.sent() == []
    assert desk.store.outbox.counts()[DeliveryState.CANCELLED] == 1
    assert desk.store.changes.conservation().missing == 0


def test_only_who_heard_of_the_trouble_hears_of_its_end():
    bad = MemoryChannel("bad", script=[Outcome(failure=Failure.ACCOUNT, detail="535")] * 9)
    desk = Desk(MemoryChannel("good"), bad)
    desk.book.reconcile([LATE])
    desk.deliver()
    bad.script.clear()
    desk.book.reconcile([])
    desk.clock.advance(MINUTE)
    desk.book.reconcile([])
    desk.deliver()
    assert [name for name, _ in desk.sent()] == ["good", "good"]
    desk.store.close()


@pytest.mark.parametrize("state", [DeliveryState.LEASED, DeliveryState.UNKNOWN])
def test_who_may_have_heard_of_the_trouble_hears_of_its_end_too(desk, state):
    (alert,) = desk.book.reconcile([DOWN])
    (delivery,) = desk.store.outbox.of_alert(alert.id)
    desk.store.outbox.lease(delivery.id, T0)
    if state is DeliveryState.UNKNOWN:
        desk.store.outbox.recover(T0)
    (good_news,) = desk.book.reconcile([])
    desk.deliver()
    assert [m.key.split(":")[0] for m in desk.channels[0].sent] == [str(good_news.id)]


def test_good_news_does_not_escalate():
    desk = Desk(after=(0, 2 * MINUTE, 10 * MINUTE))
    desk.book.reconcile([DOWN])
    desk.deliver()
    desk.clock.advance(2 * MINUTE)
    desk.deliver()
    desk.book.reconcile([])
    for _ in range(20):
        desk.deliver()
        desk.clock.advance(MINUTE)
    assert len(desk.sent()) == 3, "two steps of bad news, one of good"
    desk.store.close()


def test_an_ack_does_not_make_it_begin_again_and_its_end_is_still_told(desk):
    (alert,) = desk.book.reconcile([DOWN])
    desk.deliver()
    desk.store.alerts.advance(alert.id, AlertEvent.ACK, now=T0, actor="person")
    assert desk.book.reconcile([DOWN]) == []
    assert kinds(desk.book.reconcile([])) == [("CHANNEL_DOWN", "over")]
    assert desk.store.alerts.get(alert.id).state is AlertState.RESOLVED


def test_what_lasts_a_week_is_told_again(desk):
    desk.book.reconcile([DOWN])
    desk.clock.advance(FIRING_LIVES_MS)
    desk.store.alerts.expire_due(desk.clock.now())
    assert kinds(desk.book.reconcile([DOWN])) == [("CHANNEL_DOWN", "begins")]


def test_one_reason_of_two_subjects_is_two_troubles(desk):
    other = replace(DOWN, subject="sms")
    assert len(desk.book.reconcile([DOWN, other])) == 2
    assert [a.subject for a in desk.book.reconcile([other])] == ["email"]


# Each condition, provoked.


@pytest.fixture
def house(tmp_path, request):
    made = House(tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()


def with_house(**changes):
    return pytest.mark.parametrize("house", [changes], indirect=True)


def quiet(house, seconds=70):
    """The ticks of a minute in which nothing happens."""
    found = []
    for _ in range(seconds // 10):
        house.clock.advance(10_000)
        found += house.tick()
    return found


@pytest.mark.parametrize("frame", ["1s", "1m", "5m", "1h", "1d"])
def test_a_stale_feed_is_told_before_the_next_candle_closes(tmp_path, frame):
    house = House(tmp_path, frame=parse_timeframe(frame))
    step = house.frame.ms
    house.clock.set(house.frame.open_at(T0))
    house.candles(2)
    assert house.tick() == []
    house.feed.lag["BTC/USDT"] = 10**12
    house.clock.advance(step)
    house.again()
    assert house.tick() == [], "the candle has only just closed"
    house.clock.advance(max(step - 1, 5_000))
    house.again()
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "begins")]
    house.feed.lag.clear()
    house.clock.advance(61_000)
    house.patiently()
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "is over")]
    house.close()


def test_a_feed_that_is_stale_through_a_restart_is_neither_over_nor_told_again(house):
    house.candles(1)
    house.feed.trouble["BTC/USDT"].extend([FeedUnavailable("down")] * 500)
    house.candles(3)
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "begins")]
    house.restart()
    assert house.tick() == []
    house.candles(3)
    assert house.tick() == []
    house.reload()
    assert house.tick() == [], "a reload is no good news either"
    house.feed.trouble["BTC/USDT"].clear()
    house.candles(1)
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "is over")]


def test_a_feed_that_never_spoke_is_stale_too(house):
    house.feed.trouble["BTC/USDT"].extend([FeedUnavailable("down")] * 500)
    house.candles(2)
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "begins")]
    assert "no candle has come since the start" in house.book.open_conditions()[0].changes[0].detail


@with_house(symbols=("BTC/USDT", "ETHH/USDT"))
def test_an_unknown_symbol_is_told_with_the_nearest_and_stays_told_through_a_restart(house):
    house.candles(1)
    assert house.tick() == [("SYMBOL_UNKNOWN", "ETHH/USDT", "begins")]
    assert "did you mean ETH/USDT?" in house.book.open_conditions()[0].changes[0].detail
    house.restart()
    assert quiet(house) == []
    house.again()
    assert quiet(house) == []


GONE = (
    Reading(layer="funding", score=None, weight=1.0, reason="no funding", abstain=Abstain.NO_DATA),
    Reading(layer="cycle", score=None, weight=1.0, reason="warms up", abstain=Abstain.WARM_UP),
)


@with_house(brain=Said(readings=GONE))
def test_a_layer_without_its_data_is_told_and_one_that_warms_up_is_not(house):
    house.candles(1)
    assert house.tick() == [], "what lies around the market may still be on its way"
    house.candles(2)
    assert house.tick() == [("LAYERS_MISSING", "BTC/USDT", "begins")]
    assert house.book.open_conditions()[0].changes[0].detail == "funding (no funding)"
    house.restart()
    assert quiet(house, 120) == [], "nobody has looked at the layers since the restart"
    house.brain.readings = ()
    house.candles(1)
    house.tick()
    assert quiet(house) == [("LAYERS_MISSING", "BTC/USDT", "is over")]


def test_a_broken_brain_is_told_and_stays_told_through_a_restart(house):
    house.candles(1)
    house.brain.errors.extend([BrainError("it hurts")] * 3)
    house.candles(1)
    assert house.tick() == [("BRAIN_FAILED", "BTC/USDT", "begins")]
    house.restart()
    assert house.tick() == []
    house.brain.errors.clear()
    house.candles(1)
    assert house.tick() == [("BRAIN_FAILED", "BTC/USDT", "is over")]


def test_a_late_cycle_is_told(house):
    assert house.tick(late_cycle="the last round took 9 s") == [("CYCLE_LATE", "hybridd", "begins")]
    assert house.tick() == []
    assert quiet(house) == [("CYCLE_LATE", "hybridd", "is over")]


def test_a_channel_that_is_down_is_told_and_not_called_well_by_a_restart(tmp_path):
    bad = MemoryChannel("bad", script=[Outcome(failure=Failure.ACCOUNT, detail="535 wrong password")] * 999)
    house = House(tmp_path, channels=[MemoryChannel("good"), bad], brain=Said(lambda _: 70.0))
    house.candles(1)
    assert house.tick() == [("CHANNEL_DOWN", "bad", "begins")]
    house.deliver()
    assert "bad" in house.titles()[-1]
    house.restart()
    assert house.tick() == []
    house.deliver()
    assert house.tick() == []
    bad.script.clear()
    house.restart()
    house.deliver()
    assert house.tick() == [("CHANNEL_DOWN", "bad", "is over")]
    house.close()


def test_a_disk_that_runs_full_is_told(house, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10_000_000))
    assert [(reason, end) for reason, _, end in house.tick()] == [("DISK_LOW", "begins")]
    assert "9 MB are free" in house.book.open_conditions()[0].changes[0].detail


@pytest.mark.parametrize(("skew", "words"), [(2_001, "2.0 s behind"), (-60_000, "60.0 s ahead of")])
def test_a_clock_that_is_wrong_is_told(house, skew, words):
    house.skew = skew
    assert house.tick() == [("CLOCK_SKEW", "hybridd", "begins")]
    assert words in house.book.open_conditions()[0].changes[0].detail
    house.skew = None
    assert quiet(house, 120) == [], "a source that cannot be asked says nothing about the clock"
    house.skew = 2_000
    assert quiet(house, 120) == [("CLOCK_SKEW", "hybridd", "is over")]


def test_a_change_that_is_in_no_account_is_itself_told(house):
    keeper, schedule = housekeeper(house)
    lost = Change(subject="BTC/USDT", reason=Reason.SCORE_JUMP, at=T0, before=50.0, after=60.0)
    house.store.changes.add(Verdict(change=lost), analysis_id=None, alert_id=None)
    keeper.round(parts_of(house), schedule)
    (alert,) = house.book.open_conditions()
    assert alert.reasons == (Reason.ALERTS_UNACCOUNTED,)
    assert "1 changes" in alert.changes[0].detail


def test_an_account_that_was_given_is_not_gone_through_again_and_what_is_missing_stays_missing(house):
    keeper, schedule = housekeeper(house)
    changes = house.store.changes
    house.brain.score = path_of_scores(70.0)
    house.candles(2)
    keeper.round(parts_of(house), schedule)
    accounted = house.store.bot_state.get(ACCOUNTS_KEY)
    assert changes.unaccounted(0) == (0, accounted)
    assert accounted >= 1
    lost = Change(subject="BTC/USDT", reason=Reason.SCORE_JUMP, at=T0, before=50.0, after=60.0)
    first = changes.add(Verdict(change=lost), analysis_id=None, alert_id=None)
    changes.add(Verdict(change=lost, suppressed=Suppression.COOL_DOWN), analysis_id=None, alert_id=None)
    assert changes.unaccounted(accounted) == (1, first - 1)
    for _ in range(2):
        house.clock.advance(MINUTE)
        keeper.round(parts_of(house), schedule)
        assert house.store.bot_state.get(ACCOUNTS_KEY) == first - 1
    assert [alert.reasons for alert in house.book.open_conditions()] == [(Reason.ALERTS_UNACCOUNTED,)]


def test_a_healthy_house_has_no_condition(house):
    house.candles(3)
    assert conditions(house.scene()) == []


# The housekeeper around them.


def parts_of(house):
    """Parts as the composition root makes them, around the house's own."""
    settings = Settings.model_validate({"market": {"source": "simulated"}})
    made = assemble(settings, house.store, house.clock)
    made.close()
    own = {"feed": house.feed, "watch": house.watch, "couriers": house.couriers, "health": house.book}
    return replace(made, **own, source=house.feed.name, settle_ms=2_000)


def housekeeper(house):
    schedule = Scheduler(clock=house.clock, workers=1, on_good=lambda _: None, on_failed=lambda _: None)
    return Housekeeper(store=house.store, clock=house.clock), schedule


def test_a_round_expires_what_is_too_old_and_leaves_a_heartbeat(house):
    house.brain.score = lambda _: 70.0
    house.candles(1, deliver=False)
    keeper, schedule = housekeeper(house)
    assert keeper.round(parts_of(house), schedule) is False
    assert house.store.bot_state.get(SERVICE_KEY)["state"] == "ok"
    house.clock.advance(3 * STEP)
    assert keeper.round(parts_of(house), schedule) is True
    beat = house.store.bot_state.get(SERVICE_KEY)
    assert beat["state"] == "degraded"
    assert beat["wrong"][0].startswith("FEED_STALE BTC/USDT: the newest candle closed at")
    (market,) = [a for a in house.store.alerts.list() if a.subject == "BTC/USDT" and a.analysis]
    assert market.state is AlertState.EXPIRED
    assert [d.state for d in house.store.outbox.of_alert(market.id)] == [DeliveryState.EXPIRED]
    assert house.store.changes.conservation().missing == 0


def test_a_slow_round_is_a_late_cycle_and_the_next_good_one_ends_it(house):
    keeper, schedule = housekeeper(house)
    parts = parts_of(house)
    house.candles(1)
    keeper.after_cycle(parts, CycleReport(seconds=151.0))
    keeper.round(parts, schedule)
    assert house.book.open_conditions() == [], "the first round fills the history and may take longer"
    keeper.after_cycle(parts, CycleReport(seconds=151.0))
    keeper.round(parts, schedule)
    assert [a.reasons[0] for a in house.book.open_conditions()] == [Reason.CYCLE_LATE]
    keeper.after_cycle(parts, CycleReport(seconds=1.0))
    for _ in range(2):
        keeper.round(parts, schedule)
        house.clock.advance(MINUTE)
    assert house.book.open_conditions() == []


def test_the_status_line_says_degraded_and_simulated(house):
    keeper, schedule = housekeeper(house)
    house.candles(1)
    keeper.round(parts_of(house), schedule)
    assert keeper.status_line.startswith("ok | BTC/USDT NEUTRAL 50, newest candle 2025-")
    house.feed.simulated = True
    house.clock.advance(3 * STEP)
    keeper.round(parts_of(house), schedule)
    assert keeper.status_line.startswith("SIMULATED market, DEGRADED: FEED_STALE BTC/USDT |")


def test_after_a_restart_the_status_line_recalls_the_newest_analyses(house):
    house.candles(1)
    house.restart()
    keeper, schedule = housekeeper(house)
    keeper.round(parts_of(house), schedule)
    assert keeper.status_line.startswith("ok | BTC/USDT NEUTRAL 50, newest candle 2025-")
    house.feed.simulated = True
    keeper.round(parts_of(house), schedule)
    assert "no analysis yet" in keeper.status_line, "what a real market said is no news of a simulated one"
