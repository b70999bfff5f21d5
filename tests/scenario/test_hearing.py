"""The watch itself: silences, stale feeds, flapping and stops touched unheard, candle by candle."""

import pytest

from hybridd.alerts.flapping import FlapRules
from hybridd.alerts.policy import PolicyRules
from hybridd.model.change import Reason, Suppression
from hybridd.model.silence import Silence
from tests.makers import STEP, T0, trade
from tests.unit.pipeline.house import House, Said, path_of_scores

HOUR = 3_600_000


@pytest.fixture
def open_house(tmp_path):
    opened = []

    def make(*scores, **changes):
        opened.append(House(tmp_path, brain=Said(path_of_scores(*scores)), **changes))
        return opened[-1]

    yield make
    for house in opened:
        assert house.store.changes.conservation().missing == 0
        house.close()


def reasons(alerts):
    return [reason.value for alert in alerts for reason in alert.reasons]


def silence(house, *, subject="", reason=None, lasts):
    now = house.clock.now()
    made = Silence(subject=subject, reason=reason, author="me", comment="", starts_at=now, ends_at=now + lasts)
    return house.store.silences.add(made, now)


def suppressed(house, subject="BTC/USDT"):
    return [
        (v.change.reason.value, v.suppressed, v.because) for v in house.store.changes.list(99, subject) if v.suppressed
    ]


def test_a_silence_holds_at_once_and_what_still_holds_is_told_at_its_end(open_house):
    house = open_house(50, 70)
    house.candles()
    number = silence(house, subject="BTC/USDT", lasts=3 * STEP)
    assert house.candles() == []
    assert ("SIGNAL_CHANGED", Suppression.SILENCED, f"silence {number}") in suppressed(house)
    house.restart()
    assert house.candles() == []
    (alert,) = house.candles()
    (change,) = [c for c in alert.changes if c.reason is Reason.SIGNAL_CHANGED]
    assert (change.before, change.after, change.deferred_from) == ("NEUTRAL", "LONG", T0 + 2 * STEP)
    told = house.store.changes.newest(Reason.SIGNAL_CHANGED, "BTC/USDT")
    assert (told.suppressed, told.judged_at) == (None, house.clock.now())


def test_what_does_not_hold_any_more_at_the_end_of_a_silence_is_not_told(open_house):
    house = open_house(50, 70, 50)
    house.candles()
    silence(house, lasts=3 * STEP)
    assert house.candles(5) == []
    assert house.watch._past["BTC/USDT"].memory.held == {}


def test_a_silence_that_somebody_ends_is_over_at_the_next_candle(open_house):
    house = open_house(50, 70)
    house.candles()
    number = silence(house, lasts=99 * STEP)
    assert house.candles() == []
    house.store.silences.end(number, house.clock.now(), "me")
    assert "SIGNAL_CHANGED" in reasons(house.candles())


def test_a_feed_that_lags_silences_its_market_and_no_other(open_house):
    house = open_house(50, 50, 70, symbols=("BTC/USDT", "ETH/USDT"))
    house.candles(2)
    house.feed.lag["BTC/USDT"] = 2 * STEP
    alerts = house.candles(3)
    assert {alert.subject for alert in alerts} == {"ETH/USDT"}
    assert ("SIGNAL_CHANGED", Suppression.INHIBITED, "") in suppressed(house)
    house.feed.lag.clear()
    (alert,) = house.candles()
    assert (alert.subject, alert.changes[0].reason) == ("BTC/USDT", Reason.SIGNAL_CHANGED)


def test_a_stop_touched_in_a_long_outage_is_told_by_the_first_candle_after_it(open_house):
    house = open_house(50)
    house.candles()
    candles = house.feed.markets["BTC/USDT"]
    start = int((candles.close_time <= house.clock.now()).sum())
    # The lowest point of the outage lies in candles that are too old to be told of when they come.
    outage = candles.low[start : start + 12]
    at = start + int(outage[:6].argmin())
    stop = float(outage[:6].min())
    trade_id = house.store.trades.open(trade(at=house.clock.now(), stop_price=stop))
    house.clock.advance(12 * STEP)
    house.restart()
    found = [c for alert in house.again() for c in alert.changes if c.reason is Reason.TRADE_STOP]
    assert [c.subject for c in found] == [f"trade {trade_id}"]
    assert found[0].deferred_from == int(candles.close_time[at])
    (message,) = [m for m in house.channel.sent if "stop" in m.title]
    assert "Touched at" in message.text
    house.restart()
    assert not [c for alert in house.candles(3) for c in alert.changes if c.reason is Reason.TRADE_STOP]


def test_a_signal_that_flaps_is_told_once_through_restarts_and_its_outcome_in_the_end(open_house):
    flapping = PolicyRules(cooldown_ms=0, flapping=FlapRules(turns=3, window_ms=12 * STEP, calm_ms=4 * STEP))
    house = open_house(*[50, 70] * 5, 70, policy=flapping)
    told = []
    for _ in range(16):
        told += [r for r in reasons(house.candles()) if r.startswith("SIGNAL")]
        house.restart()
    assert told == ["SIGNAL_CHANGED"] * 3 + ["SIGNAL_FLAPPING", "SIGNAL_CALM"]
    assert any(title.startswith("BTC/USDT is flapping, now") for title in house.titles())
    assert any(title.startswith("BTC/USDT has calmed down: still LONG 70") for title in house.titles())


def test_trouble_of_hybridds_own_is_silenced_only_by_name(open_house):
    house = open_house(50)
    house.candles()
    silence(house, lasts=HOUR)
    house.feed.lag["BTC/USDT"] = 99 * STEP
    house.candles(3)
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "begins")]


def test_trouble_that_is_silenced_leaves_one_row_and_is_told_when_the_silence_ends(open_house):
    house = open_house(50)
    house.candles()
    number = silence(house, subject="BTC/USDT", reason=Reason.FEED_STALE, lasts=HOUR)
    house.feed.lag["BTC/USDT"] = 999 * STEP
    house.candles(3)
    for _ in range(3):
        assert house.tick() == []
        house.restart()
    assert suppressed(house) == [("FEED_STALE", Suppression.SILENCED, f"silence {number}")]
    house.clock.advance(HOUR)
    assert house.tick() == [("FEED_STALE", "BTC/USDT", "begins")]
