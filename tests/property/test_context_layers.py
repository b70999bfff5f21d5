"""What the layers of context keep: publication decides, live equals replay, no unit, a reason for silence."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.analysis.layers.cross_asset import CrossAsset
from hybridd.analysis.layers.derivatives import HISTORY as OF_DERIVATIVES
from hybridd.analysis.layers.derivatives import derivatives_layer
from hybridd.analysis.layers.macro import HISTORY as OF_MACRO
from hybridd.analysis.layers.macro import macro_layer
from hybridd.analysis.layers.sentiment import HISTORY as OF_SENTIMENT
from hybridd.analysis.layers.sentiment import sentiment_layer
from hybridd.analysis.scoring import up_to
from hybridd.model.candle import Candles
from hybridd.model.context import FEAR_GREED, FUNDING, IMBALANCE, MACRO, OPEN_INTEREST, ContextSeries
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Market
from hybridd.pipeline.calibration_file import load_shipped
from tests.recorded_candles import SYMBOLS, scaled, walk
from tests.recorded_context import CALIBRATION, informed_market, live_informed, part_of

LAYERS = (CrossAsset, derivatives_layer, sentiment_layer, macro_layer)
POINTS = 1e-6
DAY = 86_400_000

every_layer = pytest.mark.parametrize("make", LAYERS, ids=lambda make: make.__name__)


def assert_same(a, b):
    np.testing.assert_allclose(a, b, rtol=0, atol=POINTS, equal_nan=True)


def book(market: Market) -> ContextSeries:
    """An order-book imbalance at every close, as a daemon records it; no public history of it exists."""
    closed = market.candles.close_time
    seen = np.tanh(np.random.default_rng(8).normal(0, 0.4, len(closed)))
    return ContextSeries(IMBALANCE, closed - 700, closed - 500, seen, 2 * market.candles.step)


def full_market(symbol: str) -> Market:
    market = informed_market(symbol)
    return replace(market, context={**market.context, IMBALANCE: book(market)})


@every_layer
@pytest.mark.parametrize("symbol", ["BTC/USDT", "SOL/USDT"])
def test_live_equals_replay_with_context(make, symbol):
    """2,000 candles of each market and 400 values of each series say what a year of them says."""
    market, layer = full_market(symbol), make(CALIBRATION)
    whole = layer.evaluate(market)
    cuts = np.random.default_rng(5).integers(2_000, len(market.candles), 12).tolist()
    for i in [*cuts, len(market.candles) - 3_000, len(market.candles) - 1]:
        now = layer.evaluate(live_informed(market, i))
        assert now.abstain[-1] == whole.abstain[i]
        assert_same(now.values[-1], whole.values[i])


def test_live_equals_replay_where_a_benchmark_has_holes():
    """A third of its candles missing, and five days of them: what lies too far back for a daemon counts for nobody."""
    market = informed_market("SOL/USDT")
    bitcoin = market.benchmarks["BTC/USDT"]
    there = np.random.default_rng(6).uniform(size=len(bitcoin)) > 0.3
    there[50_000:51_500] = False
    holed = replace(market, benchmarks={"BTC/USDT": bitcoin.masked(there)})
    layer = CrossAsset(CALIBRATION)
    whole = layer.evaluate(holed)
    assert {Abstain.ANSWERS, Abstain.STALE, Abstain.WARM_UP} == set(whole.abstain.tolist())
    for i in [50_100, *range(51_400, 54_000, 150)]:
        now = layer.evaluate(live_informed(holed, i))
        assert now.abstain[-1] == whole.abstain[i]
        assert_same(now.values[-1], whole.values[i])


def torn_market() -> Market:
    """Every series has two weeks missing, the benchmarks a third of their candles and five days, the market a day."""
    market = full_market("SOL/USDT")
    clock, rng = market.candles.open_time, np.random.default_rng(6)
    context = {}
    for k, (name, one) in enumerate(market.context.items()):
        kept = (one.at < clock[50_000 + 300 * k]) | (one.at > clock[50_000 + 300 * k] + 14 * DAY)
        kept &= (one.at >= clock[30_000]) | (name in MACRO)
        context[name] = ContextSeries(name, one.at[kept], one.known_at[kept], one.values[kept], one.stale_after)
    benchmarks = {}
    for symbol, one in market.benchmarks.items():
        there = rng.uniform(size=len(one)) > 0.3
        there[52_500:54_000] = False
        benchmarks[symbol] = one.masked(there & (one.open_time >= clock[47_000]))
    own = np.ones(len(clock), dtype=np.bool_)
    own[51_000:51_288] = False
    return replace(market, candles=market.candles.masked(own), benchmarks=benchmarks, context=context)


@every_layer
@pytest.mark.parametrize("shape", ["as recorded", "torn"])
def test_asked_about_the_newest_candle_alone_a_layer_says_the_same(make, shape):
    """A live cycle asks about one candle, and several formulas take a shorter way to it."""
    market, layer = (full_market("BTC/USDT") if shape == "as recorded" else torn_market()), make(CALIBRATION)
    whole, met = layer.evaluate(market), set()
    for i in [*range(400, 47_000, 4_111), *range(47_000, 57_000, 97), len(market.candles) - 1]:
        now = layer.said(up_to(market, i))
        met.add(Abstain(now.abstain[0]))
        assert now.abstain[0] == whole.abstain[i]
        assert_same(now.values[0], whole.values[i])
    assert shape == "as recorded" or {Abstain.ANSWERS, Abstain.STALE} <= met


@pytest.mark.parametrize("history", [OF_DERIVATIVES, OF_SENTIMENT, OF_MACRO])
def test_no_series_is_asked_for_more_than_a_daemon_keeps(history):
    assert max(history.values()) <= 400


@every_layer
def test_nothing_published_later_than_a_candle_counts_for_it(make):
    """Every value that became public after the cut is replaced: up to the cut nothing changes, after it much does."""
    market, layer, cut = part_of(full_market("BTC/USDT"), 90_000, 95_000), make(CALIBRATION), 3_000
    now = int(market.candles.close_time[cut])
    other = replace(
        market,
        context={name: disturbed(series, now) for name, series in market.context.items()},
        benchmarks={symbol: shaken(candles, now) for symbol, candles in market.benchmarks.items()},
    )
    before, after = layer.evaluate(market), layer.evaluate(other)
    assert np.array_equal(before.values[: cut + 1], after.values[: cut + 1], equal_nan=True)
    assert np.array_equal(before.abstain[: cut + 1], after.abstain[: cut + 1])
    assert not np.array_equal(before.values[cut + 1 :], after.values[cut + 1 :], equal_nan=True)


def disturbed(series: ContextSeries, now: int) -> ContextSeries:
    noise = np.random.default_rng(2).uniform(0.3, 3.0, len(series))
    return replace(series, values=np.where(series.known_at > now, series.values * noise, series.values))


def shaken(c: Candles, now: int) -> Candles:
    factor = np.where(c.close_time > now, np.random.default_rng(4).uniform(0.5, 2.0, len(c)), 1.0)
    return Candles(c.step, c.open_time, *(x * factor for x in (c.open, c.high, c.low, c.close)), c.volume)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (derivatives_layer, FUNDING),
        (derivatives_layer, OPEN_INTEREST),
        (sentiment_layer, FEAR_GREED),
        (macro_layer, "vix"),
    ],
)
def test_a_value_published_later_is_known_later_whatever_day_it_describes(make, name):
    """The moment that a value describes stays, its publication moves by six hours: so does what is made of it."""
    whole = part_of(informed_market("BTC/USDT"), 91_000, 96_000)
    alone = replace(whole, context={name: whole.context[name]})
    series, late = alone.context[name], 6 * 3_600_000
    moved = ContextSeries(name, series.at, series.known_at + late, series.values, series.stale_after)
    layer = make(CALIBRATION)
    first = layer.raw(alone).values
    second = layer.raw(replace(alone, context={name: moved})).values
    published = int(series.known_at[np.searchsorted(series.known_at, whole.candles.close_time[3_000])])
    i = int(np.searchsorted(whole.candles.close_time, published))
    assert first[i - 1] != first[i]
    assert second[i + 71] != second[i + 72]
    if name != OPEN_INTEREST:  # which is seen against the price of the moment that it describes, in today's volatility
        assert np.array_equal(first[:-72], second[72:], equal_nan=True)


@every_layer
@pytest.mark.parametrize(("price", "volume"), [(1000.0, 1.0), (1 / 64, 10.0), (0.01, 0.1)])
def test_no_layer_has_a_unit_of_its_own(make, price, volume):
    market, layer = part_of(full_market("SOL/USDT"), 40_000, 46_000), make(CALIBRATION)
    other = replace(
        market,
        candles=scaled(market, price, volume).candles,
        benchmarks={s: scaled(replace(market, candles=c), price).candles for s, c in market.benchmarks.items()},
        context={
            name: replace(series, values=series.values * price) if name in (*MACRO, OPEN_INTEREST) else series
            for name, series in market.context.items()
        },
    )
    assert_same(layer.evaluate(market).values, layer.evaluate(other).values)


@every_layer
def test_without_its_inputs_a_layer_has_no_data_and_says_so(make):
    layer, candles = make(CALIBRATION), walk(1500)
    alone = Market(instrument=parse_instrument("SOL/USDT"), candles=candles)
    series = layer.evaluate(alone)
    assert series.abstain[-1] == Abstain.NO_DATA
    assert (series.abstain[layer.lookback - 1 :] == Abstain.NO_DATA).all()
    assert layer.explain(alone, 1499).startswith("has n")


@every_layer
@pytest.mark.parametrize("length", [0, 1, 2, 13, 300])
def test_a_short_history_is_no_error(make, length):
    layer = make(CALIBRATION)
    market = replace(part_of(full_market("BTC/USDT"), 0, length), higher={})
    series = layer.evaluate(market)
    assert series.values.shape == (length,)
    assert (series.abstain[: layer.lookback - 1] == Abstain.WARM_UP).all()
    if length:
        assert layer.explain(market, length - 1)


@every_layer
def test_a_series_that_stopped_is_stale_and_an_empty_one_is_absent(make):
    whole = part_of(full_market("BTC/USDT"), 60_000, 64_000)
    layer, stop = make(CALIBRATION), int(whole.candles.close_time[500])
    stopped = replace(
        whole,
        context={name: series.known_by(stop - 30 * DAY) for name, series in whole.context.items()},
        benchmarks={symbol: candles.closed_by(stop) for symbol, candles in whole.benchmarks.items()},
    )
    empty = replace(
        whole,
        context={name: series.known_by(0) for name, series in whole.context.items()},
        benchmarks={symbol: candles[:0] for symbol, candles in whole.benchmarks.items()},
    )
    assert layer.evaluate(stopped).abstain[-1] == Abstain.STALE
    assert layer.explain(stopped, 3_999) == "its newest data are too old"
    assert layer.evaluate(empty).abstain[-1] == Abstain.NO_DATA


@every_layer
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_each_layer_as_shipped_is_centred_and_spread_alike(make, symbol):
    values = make(load_shipped()).evaluate(informed_market(symbol)).values
    values = values[~np.isnan(values)]
    assert 45 < np.median(values) < 55
    assert 10 < 1.4826 * np.median(np.abs(values - np.median(values))) < 20


@every_layer
def test_each_layer_explains_itself_in_one_sentence(make):
    layer, market = make(CALIBRATION), full_market("BTC/USDT")
    for i in (50_000, 60_001, 96_000):
        reason = layer.explain(market, i)
        assert 10 < len(reason) < 200
        assert "\n" not in reason
        assert "nan" not in reason
        assert reason == layer.explain(live_informed(market, i), 1_999)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    jump=st.floats(1e-3, 1e3),
    missing=st.floats(0, 0.5),
    still=st.booleans(),
)
def test_values_stay_in_bounds_and_silence_has_a_reason(seed, jump, missing, still):
    rng = np.random.default_rng(seed)
    own, other = walk(1000, seed), walk(1000, seed + 1)
    other = other.masked(rng.uniform(size=1000) >= missing)
    made = {
        name: ContextSeries(
            name,
            own.open_time[0] + DAY * np.arange(-395, 5),
            own.open_time[0] + DAY * np.arange(-394, 6),
            np.full(400, 5.0) if still else np.where(np.arange(400) < 300, 1.0, jump) * rng.uniform(0.5, 1.5, 400),
            2 * DAY,
        )
        for name in (FUNDING, OPEN_INTEREST, FEAR_GREED, IMBALANCE, *MACRO)
    }
    market = Market(instrument=parse_instrument("SOL/USDT"), candles=own, benchmarks={"BTC/USDT": other}, context=made)
    for make in LAYERS:
        series = make(CALIBRATION).evaluate(market)
        known = series.values[~np.isnan(series.values)]
        assert ((known >= 0) & (known <= 100)).all()
        assert make(CALIBRATION).explain(market, 999)
