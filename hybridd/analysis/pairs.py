"""Two markets side by side: who leads, and who is stronger."""

import math
from functools import lru_cache

import numpy as np
from msgspec import Struct

from hybridd.analysis.as_known import z_value
from hybridd.analysis.scoring import tanh
from hybridd.analysis.spreads import spreads
from hybridd.analysis.windows import above, newest, newest_by, ratio, rolling_mean, run
from hybridd.model.candle import Candles, FloatArray, IntArray

SPAN = 12
"""Candles of one return in the lead–lag regression: as far ahead as odds and outcomes look."""
WINDOW = 576
STRENGTH_WINDOW = 288
REFRESH = 48
AVERAGES = (20, 50, 200)
LOOKBACK = WINDOW + max(2 * SPAN, REFRESH)
"""Shared candles that the three formulas for pairs need."""

_NOTHING = 1e-9  # a variance below this share of a mean square is rounding, not movement

_ONES = np.ones(WINDOW)

Much = float | FloatArray
"""A number, or one for each of several candles."""


class Pair(Struct, frozen=True, eq=False):
    """The m candles that both markets have: open time (ms UTC), log closes, and their places in the two markets."""

    step: int
    open_time: IntArray
    own: FloatArray
    other: FloatArray
    own_place: IntArray
    other_place: IntArray


def paired(own: Candles, other: Candles, last: int | None = None) -> Pair:
    """Join by open time; a candle that one of them lacks is left out, never filled.

    With `last` those among this market's newest `last` candles, and the LOOKBACK before them.
    """
    mine, theirs = shared(own, other) if last is None else _newest_shared(own, other, last)
    ours, others = run(mine), run(theirs)
    return Pair(own.step, own.open_time[ours], np.log(own.close[ours]), np.log(other.close[others]), mine, theirs)


def _newest_shared(own: Candles, other: Candles, last: int) -> tuple[IntArray, IntArray]:
    """`shared`, of what `paired` keeps: as a rule neither market lacks a candle there, which is soon seen."""
    kept = last + LOOKBACK
    if len(own) >= kept:
        end = newest_by(other.open_time, own.open_time.item(-1)) + 1
        if end >= kept and same_times(own.open_time[-kept:], other.open_time[end - kept : end]):
            return _places(len(own))[-kept:], _places(end)[-kept:]
    mine, theirs = shared(own, other)
    kept = len(mine) - int(mine.searchsorted(len(own) - last)) + LOOKBACK
    return mine[-kept:], theirs[-kept:]


@lru_cache(maxsize=4)
def _places(n: int) -> IntArray:
    """0 to n − 1: a daemon holds the same number of candles at each cycle."""
    places = np.arange(n)
    places.flags.writeable = False
    return places


def shared(own: Candles, other: Candles) -> tuple[IntArray, IntArray]:
    """Positions in each of the candles that both have; `other` holds at least one."""
    begin = int(other.open_time.searchsorted(own.open_time[0])) if len(own) else 0
    if same_times(own.open_time, other.open_time[begin : begin + len(own)]):
        every = np.arange(len(own))
        return every, every + begin
    found = np.minimum(np.searchsorted(other.open_time, own.open_time), len(other) - 1)
    mine = np.flatnonzero(other.open_time[found] == own.open_time)
    return mine, found[mine]


def same_times(one: IntArray, other: IntArray) -> bool:
    """Whether two columns of open times are the same, without the library's caution about what they might be."""
    return len(one) == len(other) and bool((one == other).all())


def lead(pair: Pair, last: int | None = None) -> FloatArray:
    """What the other market's last 12 candles foretell of this one's next 12, in standard deviations, shape (m,).

    With x and o the two markets' returns over 12 candles and y this one's over the 12 after, r is the partial
    correlation of x and y given o over 576 of them, and u the standardised part of the newest x that o does not
    explain. The value is r·u·t²/(1 + t²), t that of r with 576/12 independent returns: nothing where the lead is not
    more than chance. C. Granger, Econometrica 37 (1969); A. Lo and C. MacKinlay, Review of Financial Studies 3 (1990).
    """
    last = len(pair.own) if last is None else last
    if len(pair.own) < WINDOW + 2 * SPAN:
        return np.full(last, np.nan)
    x, o = pair.other[SPAN:] - pair.other[:-SPAN], pair.own[SPAN:] - pair.own[:-SPAN]
    before, then, now = x[:-SPAN], o[:-SPAN], o[SPAN:]
    then_x, (then_o, y) = _moments(before, last), _then_and_now(o, last)
    r_xy = _correlation(_product(before, now, last), then_x, y)
    r_oy = _correlation(_product(then, now, last), then_o, y)
    r_xo = _correlation(_product(before, then, last), then_x, then_o)
    unexplained = _above(1 - r_xo * r_xo, _NOTHING)
    r = _bounded((r_xy - r_oy * r_xo) / _root(unexplained * _above(1 - r_oy * r_oy, _NOTHING)))
    new_x, new_o = (_newest(one, last) - once.mean for one, once in ((x, then_x), (o, then_o)))
    u = (new_x / then_x.spread - r_xo * new_o / then_o.spread) / _root(unexplained)
    told = r * u * _shrunk(r)
    return np.array([told]) if isinstance(told, float) else told


