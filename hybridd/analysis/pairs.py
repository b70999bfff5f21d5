"""Two markets side by side: who leads, who is stronger, and whether they fall together more than they rise."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hybridd.analysis.as_known import z_value
from hybridd.analysis.scoring import tanh
from hybridd.analysis.spreads import spreads
from hybridd.analysis.windows import newest, ratio, rolling_mean
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray

SPAN = 12
"""Candles of one return in the lead–lag regression: as far ahead as odds and outcomes look."""
WINDOW = 576
STRENGTH_WINDOW = 288
TAIL = 0.1
REFRESH = 48
AVERAGES = (20, 50, 200)
LOOKBACK = WINDOW + max(2 * SPAN, REFRESH)
"""Shared candles that the three formulas for pairs need."""

_NOTHING = 1e-9  # a variance below this share of a mean square is rounding, not movement
_GRAIN = 2.0**30  # returns are compared in grains of 2⁻³⁰: the unit of price must not break a tie
_WIDEST = 2.0**31 - 1

Grains = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
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
    mine, theirs = shared(own, other)
    if last is not None:
        kept = len(mine) - int(np.searchsorted(mine, len(own) - last)) + LOOKBACK
        mine, theirs = mine[-kept:], theirs[-kept:]
    return Pair(own.step, own.open_time[mine], np.log(own.close[mine]), np.log(other.close[theirs]), mine, theirs)


def shared(own: Candles, other: Candles) -> tuple[IntArray, IntArray]:
    """Positions in each of the candles that both have; `other` holds at least one."""
    begin = int(other.open_time.searchsorted(own.open_time[0])) if len(own) else 0
    if np.array_equal(own.open_time, other.open_time[begin : begin + len(own)]):
        every = np.arange(len(own))
        return every, every + begin
    found = np.minimum(np.searchsorted(other.open_time, own.open_time), len(other) - 1)
    mine = np.flatnonzero(other.open_time[found] == own.open_time)
    return mine, found[mine]


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
    (then_x, _), (then_o, y) = _moments(x, last), _moments(o, last)
    r_xy = _correlation(x[:-SPAN] * o[SPAN:], then_x, y)
    r_oy = _correlation(o[:-SPAN] * o[SPAN:], then_o, y)
    r_xo = _correlation((x * o)[:-SPAN], then_x, then_o)
    unexplained = _above(1 - r_xo * r_xo)
    r = _bounded((r_xy - r_oy * r_xo) / np.sqrt(unexplained * _above(1 - r_oy * r_oy)))
    x, o = newest(x, last), newest(o, last)
    u = ((x - then_x.mean) / then_x.spread - r_xo * (o - then_o.mean) / then_o.spread) / np.sqrt(unexplained)
    return np.asarray(r * u * _shrunk(r))


def strength(pair: Pair, last: int | None = None) -> FloatArray:
    """Where the ratio of the two prices stands in its last 288 values, in standard deviations, shape (m,).

    R. Levy, "Relative strength as a criterion for investment selection", Journal of Finance 22 (1967).
    """
    return z_value(pair.own - pair.other, STRENGTH_WINDOW, last)


def tails(pair: Pair, last: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Lower and upper tail dependence of one-candle returns, each in [0, 1], shape (m,).

    Of the tenth of the last 576 returns that are lowest (highest) in one market, the share that is so in the other
    as well: the empirical copula at (q, q), q = 0.1, over q. R. Schmidt and U. Stadtmüller, "Non-parametric estimation
    of tail dependence", Scandinavian Journal of Statistics 33 (2006). Measured anew with the first candle that closes
    in each period of 48 candles of the clock, and kept until the next.
    """
    n = len(pair.own)
    last = n if last is None else last
    period = (pair.open_time + pair.step) // (REFRESH * pair.step)
    starts = np.flatnonzero(period[1:] != period[:-1]) + 1
    starts = starts[int(np.searchsorted(starts, WINDOW)) :]
    starts = starts[max(0, int(np.searchsorted(starts, n - last, side="right")) - 1) :]
    if not len(starts):
        return np.full(last, np.nan), np.full(last, np.nan)
    held = np.append(starts[1:], n) - np.maximum(starts, n - last)
    low, high = _together(_windows(pair.own, starts), _windows(pair.other, starts))
    return newest(np.repeat(low, held), last), newest(np.repeat(high, held), last)


