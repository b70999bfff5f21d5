"""The indicators that layers share, each over a finite window, so that live and replay agree.

Everything that remembers without end in the textbooks (EMA, Wilder's averages) is cut where what is left out weighs
less than 1e-12, and renormalised. Arrays of shape (n,) in the instrument's own units unless said otherwise; NaN until
the window is full and where a formula has no value (a price that never moved). With `last` no more than that many
newest values are computed.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from hybridd.analysis.spreads import rolling_spread, weighted_spread
from hybridd.analysis.view import at_once
from hybridd.analysis.windows import (
    newest,
    ratio,
    recursive_mean,
    recursive_weights,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_sum,
)
from hybridd.model.candle import Candles, FloatArray

WILDER_WINDOW = 384
"""(13/14)³⁸⁴ = 4e-13: what a Wilder average of 14 leaves out."""
MACD_WINDOW = 384
SIGNAL_WINDOW = 128

# Two prices that differ by less than this share are the same price: a tick is a hundred times larger, rounding a
# million times smaller. Without it "equal" would depend on the unit that prices are quoted in.
SAME = 1e-9


def step(x: FloatArray, last: int | None = None) -> FloatArray:
    """How far each of the newest `last` values lies above the one before it; NaN for the first of all."""
    return _beside(np.subtract, x, x, last)


def ema(x: FloatArray, n: int, window: int = 0, last: int | None = None) -> FloatArray:
    """Exponential moving average, weight 2/(n+1), over `window` values (5n by default: 4.5e-5 left out)."""
    return recursive_mean(x, n, window or 5 * n, last)


def ema20(candles: Candles, last: int) -> FloatArray:
    """EMA(20) of the newest `last` closes."""
    return ema(candles.close, 20, last=last)


def ema50(candles: Candles, last: int) -> FloatArray:
    """EMA(50) of the newest `last` closes."""
    return ema(candles.close, 50, last=last)


def wilder(x: FloatArray, n: int = 14, window: int = WILDER_WINDOW, last: int | None = None) -> FloatArray:
    """Wilder's average, weight 1/n: J. W. Wilder, New Concepts in Technical Trading Systems (1978), p. 23."""
    return recursive_mean(x, 2 * n - 1, window, last)


def true_range(candles: Candles, last: int | None = None) -> FloatArray:
    """Wilder (1978), p. 21; NaN at the first candle, which has no close before it."""
    top = _beside(np.maximum, candles.high, candles.close, last)
    top -= _beside(np.minimum, candles.low, candles.close, last)
    return top


@at_once(300)
def atr(candles: Candles, last: int | None = None) -> FloatArray:
    """Average true range of 14, Wilder (1978), p. 23. First value at candle 384."""
    last = len(candles) if last is None else last
    return wilder(true_range(candles, last + WILDER_WINDOW), last=last)


def rsi(close: FloatArray, last: int | None = None) -> FloatArray:
    """Relative strength index of 14, 0 to 100, Wilder (1978), p. 65. First value at candle 384."""
    last = len(close) if last is None else last
    move = step(close, last + WILDER_WINDOW)
    rise = np.maximum(move, 0.0)
    up, down = wilder(rise, last=last), wilder(rise - move, last=last)
    return 100 * ratio(up, up + down)


def cutler_rsi(close: FloatArray, n: int = 14, last: int | None = None) -> FloatArray:
    """Cutler's RSI, 0 to 100: plain sums in place of Wilder's averages, so that n + 1 closes are all it needs."""
    last = len(close) if last is None else last
    move = step(close, last + n)
    rise = np.maximum(move, 0.0)
    up, down = rolling_sum(rise, n, last), rolling_sum(rise - move, n, last)
    return 100 * ratio(up, up + down)


def adx(candles: Candles, last: int | None = None) -> FloatArray:
    """Average directional index of 14, 0 to 100, Wilder (1978), p. 35–47. First value at candle 767."""
    last = len(candles) if last is None else last
    inner = min(last + WILDER_WINDOW, len(candles))
    reach = min(inner + WILDER_WINDOW, len(candles))
    up, down = step(candles.high, reach), -step(candles.low, reach)
    ahead, same = up - down, SAME * candles.close[len(candles) - reach :]
    # By a factor and not by a choice: the first candle, which has none before it, stays NaN.
    plus = wilder(np.maximum(up, 0.0) * (ahead > same), last=inner)
    minus = wilder(np.maximum(down, 0.0) * (-ahead > same), last=inner)
    return wilder(100 * ratio(np.abs(plus - minus), plus + minus), last=last)


def macd_histogram(close: FloatArray, last: int | None = None) -> FloatArray:
    """MACD(12, 26) less its signal line of 9: G. Appel (1979); T. Aspray (1986) for the histogram. From candle 510."""
    last, weights = len(close) if last is None else last, _histogram_weights()
    if last == 1 and len(close) >= len(weights):
        return np.array([(close[len(close) - len(weights) :] - close.item(-1)).dot(weights)])
    reach = min(last + SIGNAL_WINDOW, len(close))
    line = ema(close, 12, MACD_WINDOW, reach) - ema(close, 26, MACD_WINDOW, reach)
    return newest(line, last) - ema(line, 9, SIGNAL_WINDOW, last)


@cache
def _histogram_weights() -> FloatArray:
    """What each close weighs in the newest value of the histogram, oldest first, summing to 0."""
    line = recursive_weights(12, MACD_WINDOW) - recursive_weights(26, MACD_WINDOW)
    weights = -np.convolve(line, recursive_weights(9, SIGNAL_WINDOW))
    weights[-MACD_WINDOW:] += line
    return weights


