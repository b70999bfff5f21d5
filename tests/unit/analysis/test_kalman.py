"""The local linear trend filter against Kalman's recursions run one candle at a time."""

import numpy as np
import pytest

from hybridd.analysis.filters import ERRORS, MEMORY, NOISE, WINDOW, local_slope, trend_weights, weighted_sum
from hybridd.analysis.returns import log_change
from hybridd.model.candle import Candles
from tests.more_layers import alone, layer
from tests.recorded_candles import recorded

LEVEL, SLOPE = 1.0, 1 / MEMORY**2


def filtered(y: list[float], diffuse: float | None = None) -> tuple[float, float, float, float, float]:
    """Slope, its variance, the last one-step error, its variance and the level, by scalar recursions.

    Begun from the first two values or, with `diffuse`, at 0 with that variance.
    """
    if diffuse is None:
        level, slope, start = y[1], y[1] - y[0], 2
        a, b, d = NOISE, NOISE, 2 * NOISE + LEVEL + SLOPE
    else:
        level, slope, start = 0.0, 0.0, 0
        a, b, d = diffuse, 0.0, diffuse
    error = spread = float("nan")
    for value in y[start:]:
        level = level + slope
        a, b, d = a + 2 * b + d + LEVEL, b + d, d + SLOPE
        error, spread = value - level, a + NOISE
        gain_level, gain_slope = a / spread, b / spread
        level, slope = level + gain_level * error, slope + gain_slope * error
        a, b, d = a - gain_level * a, b - gain_level * b, d - gain_slope * b
    return slope, d, error, spread, level


def closes() -> np.ndarray:
    return recorded("BTC/USDT")[50_000:52_000].close


@pytest.mark.parametrize("i", [600, 601, 999, 1_500, 1_999])
def test_the_slope_is_the_filters_after_the_windows_prices(i):
    y = np.log(closes()[: i + 1])[-WINDOW:].tolist()
    slope, variance, _, _, _ = filtered(y)
    assert local_slope(log_change(closes()))[0][i] == pytest.approx(slope, rel=1e-9, abs=1e-15)
    assert trend_weights().slope_variance == pytest.approx(variance, rel=1e-12)


def test_the_start_from_two_values_is_the_limit_of_a_diffuse_one():
    y = (np.log(closes()[:WINDOW]) - np.log(closes()[0])).tolist()
    assert filtered(y)[0] == pytest.approx(filtered(y, diffuse=1e7)[0], rel=1e-5)


@pytest.mark.parametrize("i", [700, 1_999])
def test_the_standard_error_is_drawn_from_the_one_step_errors(i):
    y = np.log(closes()).tolist()
    squares = []
    for k in range(i - ERRORS + 1, i + 1):
        slope, _, _, _, level = filtered(y[k - WINDOW : k])
        squares.append((y[k] - level - slope) ** 2)
    _, variance, _, _, _ = filtered(y[i - WINDOW + 1 : i + 1])
    spread = filtered(y[i - WINDOW : i + 1])[3]
    expected = np.sqrt(variance * np.mean(squares) / spread)
    assert local_slope(log_change(closes()))[1][i] == pytest.approx(expected, rel=1e-6)


def test_the_z_value_of_a_market_without_slope_is_a_standard_normal():
    """A random walk with a slope and a noise of its own, as the model has them: errors are as large as said."""
    rng, n = np.random.default_rng(4), 60_000
    slope = np.cumsum(rng.normal(0, SLOPE**0.5, n))
    level = np.cumsum(slope + rng.normal(0, 1, n))
    y = 1e-6 * (level + rng.normal(0, NOISE**0.5, n))
    found, error = local_slope(np.diff(y, prepend=np.nan))
    z = (found - 1e-6 * slope)[WINDOW + ERRORS :: 100] / error[WINDOW + ERRORS :: 100]
    assert 0.9 < np.std(z) < 1.1


def test_a_weighted_sum_begins_with_the_newest():
    assert weighted_sum(np.array([1.0, 10.0, 100.0]), np.array([2.0, 3.0])).tolist()[1:] == [23.0, 230.0]
    assert np.isnan(weighted_sum(np.array([1.0]), np.array([2.0, 3.0]))).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_steady_climb_is_bullish_and_a_steady_fall_bearish(sign):
    noise = np.random.default_rng(5).normal(0, 0.0005, 1_500)
    close = 100 * np.exp(np.cumsum(sign * 0.0008 + noise))
    opened = 300_000 * np.arange(1_500, dtype=np.int64)
    market = alone("BTC/USDT", Candles(300_000, opened, close, close, close, close, np.ones(1_500)))
    value = layer("kalman").evaluate(market).values[-1]
    assert value > 65 if sign > 0 else value < 35
    assert "standard errors: " + ("climbs" if sign > 0 else "falls") in layer("kalman").explain(market, 1_499)
