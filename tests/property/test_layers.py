"""What every layer keeps, whatever the market: bounds, no look-ahead, live equals replay, no unit of its own."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.analysis.brain import Brain, Scores
from hybridd.analysis.registry import LAYERS, shipped_layers
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Market
from hybridd.pipeline.calibration_file import load_shipped
from tests.recorded_candles import SYMBOLS, recorded, recorded_market, replayed, scaled, walk
from tests.recorded_context import informed_market, live_informed

NAMES = tuple(LAYERS)
POINTS = 1e-6


@cache
def brain() -> Brain:
    calibration = load_shipped()
    return Brain(shipped_layers(calibration), calibration, {}, min_layers=4)


@cache
def scores_of(symbol: str) -> Scores:
    return brain().score_series(informed_market(symbol))


def layer(name):
    return LAYERS[name](load_shipped())


def assert_same(a, b):
    np.testing.assert_allclose(a, b, rtol=0, atol=POINTS, equal_nan=True)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "XRP/USDT"])
def test_live_equals_replay(symbol):
    """The last of 2,000 candles says what the same candle says in the whole history, each layer and the score."""
    market, whole = informed_market(symbol), scores_of(symbol)
    for i in np.random.default_rng(11).integers(2_000, len(whole), 25).tolist():
        now = brain().score_series(live_informed(market, i))
        assert_same(now.values[:, -1], whole.values[:, i])
        assert np.array_equal(now.abstain[:, -1], whole.abstain[:, i])
        assert_same(now.score[-1], whole.score[i])
        assert_same(now.confidence[-1], whole.confidence[i])


@pytest.mark.parametrize("symbol", ["BTC/USDT", "SOL/USDT"])
def test_asked_about_the_newest_candles_alone_the_layers_say_the_same_in_the_same_words(symbol):
    market, whole = informed_market(symbol), scores_of(symbol)
    for i, last in zip(np.random.default_rng(5).integers(2_000, len(whole), 9).tolist(), [1, 2, 37] * 3, strict=True):
        held = live_informed(market, i)
        now = brain().score_series(held, int(held.candles.close_time[-last - 1]))
        assert len(now) == last
        assert_same(now.values, whole.values[:, i + 1 - last : i + 1])
        assert np.array_equal(now.abstain, whole.abstain[:, i + 1 - last : i + 1])
        assert_same(now.score, whole.score[i + 1 - last : i + 1])
        words = [one.reason for one in brain().readings(held, now, -1)]
        assert words == [one.explain(market, i) for one in brain().layers]


def test_a_history_is_cut_into_pieces_that_leave_no_trace(monkeypatch):
    market = informed_market("ETH/USDT")
    market = replace(market, candles=market.candles[60_000:66_000])
    at_once = brain().score_series(market)
    monkeypatch.setattr("hybridd.analysis.brain.CHUNK", 1_777)
    in_pieces = brain().score_series(market)
    assert_same(in_pieces.values, at_once.values)
    assert np.array_equal(in_pieces.abstain, at_once.abstain)
    assert_same(in_pieces.score, at_once.score)
    assert_same(in_pieces.confidence, at_once.confidence)


def test_nothing_sees_what_comes_after():
    market = replayed("BTC/USDT", recorded("BTC/USDT")[20_000:26_000])
    rng, cut = np.random.default_rng(3), 4_500
    c = market.candles
    noise = np.where(np.arange(len(c)) > cut, rng.uniform(0.5, 2.0, len(c)), 1.0)
    prices = (c.open * noise, c.high * noise, c.low * noise, c.close * noise)
    other = replayed("BTC/USDT", Candles(c.step, c.open_time, *prices, c.volume * noise))
    before, after = brain().score_series(market), brain().score_series(other)
    assert np.array_equal(before.values[:, : cut + 1], after.values[:, : cut + 1], equal_nan=True)
    assert np.array_equal(before.score[: cut + 1], after.score[: cut + 1], equal_nan=True)
    assert not np.array_equal(before.score[cut + 1 :], after.score[cut + 1 :], equal_nan=True)


@pytest.mark.parametrize(("price", "volume"), [(1000.0, 1.0), (1 / 64, 1.0), (1.0, 10.0), (0.01, 0.1)])
@pytest.mark.parametrize("symbol", ["BTC/USDT", "XRP/USDT"])
def test_no_layer_has_a_unit_of_its_own(symbol, price, volume):
    market = replayed(symbol, recorded(symbol)[40_000:48_000])
    one, other = brain().score_series(market), brain().score_series(scaled(market, price, volume))
    assert_same(one.values, other.values)
    assert_same(one.score, other.score)


def test_no_tie_among_a_years_candles_is_decided_by_the_unit():
    """Whole ticks make sums equal now and then; on these candles a squeeze's two widths are."""
    plain = recorded_market("BNB/USDT")
    one, other = brain().score_series(plain), brain().score_series(scaled(plain, 1000.0))
    assert_same(one.values, other.values)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT"])
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_centred_and_spread_alike(name, symbol):
    scores = scores_of(symbol)
    values = scores.values[scores.names.index(name)]
    values = values[~np.isnan(values)]
    median = np.median(values)
    assert 45 < median < 55
    assert 10 < 1.4826 * np.median(np.abs(values - median)) < 20


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_score_is_strong_between_a_tenth_and_a_quarter_of_the_time(symbol):
    score = scores_of(symbol).score
    score = score[~np.isnan(score)]
    assert 0.10 < np.mean((score >= 65) | (score <= 35)) < 0.25
    assert np.mean(score >= 65) > 0.03
    assert np.mean(score <= 35) > 0.03


