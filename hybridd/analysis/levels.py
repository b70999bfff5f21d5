"""Price levels that many eyes watch: pivots of the period before, retracements, and the value area by volume."""

from functools import cache

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from hybridd.analysis.recall import recalled
from hybridd.analysis.windows import lagged, newest, ratio, rolling_max, rolling_min, rolling_sum
from hybridd.model.candle import Candles, FloatArray, IntArray
from hybridd.model.timeframe import parse_timeframe

_PERIODS = tuple(parse_timeframe(text).ms for text in ("1m", "5m", "15m", "1h", "4h", "1d", "1w", "4w"))
_WEEK = parse_timeframe("1w").ms
LEAST_OF_PERIOD = 60
MOST_OF_PERIOD = 420
"""Candles in a pivot period: at least 60 where there is one so long, and never above 7 × 60."""

PROFILE = 288
EVERY = 12
BRACKET = 6
ROWS = 48
AREA = 0.7
_WHOLE = 2.0**40


class Pivots(Struct, frozen=True, eq=False):
    """Classic pivots at each candle, shape (n,): `pivot`, and `spread` from first support to first resistance."""

    pivot: FloatArray
    spread: FloatArray


def pivots(candles: Candles, last: int | None = None) -> Pivots:
    """P = (H + L + C)/3, R1 = 2P − L, S1 = 2P − H of the period before, so R1 − S1 = H − L: the floor traders' pivots.

    As in J. Person, A Complete Guide to Technical Trading Tactics (2004), ch. 6. The period is cut by the calendar in
    UTC (days for candles of 5 to 15 minutes) and is the newest one before that has candles. NaN in the first.
    """
    n = len(candles)
    last = n if last is None else last
    candles = candles[max(0, n - last - 2 * MOST_OF_PERIOD) :]
    if last == 1:
        return _pivots_now(candles)
    n = len(candles)
    if not n:
        return Pivots(np.empty(0), np.empty(0))
    number = _period_number(candles)
    starts = np.append(0, np.flatnonzero(number[1:] != number[:-1]) + 1)
    ends = np.append(starts[1:], n)
    high, low = np.maximum.reduceat(candles.high, starts), np.minimum.reduceat(candles.low, starts)

    def of_the_one_before(value: FloatArray) -> FloatArray:
        return np.repeat(lagged(value, 1), ends - starts)[n - last :]

    return Pivots(of_the_one_before((high + low + candles.close[ends - 1]) / 3), of_the_one_before(high - low))


