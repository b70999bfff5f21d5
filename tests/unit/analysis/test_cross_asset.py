"""The cross-asset layer against slow, literal computation on recorded candles, and on markets whose answer is plain."""

from dataclasses import replace

import numpy as np
import pytest

from hybridd.analysis.benchmarks import LATE
from hybridd.analysis.layers.cross_asset import CrossAsset
from hybridd.analysis.pairs import LOOKBACK, REFRESH, SPAN, WINDOW, lead, paired, place, strength
from hybridd.analysis.tails import tails
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Abstain, Market
from tests.recorded_candles import recorded, walk
from tests.recorded_context import CALIBRATION, informed_market, part_of

LAYER = CrossAsset(CALIBRATION)
AT = (700, 1_111, 2_345, 2_999)


@pytest.fixture(scope="module")
def pair():
    """SOL beside BTC, with a tenth of BTC's candles missing."""
    bitcoin = recorded("BTC/USDT")[30_000:34_000]
    there = np.random.default_rng(9).uniform(size=4_000) > 0.1
    return paired(recorded("SOL/USDT")[30_000:34_000], bitcoin.masked(there))


def least_squares_rest(y, x):
    """What x and a constant do not explain of y."""
    design = np.column_stack([np.ones(len(x)), x])
    weights, *_ = np.linalg.lstsq(design, y, rcond=None)
    return y - design @ weights, weights


@pytest.mark.parametrize("t", AT)
def test_the_lead_is_the_partial_correlation_times_what_is_new(pair, t):
    def move(price, end):
        return price[end] - price[end - SPAN]

    ends = range(t - WINDOW + 1, t + 1)
    x = np.array([move(pair.other, s - SPAN) for s in ends])
    o = np.array([move(pair.own, s - SPAN) for s in ends])
    y = np.array([move(pair.own, s) for s in ends])
    rest_x, weights = least_squares_rest(x, o)
    rest_y, _ = least_squares_rest(y, o)
    r = float(np.corrcoef(rest_x, rest_y)[0, 1])
    new = (move(pair.other, t) - weights[0] - weights[1] * move(pair.own, t)) / rest_x.std()
    t_square = r * r * (WINDOW / SPAN) / (1 - r * r)
    assert lead(pair)[t] == pytest.approx(r * new * t_square / (1 + t_square), rel=1e-7)


@pytest.mark.parametrize("t", AT)
def test_tail_dependence_counts_the_extremes_that_both_share(pair, t):
    clock = (pair.open_time + pair.step) // (REFRESH * pair.step)
    s = t
    while clock[s - 1] == clock[s]:
        s -= 1
    mine, theirs = (np.diff(price[s - WINDOW : s + 1]) for price in (pair.own, pair.other))
    worst = [set(np.argsort(x, kind="stable")[:58].tolist()) for x in (mine, theirs)]
    best = [set(np.argsort(-x, kind="stable")[:58].tolist()) for x in (mine, theirs)]
    low, high = tails(pair)
    assert low[t] == pytest.approx(len(worst[0] & worst[1]) / 58, abs=0.02)  # ties at the edge count for both
    assert high[t] == pytest.approx(len(best[0] & best[1]) / 58, abs=0.02)


@pytest.mark.parametrize("t", AT)
def test_strength_and_place_are_distances_in_standard_deviations(pair, t):
    ratio = (pair.own - pair.other)[t - 287 : t + 1]
    assert strength(pair)[t] == pytest.approx((ratio[-1] - ratio.mean()) / ratio.std(), rel=1e-9)
    close = recorded("BTC/USDT").close[: t + 1]
    stands = [np.tanh((close[-1] - close[-n:].mean()) / close[-n:].std()) for n in (20, 50, 200)]
    assert place(recorded("BTC/USDT")[: t + 1])[-1] == pytest.approx(np.mean(stands), rel=1e-9)


@pytest.mark.parametrize("late", ["BTC/USDT", "ETH/USDT"])
def test_a_benchmark_that_is_late_silences_the_layer_and_one_that_is_gone_does_not(late):
    """What the others say without it is another opinion than the one that a replay will find there."""
    market = part_of(informed_market("SOL/USDT"), 30_000, 32_500)
    whole, n = LAYER.evaluate(market), len(market.candles)
    assert whole.abstain[-1] == Abstain.ANSWERS
    for behind in (1, LATE):
        seen = market.candles.close_time[n - 1 - behind]
        there = {name: c.closed_by(int(seen)) if name == late else c for name, c in market.benchmarks.items()}
        now = LAYER.evaluate(replace(market, benchmarks=there))
        assert now.abstain[-behind:].tolist() == [Abstain.STALE] * behind
        assert np.array_equal(now.values[:-behind], whole.values[:-behind], equal_nan=True)
    stopped = {name: c.closed_by(int(seen)) if name == late else c for name, c in market.benchmarks.items()}
    longer = replace(part_of(informed_market("SOL/USDT"), 30_000, 32_510), benchmarks=stopped)
    assert LAYER.evaluate(longer).abstain[-10:].tolist() == [Abstain.ANSWERS] * 10
    assert "too old" in LAYER.explain(longer, n - 1)


