"""The indicators that layers share, each over a finite window, so that live and replay agree.

Everything that remembers without end in the textbooks (EMA, Wilder's averages) is cut where what is left out weighs
less than 1e-12, and renormalised. Arrays of shape (n,) in the instrument's own units unless said otherwise; NaN until
the window is full and where a formula has no value (a price that never moved).
"""

import numpy as np

from hybridd.analysis.windows import (
    ewma,
    lagged,
    ratio,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_spread,
    rolling_sum,
    weighted_spread,
)
from hybridd.model.candle import Candles, FloatArray

WILDER_WINDOW = 384
"""(13/14)³⁸⁴ = 4e-13: what a Wilder average of 14 leaves out."""
MACD_WINDOW = 384
SIGNAL_WINDOW = 128

# Two prices that differ by less than this share are the same price: a tick is a hundred times larger, rounding a
# million times smaller. Without it "equal" would depend on the unit that prices are quoted in.
SAME = 1e-9


def ema(x: FloatArray, n: int, window: int = 0) -> FloatArray:
    """Exponential moving average, weight 2/(n+1), over `window` values (5n by default: 4.5e-5 left out)."""
    return ewma(x, 1 - 2 / (n + 1), window or 5 * n)


def wilder(x: FloatArray, n: int = 14, window: int = WILDER_WINDOW) -> FloatArray:
    """Wilder's average, weight 1/n: J. W. Wilder, New Concepts in Technical Trading Systems (1978), p. 23."""
    return ewma(x, 1 - 1 / n, window)


def true_range(candles: Candles) -> FloatArray:
    """Wilder (1978), p. 21; NaN at the first candle, which has no close before it."""
    before = lagged(candles.close, 1)
    return np.maximum(candles.high, before) - np.minimum(candles.low, before)


def atr(candles: Candles) -> FloatArray:
    """Average true range of 14, Wilder (1978), p. 23. First value at candle 384."""
    return wilder(true_range(candles))


def rsi(close: FloatArray) -> FloatArray:
    """Relative strength index of 14, 0 to 100, Wilder (1978), p. 65. First value at candle 384."""
    step = close - lagged(close, 1)
    up, down = wilder(np.maximum(step, 0.0)), wilder(np.maximum(-step, 0.0))
    return 100 * ratio(up, up + down)


def cutler_rsi(close: FloatArray, n: int = 14) -> FloatArray:
    """Cutler's RSI, 0 to 100: plain sums in place of Wilder's averages, so that n + 1 closes are all it needs."""
    step = close - lagged(close, 1)
    up, down = rolling_sum(np.maximum(step, 0.0), n), rolling_sum(np.maximum(-step, 0.0), n)
    return 100 * ratio(up, up + down)


def adx(candles: Candles) -> FloatArray:
    """Average directional index of 14, 0 to 100, Wilder (1978), p. 35–47. First value at candle 767."""
    up = candles.high - lagged(candles.high, 1)
    down = lagged(candles.low, 1) - candles.low
    same = SAME * candles.close
    # 0 * up and not 0: the first candle, which has none before it, stays NaN.
    plus = wilder(np.where((up - down > same) & (up > 0), up, 0 * up))
    minus = wilder(np.where((down - up > same) & (down > 0), down, 0 * down))
    return wilder(100 * ratio(np.abs(plus - minus), plus + minus))


def macd_histogram(close: FloatArray) -> FloatArray:
    """MACD(12, 26) less its signal line of 9: G. Appel (1979); T. Aspray (1986) for the histogram. From candle 510."""
    line = ema(close, 12, MACD_WINDOW) - ema(close, 26, MACD_WINDOW)
    return line - ema(line, 9, SIGNAL_WINDOW)


def stochastic(candles: Candles, n: int = 14, slowing: int = 3) -> tuple[FloatArray, FloatArray]:
    """Slow %K and its average %D, 0 to 100: G. Lane, "Lane's Stochastics" (1984). First %D at candle n + 3."""
    low, high = rolling_min(candles.low, n), rolling_max(candles.high, n)
    slow = rolling_mean(100 * ratio(candles.close - low, high - low), slowing)
    return slow, rolling_mean(slow, slowing)


def squeeze(candles: Candles, n: int = 20) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middle (mean of n closes), width of Bollinger's bands (2σ) and of Keltner's channel (1.5 mean true ranges).

    J. Bollinger, Bollinger on Bollinger Bands (2001), ch. 8; the channel and the squeeze as in J. Carter, Mastering
    the Trade (2005), ch. 11: the bands inside the channel.
    """
    middle, sigma = rolling_spread(candles.close, n)
    return middle, 2 * sigma, 1.5 * rolling_mean(true_range(candles), n)


def money_flow(candles: Candles, n: int = 20) -> FloatArray:
    """Chaikin money flow, −1 to 1: where in its range each candle closed, weighted by volume (M. Chaikin, 1980s)."""
    span = candles.high - candles.low
    place = ratio(2 * candles.close - candles.high - candles.low, span)
    flow = np.where(span > 0, place, 0.0) * candles.volume
    return ratio(rolling_sum(flow, n), rolling_sum(candles.volume, n))


def money_flow_index(candles: Candles, n: int = 14) -> FloatArray:
    """MFI, 0 to 100: G. Quong and A. Soudack, Stocks & Commodities 7:3 (1989)."""
    typical = typical_price(candles)
    step = typical - lagged(typical, 1)
    flow = typical * candles.volume + 0 * step  # 0 * keeps NaN
    same = SAME * typical
    up = rolling_sum(np.where(step > same, flow, 0 * flow), n)
    down = rolling_sum(np.where(step < -same, flow, 0 * flow), n)
    return 100 * ratio(up, up + down)


def typical_price(candles: Candles) -> FloatArray:
    """(high + low + close) / 3."""
    return (candles.high + candles.low + candles.close) / 3


def obv_slope(candles: Candles, n: int = 50) -> FloatArray:
    """Slope of on-balance volume over its newest `n` values, in mean volumes a candle: about −1 to 1.

    J. Granville, New Key to Stock Market Profits (1963). The line is drawn afresh in each window, so what it was
    before does not count: it is the sum of the signed volumes in it.
    """
    signed = np.sign(candles.close - lagged(candles.close, 1)) * candles.volume
    return ratio(_slope_of_sum(signed, n), rolling_mean(candles.volume, n))


def _slope_of_sum(step: FloatArray, n: int) -> FloatArray:
    """Least-squares slope of the running sum of the newest `n` steps.

    Σ_t (t−t̄)·S_t with S_t = Σ_{s≤t} step_s is Σ_s step_s·Σ_{t≥s}(t−t̄), the inner sum being (a+1)(n−1−a)/2 for a
    step of age a.
    """
    out = np.full(len(step), np.nan)
    if len(step) < n:
        return out
    total = np.zeros(len(step) - n + 1)
    for age in range(n):
        total += (age + 1) * (n - 1 - age) / 2 * step[n - 1 - age : len(step) - age]
    out[n - 1 :] = total / (n * (n * n - 1) / 12)
    return out


def vwap_distance(candles: Candles, n: int = 96) -> FloatArray:
    """How far the close lies above the rolling volume-weighted mean of typical prices, in its weighted σ."""
    mean, sigma = weighted_spread(typical_price(candles), candles.volume, n)
    return ratio(candles.close - mean, sigma)