def place(candles: Candles, last: int | None = None) -> FloatArray:
    """How far a market stands above its averages of 20, 50 and 200 closes: mean of tanh(z), in (−1, 1), shape (n,)."""
    last = len(candles) if last is None else last
    close, total = newest(candles.close, last), np.zeros(last)
    for mean, sigma in spreads(candles.close, AVERAGES, last):
        total += tanh(ratio(close - mean, sigma))
    return total / len(AVERAGES)


def _windows(log_price: FloatArray, ends: IntArray) -> Grains:
    """The 576 returns up to each of `ends`, in whole grains, shape (k, 576)."""
    begin = int(ends[0]) - WINDOW
    grains = np.rint((log_price[begin + 1 :] - log_price[begin:-1]) * _GRAIN)
    grains = np.minimum(np.maximum(grains, -_WIDEST), _WIDEST).astype(np.int32)
    return np.asarray(sliding_window_view(grains, WINDOW)[ends - WINDOW - begin])


def _together(one: Grains, other: Grains) -> FloatArray:
    """Of the lowest and of the highest tenth of each row, the share that is so in both, shape (2, k).

    NaN where the tenth is no tail, because the lowest and the highest returns are the same.
    """
    (low_one, high_one), (low_other, high_other) = _edges(one), _edges(other)
    lower = _share(one <= low_one, other <= low_other)
    upper = _share(one >= high_one, other >= high_other)
    flat = ((low_one >= high_one) | (low_other >= high_other))[:, 0]
    return np.where(flat, np.nan, np.stack([lower, upper]))


def _edges(x: Grains) -> tuple[Grains, Grains]:
    """The highest of each row's lowest tenth and the lowest of its highest, each of shape (k, 1)."""
    deepest = round(TAIL * WINDOW)
    x = x.copy()
    x.partition(deepest - 1, axis=1)
    low = x[:, deepest - 1, None].copy()
    x.partition(WINDOW - deepest, axis=1)
    return low, x[:, WINDOW - deepest, None]


def _share(one: BoolArray, other: BoolArray) -> FloatArray:
    both = np.count_nonzero(one & other, axis=1)
    return np.asarray(both / np.sqrt(np.count_nonzero(one, axis=1) * np.count_nonzero(other, axis=1)))


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Mean and standard deviation over the newest 576; a spread of rounding only is NaN."""

    mean: FloatArray
    spread: FloatArray


def _moments(x: FloatArray, last: int) -> tuple[_Moments, _Moments]:
    """Those of the newest `last` windows 12 candles ago, and of the newest now."""
    mean, square = rolling_mean(x, WINDOW, last + SPAN), rolling_mean(x * x, WINDOW, last + SPAN)
    middle = mean * mean
    variance = square - middle
    spread = np.sqrt(np.where(variance > _NOTHING * square, variance, np.nan))
    return _Moments(mean[:-SPAN], spread[:-SPAN]), _Moments(mean[SPAN:], spread[SPAN:])


def _correlation(product: FloatArray, x: _Moments, y: _Moments) -> FloatArray:
    """Pearson's over the newest 576 pairs, given their products; NaN where one of the two does not move."""
    together = rolling_mean(product, WINDOW, len(x.mean)) - x.mean * y.mean
    return _bounded(together / (x.spread * y.spread))


def _bounded(r: FloatArray) -> FloatArray:
    return np.minimum(np.maximum(r, -1.0), 1.0)


def _above(share: FloatArray) -> FloatArray:
    return np.where(share > _NOTHING, share, np.nan)


def _shrunk(r: FloatArray) -> FloatArray:
    """t²/(1 + t²) with t² = r²·k/(1 − r²) and k = 576/12 independent pairs, written so that r = ±1 gives 1."""
    square = r * r
    t_square_part = square * (WINDOW / SPAN)
    return np.asarray(t_square_part / (t_square_part + 1 - square))