def test_the_windows_are_full_exactly_at_the_lookback(pair):
    for values in (lead(pair), strength(pair), *tails(pair)):
        assert not np.isnan(values[LOOKBACK - 1 :]).any()
    market = part_of(informed_market("SOL/USDT"), 30_000, 31_000)
    late = replace(market, benchmarks={"BTC/USDT": recorded("BTC/USDT")[30_000:31_000]})
    codes = LAYER.evaluate(late).abstain
    assert (codes[: LOOKBACK - 1] == Abstain.WARM_UP).all()
    assert (codes[LOOKBACK - 1 :] == Abstain.ANSWERS).all()


def led(lag: int, seed: int = 3, n: int = 1_500) -> tuple[Candles, Candles]:
    """A market that repeats the other one's moves `lag` candles later, with little noise of its own."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.002, n + lag)
    other, own = np.exp(np.cumsum(moves[lag:])), np.exp(np.cumsum(moves[:n] + rng.normal(0, 0.0003, n)))
    clock = walk(n).open_time
    return tuple(Candles(300_000, clock, c, c * 1.001, c * 0.999, c, np.ones(n)) for c in (own, other))


def test_a_market_that_follows_is_foretold_and_one_that_does_not_is_not():
    own, other = led(SPAN)
    pair = paired(own, other)
    told = lead(pair)[LOOKBACK:-SPAN]
    came = (pair.own[SPAN:] - pair.own[:-SPAN])[LOOKBACK:]
    assert np.corrcoef(told, came)[0, 1] > 0.8
    alone = lead(paired(walk(1_500, 1), walk(1_500, 2)))[LOOKBACK:]
    assert np.median(np.abs(alone)) < 0.1 < np.median(np.abs(told))


def test_a_market_is_no_benchmark_of_itself():
    bitcoin, ether = walk(1_500, 1), walk(1_500, 2)
    both = {"BTC/USDT": bitcoin, "ETH/USDT": ether}

    def evaluated(symbol, benchmarks):
        own = ether if symbol.startswith("ETH") else bitcoin
        market = Market(instrument=parse_instrument(symbol), candles=own, benchmarks=benchmarks)
        return LAYER.evaluate(market), LAYER.explain(market, 1_499)

    series, words = evaluated("BTC/USDT:USDT", both)
    assert np.array_equal(series.values, evaluated("BTC/USDT", {"ETH/USDT": ether})[0].values, equal_nan=True)
    assert words.startswith("ETH foretells")
    assert evaluated("BTC/USDT", {"BTC/USDT": bitcoin})[0].abstain[-1] == Abstain.NO_DATA
    assert evaluated("ETH/USDT", both)[1].startswith("BTC foretells")


def test_a_candle_that_the_benchmark_lacks_stays_without_it():
    own, other = walk(1_500, 1), walk(1_500, 2)
    market = Market(instrument=parse_instrument("SOL/USDT"), candles=own, benchmarks={"BTC/USDT": other})
    holed = replace(market, benchmarks={"BTC/USDT": other.masked(np.arange(1_500) != 1_200)})
    whole, less = LAYER.evaluate(market), LAYER.evaluate(holed)
    assert np.array_equal(whole.values[:1_200], less.values[:1_200], equal_nan=True)
    assert less.abstain[1_200] == Abstain.STALE
    assert less.abstain[1_201] == Abstain.ANSWERS


def test_a_price_that_never_moves_leaves_breadth_to_answer():
    own, other = walk(1_500), walk(1_500, 2)
    flat = Candles(own.step, own.open_time, *(np.full(1_500, 0.3) for _ in range(4)), own.volume)
    market = Market(instrument=parse_instrument("SOL/USDT"), candles=flat, benchmarks={"BTC/USDT": other})
    parts = LAYER.parts(market)
    assert np.isnan(parts["cross_asset.lead"]).all()
    assert np.isnan(parts["cross_asset.tails"]).all()
    assert not np.isnan(parts["cross_asset.breadth"][LOOKBACK:]).any()
    still = replace(market, benchmarks={"BTC/USDT": flat})
    assert LAYER.evaluate(still).abstain[-1] == Abstain.UNDEFINED


def test_another_time_frame_is_no_benchmark():
    hourly = walk(1_500, step=3_600_000)
    market = Market(instrument=parse_instrument("SOL/USDT"), candles=walk(1_500), benchmarks={"BTC/USDT": hourly})
    assert LAYER.evaluate(market).abstain[-1] == Abstain.NO_DATA


def test_too_few_shared_candles_are_said():
    own = walk(1_500)
    few = own.masked(np.arange(1_500) % 5 == 4)
    market = Market(instrument=parse_instrument("SOL/USDT"), candles=own, benchmarks={"BTC/USDT": few})
    parts = LAYER.parts(market)
    assert np.isnan(parts["cross_asset.strength"]).all()
    shortest = replace(market, benchmarks={"BTC/USDT": few[-150:]})
    assert LAYER.evaluate(shortest).abstain[-1] == Abstain.WARM_UP
    assert LAYER.explain(shortest, 1_499) == "shares too few candles with BTC, needs 624"