def stochastic(
    candles: Candles, n: int = 14, slowing: int = 3, last: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Slow %K and its average %D, 0 to 100: G. Lane, "Lane's Stochastics" (1984). First %D at candle n + 3."""
    last = len(candles) if last is None else last
    reach = min(last + 2 * slowing, len(candles))
    low, high = rolling_min(candles.low, n, reach), rolling_max(candles.high, n, reach)
    fast = ratio(candles.close[len(candles) - reach :] - low, high - low)
    slow = rolling_mean(100 * fast, slowing, min(last + slowing, len(candles)))
    return newest(slow, last), rolling_mean(slow, slowing, last)


def squeeze(candles: Candles, n: int = 20, last: int | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middle (mean of n closes), width of Bollinger's bands (2σ) and of Keltner's channel (1.5 mean true ranges).

    J. Bollinger, Bollinger on Bollinger Bands (2001), ch. 8; the channel and the squeeze as in J. Carter, Mastering
    the Trade (2005), ch. 11: the bands inside the channel.
    """
    last = len(candles) if last is None else last
    middle, sigma = rolling_spread(candles.close, n, last)
    return middle, 2 * sigma, 1.5 * rolling_mean(true_range(candles, last + n), n, last)


def money_flow(candles: Candles, n: int = 20, last: int | None = None) -> FloatArray:
    """Chaikin money flow, −1 to 1: where in its range each candle closed, weighted by volume (M. Chaikin, 1980s)."""
    last = len(candles) if last is None else last
    since = max(0, len(candles) - last - n)
    high, low, volume = candles.high[since:], candles.low[since:], candles.volume[since:]
    span = high - low
    span[span <= 0] = np.inf
    flow = (2 * candles.close[since:] - high - low) / span * volume
    return ratio(rolling_sum(flow, n, last), rolling_sum(volume, n, last))


def money_flow_index(candles: Candles, n: int = 14, last: int | None = None) -> FloatArray:
    """MFI, 0 to 100: G. Quong and A. Soudack, Stocks & Commodities 7:3 (1989)."""
    last = len(candles) if last is None else last
    typical = typical_price(candles, last + n + 1)
    if last == 1 and len(candles) > n:
        return np.array([_money_flow_index_now(typical[-n - 1 :].tolist(), candles.volume[-n:].tolist())])
    move = step(typical)
    flow = typical * candles.volume[len(candles) - len(typical) :]
    flow[:1] = np.nan  # nothing lies before it
    same = SAME * typical
    up, down = rolling_sum(flow * (move > same), n, last), rolling_sum(flow * (-move > same), n, last)
    return 100 * ratio(up, up + down)


def _money_flow_index_now(typical: list[float], volume: list[float]) -> float:
    """`money_flow_index` of the candles of `volume`: arrays of fourteen cost more than numbers."""
    up = down = 0.0
    for before, now, amount in zip(typical, typical[1:], volume, strict=False):
        if now - before > SAME * now:
            up += now * amount
        elif before - now > SAME * now:
            down += now * amount
    return 100 * up / (up + down) if up + down > 0 else math.nan


def typical_price(candles: Candles, last: int | None = None) -> FloatArray:
    """(high + low + close) / 3."""
    since = 0 if last is None else max(0, len(candles) - last)
    total = candles.high[since:] + candles.low[since:]
    total += candles.close[since:]
    total /= 3
    return total


def obv_slope(candles: Candles, n: int = 50, last: int | None = None) -> FloatArray:
    """Slope of on-balance volume over its newest `n` values, in mean volumes a candle: about −1 to 1.

    J. Granville, New Key to Stock Market Profits (1963). The line is drawn afresh in each window, so what it was
    before does not count: it is the sum of the signed volumes in it.
    """
    last = len(candles) if last is None else last
    side = np.sign(step(candles.close, last + n))
    signed = side * candles.volume[len(candles) - len(side) :]
    return ratio(_slope_of_sum(signed, n, last), rolling_mean(candles.volume, n, last))


def _slope_of_sum(steps: FloatArray, n: int, last: int) -> FloatArray:
    """Least-squares slope of the running sum of the newest `n` steps."""
    if len(steps) < n:
        return np.full(last, np.nan)
    return newest(np.correlate(steps, _slope_weights(n)), last)


@cache
def _slope_weights(n: int) -> FloatArray:
    """What each of `n` steps weighs in the slope of their running sum, oldest first.

    Σ_t (t−t̄)·S_t with S_t = Σ_{s≤t} step_s is Σ_s step_s·Σ_{t≥s}(t−t̄), the inner sum being (a+1)(n−1−a)/2 for a
    step of age a.
    """
    age = np.arange(n - 1, -1, -1.0)
    return np.asarray((age + 1) * (n - 1 - age) / 2 / (n * (n * n - 1) / 12))


def vwap_distance(candles: Candles, n: int = 96, last: int | None = None) -> FloatArray:
    """How far the close lies above the rolling volume-weighted mean of typical prices, in its weighted σ."""
    last = len(candles) if last is None else last
    mean, sigma = weighted_spread(typical_price(candles, last + n), candles.volume, n, last)
    return ratio(newest(candles.close, last) - mean, sigma)


def _beside(join: Callable[..., FloatArray], x: FloatArray, before: FloatArray, last: int | None) -> FloatArray:
    """Each of the newest `last` of x joined with the value of `before` a candle earlier; NaN where there is none."""
    start = 0 if last is None else max(0, len(x) - last)
    if start:
        return join(x[start:], before[start - 1 : -1])
    out = np.empty(len(x))
    out[:1] = np.nan
    join(x[1:], before[:-1], out=out[1:])
    return out
