"""The watch: one analysis a candle, whatever fails in between, and nothing told twice."""

import numpy as np
import pytest

from hybridd.brains.external import ModuleBrain
from hybridd.errors import BrainError, FeedUnavailable, RateLimited, StoreBusy, StoreFull, UnknownSymbol
from hybridd.model.reading import Reading
from hybridd.pipeline.analyze import ExternalAnalyst
from tests.makers import STEP, T0
from tests.unit.pipeline.house import READY, TTL, WORDY, House, Said, path_of_scores

HOT = path_of_scores(50, 70, 70, 70, 50)
SPOKEN = (Reading(layer="trend", score=70.0, weight=1.0, reason="up"),)


@pytest.fixture
def house(tmp_path, request):
    made = House(tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()


def with_house(**changes):
    return pytest.mark.parametrize("house", [changes], indirect=True)


THREE = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def test_each_candle_gets_one_analysis_and_a_second_cycle_does_nothing(house):
    house.candles(5)
    asked = len(house.feed.asked)
    house.again()
    assert house.closes() == [T0 + k * STEP for k in range(1, 6)]
    assert len(house.feed.asked) == asked, "a cycle with nothing due asked the source"


@with_house(brain=Said(HOT))
def test_a_new_signal_is_told_once(house):
    house.candles(4)
    house.again()
    assert len(house.titles()) == 1
    assert "LONG" in house.titles()[0]


@with_house(brain=Said(path_of_scores(50.0, 80.0), readings=SPOKEN))
def test_an_alert_knows_what_each_layer_said_before(house):
    (alert,) = house.candles(2)
    assert [(r.layer, r.score, r.reason) for r in alert.before.readings] == [("trend", 70.0, "")]
    assert house.store.alerts.get(alert.id).before == alert.before


@with_house(brain=Said(HOT))
def test_a_short_outage_is_made_up_for_and_told(house):
    house.candles(1)
    house.clock.advance(2 * STEP)
    alerts = house.candles(0) + list(house.again())
    assert house.closes() == [T0 + k * STEP for k in (1, 2, 3)]
    assert [a.analysis.candle_close for a in alerts] == [T0 + 2 * STEP]
    assert not any(a.late for a in house.store.analyses.between("BTC/USDT", "5m", 0, 2**62))


@with_house(brain=Said(path_of_scores(50, 80, 20, *[50] * 17, 71)))
@pytest.mark.parametrize("restart", [False, True])
def test_a_long_outage_is_stored_marked_and_only_its_end_is_told(house, restart):
    house.candles(1)
    house.clock.advance(20 * STEP)
    if restart:
        house.restart()
    (alert,) = house.again()
    stored = house.store.analyses.between("BTC/USDT", "5m", 0, 2**62)
    assert [a.candle_close for a in stored] == [T0 + k * STEP for k in range(1, 22)]
    late = [a.candle_close for a in stored if a.late]
    assert late == [T0 + k * STEP for k in range(2, 18)]
    assert alert.analysis.candle_close == T0 + 21 * STEP
    assert len(house.titles()) == 1


@with_house(brain=Said(path_of_scores(50, *[70] * 60)))
@pytest.mark.parametrize("restart", [False, True])
def test_after_an_outage_the_newest_is_compared_with_the_one_before_it(house, restart):
    """The signal turned while nobody watched: the person still knows the old one, so the turn is news."""
    house.candles(1)
    house.clock.advance(30 * STEP)
    if restart:
        house.restart()
    (alert, *rest) = house.again()
    assert alert.before.candle_close == T0 + STEP
    assert (alert.before.signal, alert.analysis.signal) == ("NEUTRAL", "LONG")
    assert rest == []


@with_house(symbols=THREE)
@pytest.mark.parametrize(
    "error", [FeedUnavailable("down"), RateLimited("429", retry_after=600), UnknownSymbol("gone"), FeedUnavailable("x")]
)
def test_one_symbol_in_trouble_stops_no_other(house, error):
    house.feed.trouble["ETH/USDT"].extend([error] * 50)
    house.candles(3)
    assert house.closes("BTC/USDT") == house.closes("SOL/USDT") == [T0 + k * STEP for k in (1, 2, 3)]
    assert house.closes("ETH/USDT") == []
    assert house.watch.symbols["ETH/USDT"].feed_error is error


@with_house(symbols=THREE)
def test_a_symbol_that_recovers_catches_up_without_a_hole(house):
    house.candles(1)
    house.feed.trouble["ETH/USDT"].extend([FeedUnavailable("down")] * 2)
    house.candles(2)
    assert house.closes("ETH/USDT") == [T0 + STEP]
    house.clock.advance(61_000)
    house.again()
    assert house.closes("ETH/USDT") == [T0 + k * STEP for k in (1, 2, 3)]


@with_house(symbols=("BTC/USDT", "ETHH/USDT"))
def test_an_unknown_symbol_is_named_with_the_nearest_and_asked_for_once_an_hour(house):
    house.candles(3)
    error = house.watch.symbols["ETHH/USDT"].feed_error
    assert isinstance(error, UnknownSymbol)
    assert "did you mean ETH/USDT?" in str(error)
    assert len(house.closes()) == 3
    house.feed.markets["ETHH/USDT"] = house.feed.markets["ETH/USDT"]
    house.feed.trouble["ETHH/USDT"] = type(house.feed.trouble["ETH/USDT"])()
    house.candles(1)
    assert house.closes("ETHH/USDT") == []
    house.candles(12)
    assert house.closes("ETHH/USDT")[-1] == T0 + 16 * STEP


def test_a_rate_limited_symbol_is_left_alone_for_as_long_as_was_asked(house):
    house.feed.trouble["BTC/USDT"].append(RateLimited("429", retry_after=400.0))
    house.candles(1)
    asked = len(house.feed.asked)
    house.clock.advance(399_000)
    house.again()
    assert len(house.feed.asked) == asked
    house.clock.advance(2_000)
    house.again()
    assert house.closes() == [T0 + 2 * STEP]


@with_house(brain=Said(lambda _: None))
def test_a_market_nobody_can_speak_of_yet_does_not_spin(house):
    house.candles(1)
    asked = len(house.brain.asked)
    report = house.watch.cycle()
    assert report.waiting == ()
    assert len(house.brain.asked) == asked
    assert house.closes() == []


@with_house(brain=Said(lambda close: None if close == T0 + STEP else 50.0))
def test_the_first_analysis_is_of_the_newest_candle_even_if_nobody_could_speak_of_the_one_before(house):
    house.candles(3)
    assert house.closes() == [T0 + 2 * STEP, T0 + 3 * STEP]


def test_a_candle_that_is_late_is_waited_for_and_then_analysed(house):
    house.candles(1)
    house.feed.lag["BTC/USDT"] = 30_000
    house.clock.advance(STEP)
    assert house.watch.cycle().waiting == ("BTC/USDT",)
    house.clock.advance(30_000)
    assert house.watch.cycle().waiting == ()
    assert house.closes() == [T0 + STEP, T0 + 2 * STEP]


@with_house(brain=Said(HOT))
def test_a_revised_candle_gives_no_second_analysis_and_no_second_alert(house):
    house.candles(2)
    sent, closes = len(house.titles()), house.closes()
    house.feed.revise("BTC/USDT", READY, 777.0)
    house.restart()
    house.again()
    house.candles(1)
    assert house.closes() == [*closes, T0 + 3 * STEP]
    assert len(house.titles()) == sent
    stored = house.store.candles.load("BTC/USDT", "5m", STEP, 10)
    assert 777.0 in stored.close, "the correction is what the state holds"


@with_house(symbols=("BTC/USDT", "BTCUSDT"), brain=Said(HOT))
def test_two_names_of_one_market_are_one(house):
    house.candles(4)
    assert house.closes() == [T0 + k * STEP for k in range(1, 5)]
    assert len(house.titles()) == 1
    assert house.watch.cycle().waiting == ()


def unsaved(house):
    """Candles that the source has printed and the state does not hold."""
    held = house.store.candles.load("BTC/USDT", "5m", STEP, 10_000).open_time
    market = house.feed.markets["BTC/USDT"].closed_by(house.clock.now())
    return int(np.sum(~np.isin(market.open_time[-READY:], held)))


@with_house(brain=Said(HOT))
def test_a_locked_state_loses_nothing(house):
    house.candles(1)
    house.clock.advance(STEP)
    with house.locked(), pytest.raises(StoreBusy):
        house.watch.cycle()
    assert house.closes() == [T0 + STEP]
    house.again()
    assert house.closes() == [T0 + STEP, T0 + 2 * STEP]
    assert len(house.titles()) == 1
    assert unsaved(house) == 0, "a candle came while the state was locked, and is a hole in it now"


@with_house(brain=Said(HOT, readings=WORDY))
def test_a_full_disk_loses_nothing(house):
    house.candles(1)
    house.clock.advance(STEP)
    with house.full():
        for _ in range(3):
            with pytest.raises(StoreFull):
                house.watch.cycle()
    house.again()
    assert house.closes() == [T0 + STEP, T0 + 2 * STEP]
    assert len(house.titles()) == 1
    assert unsaved(house) == 0
    assert house.store.verify() == []
    assert house.store.changes.conservation().missing == 0


@with_house(brain=Said(readings=WORDY))
def test_what_a_full_disk_refused_does_not_hide_the_market_from_a_restart(house):
    house.candles(2)
    with house.full():
        for _ in range(4):
            house.clock.advance(STEP)
            with pytest.raises(StoreFull):
                house.watch.cycle()
    house.again()
    house.restart()
    house.candles(1)
    kept = house.collector._keeper.update(house.feed.instrument("BTC/USDT"), house.frame).candles
    assert np.all(np.diff(kept.open_time) == STEP), "the market of after the restart has a hole"


class Treacherous:
    """A transaction that is committed and then says that it was not, once."""

    def __init__(self, store):
        self.store, self.inner, self.left = store, store.transaction, 1

    def __call__(self):
        from contextlib import contextmanager

        @contextmanager
        def lying():
            with self.inner():
                yield
            if self.left:
                self.left -= 1
                raise StoreBusy("the state is locked")

        return lying()


@with_house(brain=Said(path_of_scores(50, 70, 70, 70, 70)))
def test_a_commit_that_came_through_after_all_is_not_worked_on_twice(house):
    """With `confirm` 3 a doubled analysis would confirm the signal one candle early."""
    from dataclasses import replace

    house.rules = replace(house.rules, signal=replace(house.rules.signal, confirm=3))
    house.reload()
    house.candles(1)
    house.store.transaction = Treacherous(house.store)
    house.clock.advance(STEP)
    with pytest.raises(StoreBusy):
        house.watch.cycle()
    house.again()
    house.candles(2)
    signals = [a.signal.value for a in house.store.analyses.between("BTC/USDT", "5m", 0, 2**62)]
    assert signals == ["NEUTRAL", "NEUTRAL", "NEUTRAL", "LONG"]
    assert len(house.closes()) == 4


@with_house(brain=Said(HOT))
def test_a_crash_right_after_the_commit_doubles_nothing(house):
    house.candles(2, deliver=False)
    house.restart()
    house.again()
    house.restart()
    house.again()
    assert house.closes() == [T0 + STEP, T0 + 2 * STEP]
    assert len(house.titles()) == 1


BROKEN = "the function is broken"


def mood(symbol, timeframe, candles):
    """A brain of the person's own."""
    if MOOD["broken"]:
        raise ValueError(BROKEN)
    return {"final_score": 70.0, "signal": "LONG", "confidence": 0.7, "layers": {}}


MOOD = {"broken": False}


@pytest.fixture
def outside(tmp_path):
    made = House(tmp_path, brain=ExternalAnalyst(ModuleBrain("tests.unit.pipeline.test_watch:mood"), "5m"))
    made.mood = __import__("tests.unit.pipeline.test_watch", fromlist=["MOOD"]).MOOD
    made.mood["broken"] = False
    made.candles(1)
    made.mood["broken"] = True
    yield made
    made.close()


def test_a_brain_that_fails_gives_no_score_and_is_told_of(outside):
    outside.candles(1)
    assert outside.closes() == [T0 + STEP]
    assert isinstance(outside.watch.symbols["BTC/USDT"].brain_error, BrainError)
    assert outside.tick() == [("BRAIN_FAILED", "BTC/USDT", "begins")]
    assert outside.tick() == []


def test_a_brain_that_recovers_catches_up_and_its_end_of_trouble_is_told(outside):
    outside.candles(2)
    outside.tick()
    outside.mood["broken"] = False
    outside.candles(1)
    assert outside.closes() == [T0 + k * STEP for k in (1, 2, 3, 4)]
    assert outside.tick() == [("BRAIN_FAILED", "BTC/USDT", "is over")]


def test_a_brain_that_failed_is_asked_again_before_the_next_candle(outside):
    outside.candles(1)
    assert outside.watch.cycle().waiting == ("BTC/USDT",)
    outside.mood["broken"] = False
    outside.clock.advance(6_000)
    assert outside.watch.cycle().waiting == ()
    assert outside.closes() == [T0 + STEP, T0 + 2 * STEP]
    assert outside.watch.symbols["BTC/USDT"].brain_error is None


def test_a_brain_that_goes_on_failing_is_asked_ever_more_rarely(tmp_path):
    house = House(tmp_path, brain=Said(cheap=False))
    house.brain.errors.extend([BrainError("no")] * 1000)
    house.candles(1)
    for _ in range(250):
        house.clock.advance(1_000)
        house.again()
    tries = 1000 - len(house.brain.errors)
    house.close()
    assert 4 <= tries <= 20


def test_an_old_failure_of_the_brain_is_not_over_because_nobody_asked_again(tmp_path):
    hour = __import__("hybridd.model.timeframe", fromlist=["parse_timeframe"]).parse_timeframe("1h")
    house = House(tmp_path, brain=Said(cheap=False), frame=hour)
    house.brain.errors.extend([BrainError("no")] * 1000)
    house.clock.set(hour.open_at(T0))
    house.candles(1)
    assert house.tick() == [("BRAIN_FAILED", "BTC/USDT", "begins")]
    house.clock.advance(TTL + 60_000)
    house.again()
    house.feed.lag["BTC/USDT"] = 600_000
    house.clock.advance(hour.ms - TTL)
    house.again()
    assert house.tick() == []
    house.close()


def test_a_layered_brain_that_breaks_on_one_symbol_breaks_no_other_batch(tmp_path):
    """An error that is nobody's on purpose is raised at the end of the round, when the others have had their turn."""
    house = House(tmp_path, symbols=THREE)
    house.feed.trouble["ETH/USDT"].extend([ZeroDivisionError("a defect")] * 2)
    house.clock.advance(STEP)
    with pytest.raises(ZeroDivisionError):
        house.watch.cycle()
    assert house.closes("BTC/USDT") == house.closes("SOL/USDT") == [T0 + STEP]
    house.close()