def strength(pair: Pair, last: int | None = None) -> FloatArray:
    """Where the ratio of the two prices stands in its last 288 values, in standard deviations, shape (m,).

    R. Levy, "Relative strength as a criterion for investment selection", Journal of Finance 22 (1967).
    """
    return z_value(pair.own - pair.other, STRENGTH_WINDOW, last)


def place_now(close: FloatArray) -> float:
    """`place` at the newest of these closes."""
    opened = np.arange(len(close))
    return place(Candles(1, opened, close, close, close, close, close), 1).item(0)


def place(candles: Candles, last: int | None = None) -> FloatArray:
    """How far a market stands above its averages of 20, 50 and 200 closes: mean of tanh(z), in (−1, 1), shape (n,)."""
    last = len(candles) if last is None else last
    close, total = newest(candles.close, last), np.zeros(last)
    for mean, sigma in spreads(candles.close, AVERAGES, last):
        total += tanh(ratio(close - mean, sigma))
    return total / len(AVERAGES)


class _Moments(Struct, frozen=True, eq=False):
    """Mean and standard deviation over the newest 576; a spread of rounding only is NaN."""

    mean: Much
    spread: Much


def _moments(x: FloatArray, last: int) -> _Moments:
    """Those of the newest `last` windows."""
    mean, square = _mean(x, last), _product(x, x, last)
    return _Moments(mean, _root(_above(square - mean * mean, _NOTHING * square)))


def _then_and_now(x: FloatArray, last: int) -> tuple[_Moments, _Moments]:
    """The moments 12 candles ago, and now."""
    if last == 1:
        return _moments(x[:-SPAN], 1), _moments(x, 1)
    both = _moments(x, last + SPAN)
    mean, spread = np.asarray(both.mean), np.asarray(both.spread)
    return _Moments(mean[:-SPAN], spread[:-SPAN]), _Moments(mean[SPAN:], spread[SPAN:])


def _correlation(product: Much, x: _Moments, y: _Moments) -> Much:
    """Pearson's, given the mean of the products; NaN where one of the two does not move."""
    return _bounded((product - x.mean * y.mean) / (x.spread * y.spread))


# One candle is asked about in a live cycle, and then the formula above works on plain numbers: arrays of one take
# twenty times as long.


def _newest(x: FloatArray, last: int) -> Much:
    return x.item(-1) if last == 1 else newest(x, last)


def _mean(x: FloatArray, last: int) -> Much:
    return float(x[-WINDOW:].dot(_ONES)) / WINDOW if last == 1 else rolling_mean(x, WINDOW, last)


def _product(x: FloatArray, y: FloatArray, last: int) -> Much:
    """The mean of x·y."""
    return float(x[-WINDOW:].dot(y[-WINDOW:])) / WINDOW if last == 1 else rolling_mean(x * y, WINDOW, last)


def _bounded(r: Much) -> Much:
    return min(max(r, -1.0), 1.0) if isinstance(r, float) else np.minimum(np.maximum(r, -1.0), 1.0)


def _root(x: Much) -> Much:
    return math.sqrt(x) if isinstance(x, float) else np.sqrt(x)


def _above(x: Much, least: Much) -> Much:
    """x, NaN where it is not above the least."""
    if isinstance(x, float):
        return x if x > least else math.nan
    return above(x, least)


def _shrunk(r: Much) -> Much:
    """t²/(1 + t²) with t² = r²·k/(1 − r²) and k = 576/12 independent pairs, written so that r = ±1 gives 1."""
    square = r * r
    t_square_part = square * (WINDOW / SPAN)
    return t_square_part / (t_square_part + 1 - square)