def _pivots_now(candles: Candles) -> Pivots:
    """Those of the newest candle."""
    (length, begin), opened = _period(candles.step), candles.open_time
    end = int(opened.searchsorted(begin + (int(opened[-1]) - begin) // length * length))
    if not end:
        return Pivots(np.full(1, np.nan), np.full(1, np.nan))
    start = int(opened.searchsorted(begin + (int(opened[end - 1]) - begin) // length * length))
    high, low = np.maximum.reduce(candles.high[start:end]), np.minimum.reduce(candles.low[start:end])
    return Pivots(np.array([(high + low + candles.close[end - 1]) / 3]), np.array([high - low]))


def _period_number(candles: Candles) -> IntArray:
    """Which period each candle opened in."""
    length, begin = _period(candles.step)
    return (candles.open_time - begin) // length


@cache
def _period(step: int) -> tuple[int, int]:
    """Length (ms) and a beginning of the periods: the shortest that holds 60 candles, else the longest."""
    lengths = [ms for ms in _PERIODS if ms % step == 0 and ms <= MOST_OF_PERIOD * step] or [LEAST_OF_PERIOD * step]
    length = next((ms for ms in lengths if ms >= LEAST_OF_PERIOD * step), lengths[-1])
    return length, parse_timeframe("1w").open_at(0) if length % _WEEK == 0 else 0


def retracement(close: FloatArray, high: FloatArray, low: FloatArray) -> FloatArray:
    """How much of the leg from low to high (prices) has been given back: 0 at the high, 1 at the low, shape (n,)."""
    return ratio(high - close, high - low)


class ValueArea(Struct, frozen=True, eq=False):
    """The prices between which 70 % of the volume was traded, at each candle, shape (n,)."""

    low: FloatArray
    high: FloatArray


def value_areas(candles: Candles, last: int | None = None) -> ValueArea:
    """The value area of 288 candles, drawn anew before each time that is a multiple of 12 candles.

    The volume of each bracket of 6 candles (half an hour of those of 5 minutes, as in the original) is spread evenly
    over the rows (48 between the window's low and high) that its range touches. From the fullest row the area grows by
    the fuller of its two neighbours until it holds 70 %: J. Dalton, E. Jones and R. Dalton, Mind over Markets (1990),
    app. 1, a row at a time. Without any volume every bracket counts the same, as time does in the original profile.
    NaN where 288 candles are not at hand and where price never moved.
    """
    last = len(candles) if last is None else last
    reach = min(len(candles), last + PROFILE + EVERY)
    if last == 1 and reach:
        return _value_area_now(candles)
    candles = candles[len(candles) - reach :]
    number = candles.open_time // (EVERY * candles.step)
    starts = np.flatnonzero(number[1:] != number[:-1]) + 1
    full = starts[int(np.searchsorted(starts, PROFILE)) :]
    full = full[max(0, int(np.searchsorted(full, reach - last, side="right")) - 1) :]
    if not len(full):
        return ValueArea(np.full(last, np.nan), np.full(last, np.nan))
    first, edges = max(int(full[0]), reach - last), _areas(candles.high, candles.low, candles.volume, full - PROFILE)
    held = np.append(full[1:], reach) - np.maximum(full, first)

    def spread_out(edge: FloatArray) -> FloatArray:
        return newest(np.repeat(edge, held), last)

    return ValueArea(spread_out(edges[0]), spread_out(edges[1]))


def _value_area_now(candles: Candles) -> ValueArea:
    """That of the newest candle: drawn at most 12 candles ago, of the 288 before."""
    opened, period = candles.open_time, EVERY * candles.step
    end = int(opened.searchsorted(int(opened[-1]) // period * period))
    if end < PROFILE:
        return ValueArea(np.array([np.nan]), np.array([np.nan]))
    columns = (x[end - PROFILE : end] for x in (candles.high, candles.low, candles.volume))
    return ValueArea(*(np.array([edge]) for edge in recalled(_area, *columns)))


def _area(high: FloatArray, low: FloatArray, volume: FloatArray) -> tuple[float, float]:
    """Lowest and highest price of the value area of one window."""
    bottom, top = _areas(high, low, volume, np.zeros(1, dtype=np.int64))
    return bottom.item(0), top.item(0)


def _areas(high: FloatArray, low: FloatArray, volume: FloatArray, begins: IntArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest price of the value area of each window, shape (m,)."""
    # Brackets in lines, windows in columns, here and below: what is summed or compared then lies side by side.
    ends = begins + BRACKET * np.arange(1, PROFILE // BRACKET + 1)[:, None] - 1
    high, low, volume = (
        rolling_max(high, BRACKET)[ends],
        rolling_min(low, BRACKET)[ends],
        rolling_sum(volume, BRACKET)[ends],
    )
    bottom, top = np.minimum.reduce(low), np.maximum.reduce(high)
    height = (top - bottom) / ROWS
    height[height <= 0] = np.nan
    rows = _rows(low, bottom, height), _rows(high, bottom, height)
    first, beyond = _grown(_histograms(*rows, volume))
    return bottom + first * height, bottom + beyond * height


def _rows(price: FloatArray, bottom: FloatArray, height: FloatArray) -> IntArray:
    """The row that each price of a window lies in, shape (brackets, m)."""
    place = price - bottom
    place /= np.where(height > 0, height, 1.0)
    # The small addition settles prices that lie on a row's edge, which whole ticks often do, in any unit of price.
    place += 1e-6
    return np.minimum(place, ROWS - 1, out=place).astype(np.int64)


def _histograms(from_row: IntArray, to_row: IntArray, volume: FloatArray) -> FloatArray:
    """Volume by row, shape (48, m), in 2⁻⁴⁰ of the whole: whole numbers, so that an empty row is exactly empty."""
    total = np.add.reduce(volume)
    each = volume / np.where(total > 0, total, 1.0)
    each[:, total <= 0] = 1 / len(each)
    each *= _WHOLE
    each /= to_row - from_row + 1
    each = np.rint(each, out=each).ravel()
    # Steps up and down, then their running sum.
    steps = _by_place(from_row, each)
    steps[1:] -= _by_place(to_row, each)[:-1]
    for row in range(1, ROWS):
        steps[row] += steps[row - 1]
    return steps


def _by_place(row: IntArray, each: FloatArray) -> FloatArray:
    """What the brackets of each window amount to by row, shape (48, m)."""
    m = row.shape[1]
    place = row * m
    place += np.arange(m)
    return np.bincount(place.ravel(), each, ROWS * m).astype(np.float64, copy=False).reshape(ROWS, m)


def _grown(counts: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row of each area and the one beyond its last, shape (m,); of equal neighbours the upper one joins first."""
    if counts.shape[1] == 1:
        first, beyond = _grown_alone(counts[:, 0].tolist())
        return np.array([first]), np.array([beyond])
    padded = np.full((counts.shape[1], ROWS + 2), -1.0)  # −1: no row there
    padded[:, 1:-1] = counts.T
    flat, line = padded.ravel(), np.arange(len(padded)) * (ROWS + 2)
    below = line + padded.argmax(axis=1) - 1  # the places in `flat` just outside the area
    above = below + 2
    missing = AREA * np.add.reduce(counts) - flat[below + 1]
    lower, upper = np.empty(len(line)), np.empty(len(line))
    # All take each step, those that have grown enough without moving: to pick the others out costs more.
    while (growing := missing > 0).any():
        flat.take(below, out=lower, mode="clip")  # "clip" for its speed: no place is outside
        flat.take(above, out=upper, mode="clip")
        rises = upper >= lower
        missing -= np.maximum(lower, upper, out=upper)
        above += growing & rises
        below -= growing & ~rises
    return np.asarray(below - line), np.asarray(above - line - 1)


def _grown_alone(counts: list[float]) -> tuple[int, int]:
    """`_grown` of one window, which a live cycle asks for: row by row."""
    middle = counts.index(max(counts))
    row, below, above = [-1.0, *counts, -1.0], middle, middle + 2  # the places in `row` just outside the area
    missing = AREA * sum(counts) - counts[middle]
    while missing > 0:
        missing -= max(row[below], row[above])
        if row[above] >= row[below]:
            above += 1
        else:
            below -= 1
    return below, above - 1
