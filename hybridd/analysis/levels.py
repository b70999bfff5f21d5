"""Price levels that many eyes watch: pivots of the period before, retracements, and the value area by volume."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hybridd.analysis.windows import lagged, ratio
from hybridd.model.candle import Candles, FloatArray, IntArray
from hybridd.model.timeframe import parse_timeframe

_PERIODS = tuple(parse_timeframe(text).ms for text in ("1m", "5m", "15m", "1h", "4h", "1d", "1w", "4w"))
_WEEK = parse_timeframe("1w").ms
LEAST_OF_PERIOD = 60
MOST_OF_PERIOD = 420
"""Candles in a pivot period: at least 60 where there is one so long, and never above 7 × 60."""

PROFILE = 288
EVERY = 12
ROWS = 48
AREA = 0.7
_WHOLE = 2.0**40
_CHUNK = 128  # windows at a time: what is at work stays in a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Pivots:
    """Classic pivots at each candle, shape (n,): `pivot`, and `spread` from first support to first resistance."""

    pivot: FloatArray
    spread: FloatArray


def pivots(candles: Candles) -> Pivots:
    """P = (H + L + C)/3, R1 = 2P − L, S1 = 2P − H of the period before, so R1 − S1 = H − L: the floor traders' pivots.

    As in J. Person, A Complete Guide to Technical Trading Tactics (2004), ch. 6. The period is cut by the calendar in
    UTC (days for candles of 5 to 15 minutes) and is the newest one before that has candles. NaN in the first.
    """
    n = len(candles)
    if not n:
        return Pivots(np.empty(0), np.empty(0))
    number = _period_number(candles)
    starts = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
    high = np.maximum.reduceat(candles.high, starts)
    low = np.minimum.reduceat(candles.low, starts)
    close = candles.close[np.r_[starts[1:], n] - 1]
    period = np.searchsorted(starts, np.arange(n), side="right") - 1

    def of_the_one_before(value: FloatArray) -> FloatArray:
        return lagged(value, 1)[period]

    return Pivots(of_the_one_before((high + low + close) / 3), of_the_one_before(high - low))


def _period_number(candles: Candles) -> IntArray:
    """Which period each candle opened in: of the shortest length that holds 60 candles, else of the longest."""
    step = candles.step
    lengths = [ms for ms in _PERIODS if ms % step == 0 and ms <= MOST_OF_PERIOD * step] or [LEAST_OF_PERIOD * step]
    length = next((ms for ms in lengths if ms >= LEAST_OF_PERIOD * step), lengths[-1])
    monday = parse_timeframe("1w").open_at(0) if length % _WEEK == 0 else 0
    return (candles.open_time - monday) // length


def retracement(close: FloatArray, high: FloatArray, low: FloatArray) -> FloatArray:
    """How much of the leg from low to high (prices) has been given back: 0 at the high, 1 at the low, shape (n,)."""
    return ratio(high - close, high - low)


@dataclass(frozen=True, slots=True, eq=False)
class ValueArea:
    """The prices between which 70 % of the volume was traded, at each candle, shape (n,)."""

    low: FloatArray
    high: FloatArray


def value_areas(candles: Candles) -> ValueArea:
    """The value area of 288 candles, drawn anew before each time that is a multiple of 12 candles.

    Each candle's volume is spread evenly over the rows (48 between the window's low and high) that its range touches.
    From the fullest row the area grows by the fuller of its two neighbours until it holds 70 %: J. Dalton, E. Jones
    and R. Dalton, Mind over Markets (1990), app. 1, a row at a time. Without any volume every candle counts the same,
    as time does in the original profile. NaN where 288 candles are not at hand and where price never moved.
    """
    n = len(candles)
    number = candles.open_time // (EVERY * candles.step)
    starts = np.flatnonzero(np.diff(number, prepend=-1) != 0)
    full = starts[starts >= PROFILE]
    if not len(full):
        return ValueArea(np.full(n, np.nan), np.full(n, np.nan))
    parts = [_histograms(candles, full[k : k + _CHUNK] - PROFILE) for k in range(0, len(full), _CHUNK)]
    bottom, height, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    first, last = _grown(counts)
    row = np.searchsorted(full, np.arange(n), side="right") - 1
    known = row >= 0

    def spread_out(edge: FloatArray) -> FloatArray:
        return np.where(known, edge[np.maximum(row, 0)], np.nan)

    height = np.where(height > 0, height, np.nan)
    return ValueArea(spread_out(bottom + first * height), spread_out(bottom + (last + 1) * height))


def _histograms(candles: Candles, begins: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lowest price and height of the rows, shape (m,), and volume by row, shape (m, 48), in 2⁻⁴⁰ of the whole."""
    high, low, volume = (sliding_window_view(x, PROFILE)[begins] for x in (candles.high, candles.low, candles.volume))
    bottom, top = low.min(axis=1), high.max(axis=1)
    height = (top - bottom) / ROWS
    unit = np.where(height > 0, height, 1.0)[:, None]
    # The small addition settles prices that lie on a row's edge, which whole ticks often do, in any unit of price.
    from_row = np.minimum((low - bottom[:, None]) / unit + 1e-6, ROWS - 1).astype(np.int64)
    to_row = np.minimum((high - bottom[:, None]) / unit + 1e-6, ROWS - 1).astype(np.int64)
    total = volume.sum(axis=1, keepdims=True)
    share = np.where(total > 0, volume / np.where(total > 0, total, 1.0), 1 / PROFILE)
    each = np.rint(share * (_WHOLE / (to_row - from_row + 1)))
    # Steps up and down, then their running sum. Whole numbers, so that an empty row is exactly empty.
    base = np.arange(len(begins))[:, None] * (ROWS + 1)
    steps = np.bincount((base + from_row).ravel(), each.ravel(), len(begins) * (ROWS + 1))
    steps -= np.bincount((base + to_row + 1).ravel(), each.ravel(), len(begins) * (ROWS + 1))
    return bottom, height, np.cumsum(steps.reshape(-1, ROWS + 1), axis=1)[:, :ROWS].astype(np.float64)


def _grown(counts: FloatArray) -> tuple[IntArray, IntArray]:
    """First and last row of each value area, shape (m,); of equal neighbours the upper one joins first."""
    padded = np.pad(counts, ((0, 0), (1, 1)), constant_values=-1)  # −1: no row there
    line = np.arange(len(counts))
    first = counts.argmax(axis=1)
    last = first.copy()
    held, wanted = counts[line, first], AREA * counts.sum(axis=1)
    for _ in range(ROWS - 1):
        growing = held < wanted
        if not growing.any():
            break
        above, below = padded[line, last + 2], padded[line, first]
        up, down = growing & (above >= below), growing & (above < below)
        held = held + np.where(up, above, np.where(down, below, 0))
        last, first = last + up, first - down
    return first, last
