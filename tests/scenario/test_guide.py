"""The guide's own story, candle by candle, through the pipeline, the state database and a channel."""

import pytest

from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.analysis import Signal
from hybridd.model.change import Severity
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.observe import Opinion, Origin, Past, Rules, observe
from hybridd.pipeline.past import recall
from hybridd.pipeline.record import Finding, record
from hybridd.store.store import open_store
from tests.makers import T0, trade

FRAME = parse_timeframe("5m")
ORIGIN = Origin(symbol="BTC/USDT", timeframe=FRAME, source="binance", simulated=False)
ROUTE = Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=("memory",)),))
RULES = Rules(routes=(ROUTE,))


class House:
    """The watch without its feed: scores in, messages out; `restart` forgets everything that is not in the database."""

    def __init__(self, path):
        self.clock, self.channel = ManualClock(T0), MemoryChannel()
        self.store = open_store(f"sqlite:///{path}", clock=self.clock)
        self.past, self.trades = None, ()
        self.restart()

    def restart(self):
        self.courier = Courier(store=self.store, channel=self.channel, clock=self.clock, zone="UTC")
        self.past = recall(self.store, "BTC/USDT", "5m") or Past()

    def candle(self, score, confidence=0.7, price=45_250.0, minutes=5):
        self.clock.advance(minutes * 60_000)
        opinion = Opinion(
            candle_close=self.clock.now(), price=price, high=price, low=price, score=score, confidence=confidence,
            agreeing=5, answered=6, layers=6, degraded=False,
        )  # fmt: skip
        observation, self.past = observe(self.past, opinion, ORIGIN, RULES, self.trades, self.clock.now())
        finding = Finding(
            symbol="BTC/USDT", timeframe="5m", fresh={}, quarantined=(), observations=(observation,), past=self.past,
            seen_close=opinion.candle_close,
        )  # fmt: skip
        alerts = record(self.store, [finding], RULES, {"memory": self.channel.recipients}, self.clock.now())
        self.courier.round(lambda: False)
        return [(alert.changes[0].reason.value, alert.analysis.signal.value) for alert in alerts]


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state.db")
    yield made
    made.store.close()


def test_from_62_and_64_to_75_the_signal_turns_long_and_somebody_is_told(house):
    assert house.candle(62) == []
    assert house.candle(64) == []
    assert house.candle(75) == [("SIGNAL_CHANGED", "LONG")]
    (message,) = house.channel.sent
    assert "BTC/USDT" in message.title
    assert "LONG" in message.title
    assert "75" in message.title
    assert "45,250" in message.title
    assert "NEUTRAL" in message.text


def test_the_night_55_58_82_wakes_the_person_once(house):
    told = [house.candle(score) for score in (55, 58, 82)]
    assert told == [[], [], [("SIGNAL_CHANGED", "LONG")]]
    assert len(house.channel.sent) == 1


def test_the_day_78_42_72_with_an_open_trade_holds_and_does_not_turn_against_it(house):
    house.candle(50)
    assert house.candle(78) == [("SIGNAL_CHANGED", "LONG")]
    house.trades = (trade(at=house.clock.now(), stop_price=40_000.0),)
    # 42 is no SHORT: the trade stays, the person hears that the signal has gone, and then that it is back.
    house.candle(42, minutes=20)
    assert house.past.state.signal is Signal.NEUTRAL
    house.candle(72, minutes=20)
    assert house.past.state.signal is Signal.LONG
    reasons = [reason for alert in house.store.alerts.list() for reason in alert.reasons]
    assert "TRADE_AGAINST" not in reasons
    assert "TRADE_STOP" not in reasons


def test_a_restart_while_the_signal_is_hot_neither_loses_nor_repeats_the_alert(house):
    house.candle(62)
    house.candle(75)
    house.restart()
    assert house.candle(76) == []
    assert len(house.channel.sent) == 1


def test_the_first_analysis_after_a_long_night_compares_with_the_last_one_stored(house):
    house.candle(62)
    house.restart()
    assert house.candle(75, minutes=9 * 60) == [("SIGNAL_CHANGED", "LONG")]
    (message,) = house.channel.sent
    assert "ago" in message.text


def test_flapping_is_told_once_and_its_end_is_not_lost(house):
    house.candle(50)
    assert house.candle(70) == [("SIGNAL_CHANGED", "LONG")]
    assert not any(reason == "SIGNAL_CHANGED" for reason, _ in house.candle(55))
    told = [house.candle(55) for _ in range(3)]
    assert ("SIGNAL_CHANGED", "NEUTRAL") in [item for sub in told for item in sub]


def test_every_change_is_told_suppressed_or_on_its_way(house):
    for score in (50, 70, 55, 70, 55, 30, 33, 70, 71, 0, 6):
        house.candle(score)
    sum_up = house.store.changes.conservation()
    assert sum_up.missing == 0
    assert sum_up.suppressed > 0
    assert sum_up.delivered > 0
    assert house.store.verify() == []
