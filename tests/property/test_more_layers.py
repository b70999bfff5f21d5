"""What structure, kalman, fractal, cycle and monte_carlo keep, whatever the market."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.model.candle import Candles
from hybridd.model.reading import Abstain, LayerSeries
from tests.more_layers import MORE, alone, layer
from tests.recorded_candles import live, recorded, recorded_market, scaled, walk

NAMES = tuple(MORE)
SOME = 24_000


@cache
def said(name: str, symbol: str) -> LayerSeries:
    return layer(name).evaluate(alone(symbol, recorded(symbol)))


def changed_after(c: Candles, cut: int) -> Candles:
    noise = np.where(np.arange(len(c)) > cut, np.random.default_rng(3).uniform(0.5, 2.0, len(c)), 1.0)
    return Candles(
        c.step, c.open_time, c.open * noise, c.high * noise, c.low * noise, c.close * noise, c.volume * noise
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symbol", ["BTC/USDT", "XRP/USDT"])
def test_live_equals_replay_to_the_last_digits(name, symbol):
    whole = said(name, symbol)
    for i in np.random.default_rng(11).integers(2_000, len(whole.values), 8).tolist():
        now = layer(name).evaluate(live(recorded_market(symbol), i))
        assert now.abstain[-1] == whole.abstain[i]
        np.testing.assert_allclose(now.values[-1], whole.values[i], rtol=0, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_lookback_is_all_that_a_value_rests_on(name):
    whole, n = said(name, "ETH/USDT"), layer(name).lookback
    for i in np.random.default_rng(12).integers(2_000, len(whole.values), 8).tolist():
        shortest = layer(name).evaluate(live(recorded_market("ETH/USDT"), i, history=n))
        assert shortest.abstain[-1] == whole.abstain[i]
        np.testing.assert_allclose(shortest.values[-1], whole.values[i], rtol=0, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_live_equals_replay_across_a_gap(name):
    c = recorded("ETH/USDT")[:6_000]
    holed = c.masked(np.r_[0:3_000, 3_037:4_100, 4_700:6_000])
    whole = layer(name).evaluate(alone("ETH/USDT", holed))
    for i in (2_990, 3_001, 3_300, 3_900, 4_063, 4_070, 4_500, len(holed) - 1):
        now = layer(name).evaluate(alone("ETH/USDT", holed[max(0, i - 1999) : i + 1]))
        assert now.abstain[-1] == whole.abstain[i]
        np.testing.assert_allclose(now.values[-1], whole.values[i], rtol=0, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", [2_400, 3_333, 4_501])
def test_nothing_sees_what_comes_after(name, cut):
    c = recorded("BTC/USDT")[20_000:25_000]
    before = layer(name).evaluate(alone("BTC/USDT", c))
    after = layer(name).evaluate(alone("BTC/USDT", changed_after(c, cut)))
    np.testing.assert_array_equal(before.values[: cut + 1], after.values[: cut + 1])
    assert not np.array_equal(before.values[cut + 1 :], after.values[cut + 1 :], equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("price", "volume"), [(1000.0, 1.0), (1 / 64, 10.0), (0.01, 0.1)])
@pytest.mark.parametrize("symbol", ["BNB/USDT", "XRP/USDT"])
def test_no_layer_has_a_unit_of_its_own(name, symbol, price, volume):
    market = alone(symbol, recorded(symbol)[40_000 : 40_000 + SOME])
    one, other = layer(name).evaluate(market), layer(name).evaluate(scaled(market, price, volume))
    np.testing.assert_allclose(one.values, other.values, rtol=0, atol=1e-6, equal_nan=True)
    assert np.array_equal(one.abstain, other.abstain)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT", "SOL/USDT"])
def test_every_layer_is_centred_and_spread_alike(name, symbol):
    values = said(name, symbol).values
    values = values[~np.isnan(values)]
    median = np.median(values)
    assert 45 < median < 55
    assert 10 < 1.4826 * np.median(np.abs(values - median)) < 20


@pytest.mark.parametrize("name", NAMES)
def test_a_price_that_never_moves_has_no_opinion(name):
    flat, opened = np.full(3000, 0.1 + 0.2), np.arange(3000, dtype=np.int64) * 300_000
    market = alone("BTC/USDT", Candles(300_000, opened, flat, flat, flat, flat, np.full(3000, 3.0)))
    series = layer(name).evaluate(market)
    assert np.isnan(series.values).all()
    assert series.abstain[-1] == Abstain.UNDEFINED
    assert layer(name).explain(market, 2999) == "price or volume did not move, so the formula has no value"


@pytest.mark.parametrize("name", NAMES)
def test_no_layer_here_needs_volume(name):
    c = walk(2000)
    without = Candles(c.step, c.open_time, c.open, c.high, c.low, c.close, np.zeros(2000))
    assert layer(name).evaluate(alone("BTC/USDT", without)).abstain[-1] in (Abstain.ANSWERS, Abstain.NOTHING_SEEN)


@pytest.mark.parametrize("length", [0, 1, 2, 13, 21, 40, 300])
@pytest.mark.parametrize("name", NAMES)
def test_a_short_history_is_a_warm_up_and_no_error(name, length):
    market = alone("BTC/USDT", walk(length))
    series = layer(name).evaluate(market)
    assert series.values.shape == (length,)
    assert (series.abstain[: min(length, layer(name).lookback - 1)] == Abstain.WARM_UP).all()
    if length:
        assert layer(name).explain(market, length - 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_answers_from_its_lookback_on(name):
    codes, lookback = said(name, "BTC/USDT").abstain, layer(name).lookback
    assert (codes[: lookback - 1] == Abstain.WARM_UP).all()
    assert (codes[lookback - 1 :] != Abstain.WARM_UP).all()
    assert lookback <= 2000


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_explains_itself_in_one_sentence_with_its_numbers(name):
    market = alone("BTC/USDT", recorded("BTC/USDT"))
    codes = said(name, "BTC/USDT").abstain
    silent, speaking = np.flatnonzero(codes == Abstain.NOTHING_SEEN), np.flatnonzero(codes == Abstain.ANSWERS)
    for i in [*speaking[[3, len(speaking) // 2, -1]].tolist(), *silent[:1].tolist()]:
        reason = layer(name).explain(market, i)
        assert 10 < len(reason) < 200
        assert "\n" not in reason
        assert "nan" not in reason
    assert any(sign.isdigit() for sign in layer(name).explain(market, int(speaking[-1])))
    assert "closed candles, has 101" in layer(name).explain(market, 100)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [60_000, 1_000, 3_600_000, 86_400_000])
def test_any_time_frame_will_do(name, step):
    series = layer(name).evaluate(alone("BTC/USDT", walk(2_000, step=step)))
    assert (series.abstain[layer(name).lookback :] % Abstain.NOTHING_SEEN == Abstain.ANSWERS).all()


@settings(max_examples=20, deadline=None)
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
    market = alone("BTC/USDT", Candles(c.step, opened, *prices, c.volume))
    for name in NAMES:
        series = layer(name).evaluate(market)
        known = series.values[~np.isnan(series.values)]
        assert ((known >= 0) & (known <= 100)).all()
        assert np.array_equal(np.isnan(series.values), series.abstain != Abstain.ANSWERS)