@pytest.mark.parametrize("name", NAMES)
def test_a_price_that_never_moves_has_no_opinion(name):
    flat = np.full(3000, 0.1 + 0.2)
    opened = np.arange(3000, dtype=np.int64) * 300_000
    market = replayed("BTC/USDT", Candles(300_000, opened, flat, flat, flat, flat, np.full(3000, 3.0)))
    assert np.isnan(layer(name).evaluate(market).values).all()


def test_without_volume_the_volume_layer_alone_is_silent():
    c = walk(2000)
    market = replayed("BTC/USDT", Candles(c.step, c.open_time, c.open, c.high, c.low, c.close, np.zeros(2000)))
    assert layer("volume").evaluate(market).abstain[-1] == Abstain.UNDEFINED
    assert layer("momentum").evaluate(market).abstain[-1] == Abstain.ANSWERS


@pytest.mark.parametrize("length", [0, 1, 2, 13, 40, 300])
@pytest.mark.parametrize("name", NAMES)
def test_a_short_history_is_a_warm_up_and_no_error(name, length):
    market = replayed("BTC/USDT", walk(length))
    series = layer(name).evaluate(market)
    early = series.abstain[: min(length, layer(name).lookback - 1)]
    assert series.values.shape == (length,)
    assert (early == Abstain.WARM_UP).all()
    if length:
        assert layer(name).explain(market, length - 1)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"timeframes"}))  # its lookback is in candles of other frames
def test_a_layer_answers_from_its_lookback_on(name):
    values = layer(name).evaluate(replayed("BTC/USDT", recorded("BTC/USDT")[:3000]))
    lookback = layer(name).lookback
    assert (values.abstain[: lookback - 1] == Abstain.WARM_UP).all()
    assert (values.abstain[lookback - 1 :] != Abstain.WARM_UP).all()
    assert lookback <= 2000


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    length=st.integers(0, 1400),
    jump=st.floats(1e-3, 1e3),
    still=st.booleans(),
    gap=st.integers(0, 500),
)
def test_scores_stay_in_bounds_and_say_why_not(seed, length, jump, still, gap):
    c = walk(length, seed)
    factor = np.where(np.arange(length) > length // 2, jump, 1.0)
    prices = [column * factor for column in (c.open, c.high, c.low, c.close)]
    if still:
        prices = [np.where(np.arange(length) % 400 < 200, 5.0, column) for column in prices]
    opened = c.open_time + np.where(np.arange(length) > length // 3, gap * c.step, 0)
    scores = brain().score_series(replayed("BTC/USDT", Candles(c.step, opened, *prices, c.volume)))
    assert not scores.failures
    known = scores.values[~np.isnan(scores.values)]
    assert ((known >= 0) & (known <= 100)).all()
    assert np.array_equal(np.isnan(scores.values), scores.abstain != Abstain.ANSWERS)
    assert ((scores.confidence >= 0) & (scores.confidence <= 1)).all()
    assert np.array_equal(np.isnan(scores.score), scores.answered == 0)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT"])
def test_frames_drawn_from_the_base_say_what_frames_of_their_own_say(symbol):
    """Replay resamples, live fetches: 15m and 1h as independently collected, 4h and 1d resampled from those."""
    base = recorded(symbol)
    drawn = informed_market(symbol)
    first, last = int(base.open_time[0]), base.last_close
    own = {"15m": recorded(symbol, "15m"), "1h": recorded(symbol, "1h")}
    own |= {name: replayed(symbol, own["1h"]).higher[name] for name in ("4h", "1d")}
    own = {name: c.since(first).closed_by(last) for name, c in own.items()}
    timeframes = layer("timeframes")
    one = timeframes.evaluate(drawn)
    other = timeframes.evaluate(Market(instrument=parse_instrument(symbol), candles=base, higher=own))
    assert len(own["15m"]) > 30_000
    assert_same(one.values, other.values)
