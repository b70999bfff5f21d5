"""Two markets side by side: who leads, who is stronger, and whether they fall together more than they rise."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hybridd.analysis.as_known import z_value
from hybridd.analysis.windows import lagged, ratio, rolling_mean, rolling_spread
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


def paired(own: Candles, other: Candles) -> Pair:
    """Join by open time; a candle that one of them lacks is left out, never filled."""
    mine, theirs = shared(own, other)
    return Pair(own.step, own.open_time[mine], np.log(own.close[mine]), np.log(other.close[theirs]), mine, theirs)


def shared(own: Candles, other: Candles) -> tuple[IntArray, IntArray]:
    """Positions in each of the candles that both have; `other` holds at least one."""
    if np.array_equal(own.open_time, other.open_time):
        every = np.arange(len(own))
        return every, every
    found = np.minimum(np.searchsorted(other.open_time, own.open_time), len(other) - 1)
    mine = np.flatnonzero(other.open_time[found] == own.open_time)
    return mine, found[mine]


def lead(pair: Pair) -> FloatArray:
    """What the other market's last 12 candles foretell of this one's next 12, in standard deviations, shape (m,).

    With x and o the two markets' returns over 12 candles and y this one's over the 12 after, r is the partial
    correlation of x and y given o over 576 of them, and u the standardised part of the newest x that o does not
    explain. The value is r·u·t²/(1 + t²), t that of r with 576/12 independent returns: nothing where the lead is not
    more than chance. C. Granger, Econometrica 37 (1969); A. Lo and C. MacKinlay, Review of Financial Studies 3 (1990).
    """
    x, o = pair.other - lagged(pair.other, SPAN), pair.own - lagged(pair.own, SPAN)
    then_x, then_o, y = _moments(lagged(x, SPAN)), _moments(lagged(o, SPAN)), _moments(o)
    r_xy, r_oy, r_xo = _correlation(then_x, y), _correlation(then_o, y), _correlation(then_x, then_o)
    unexplained = _above(1 - r_xo * r_xo)
    r = np.clip((r_xy - r_oy * r_xo) / np.sqrt(unexplained * _above(1 - r_oy * r_oy)), -1.0, 1.0)
    u = (ratio(x - then_x.mean, then_x.spread) - r_xo * ratio(o - then_o.mean, then_o.spread)) / np.sqrt(unexplained)
    return np.asarray(r * u * _shrunk(r))


def strength(pair: Pair) -> FloatArray:
    """Where the ratio of the two prices stands in its last 288 values, in standard deviations, shape (m,).

    R. Levy, "Relative strength as a criterion for investment selection", Journal of Finance 22 (1967).
    """
    return z_value(pair.own - pair.other, STRENGTH_WINDOW)


def tails(pair: Pair) -> tuple[FloatArray, FloatArray]:
    """Lower and upper tail dependence of one-candle returns, each in [0, 1], shape (m,).

    Of the tenth of the last 576 returns that are lowest (highest) in one market, the share that is so in the other
    as well: the empirical copula at (q, q), q = 0.1, over q. R. Schmidt and U. Stadtmüller, "Non-parametric estimation
    of tail dependence", Scandinavian Journal of Statistics 33 (2006). Measured anew with the first candle that closes
    in each period of 48 candles of the clock, and kept until the next.
    """
    out = np.full((2, len(pair.open_time)), np.nan)
    period = (pair.open_time + pair.step) // (REFRESH * pair.step)
    starts = np.flatnonzero(period[1:] != period[:-1]) + 1
    starts = starts[starts >= WINDOW]
    if len(starts):
        held = np.searchsorted(starts, np.arange(starts[0], len(period)), side="right") - 1
        out[:, starts[0] :] = _together(_windows(pair.own, starts), _windows(pair.other, starts))[:, held]
    return out[0], out[1]


def place(candles: Candles) -> FloatArray:
    """How far a market stands above its averages of 20, 50 and 200 closes: mean of tanh(z), in (−1, 1), shape (n,)."""
    total = np.zeros(len(candles))
    for n in AVERAGES:
        total = total + np.tanh(z_value(candles.close, n))
    return total / len(AVERAGES)


def _windows(log_price: FloatArray, ends: IntArray) -> Grains:
    """The 576 returns up to each of `ends`, in whole grains, shape (k, 576)."""
    grains = np.clip(np.rint(np.diff(log_price) * _GRAIN), -_WIDEST, _WIDEST).astype(np.int32)
    return np.asarray(sliding_window_view(grains, WINDOW)[ends - WINDOW])


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
    ordered = np.sort(x, axis=1)
    return ordered[:, deepest - 1, None], ordered[:, WINDOW - deepest, None]


def _share(one: BoolArray, other: BoolArray) -> FloatArray:
    both = np.count_nonzero(one & other, axis=1)
    return np.asarray(both / np.sqrt(np.count_nonzero(one, axis=1) * np.count_nonzero(other, axis=1)))


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """A series with its mean and standard deviation over the newest 576; a spread of rounding only is NaN."""

    values: FloatArray
    mean: FloatArray
    spread: FloatArray


def _moments(x: FloatArray) -> _Moments:
    mean, sigma = rolling_spread(x, WINDOW)
    moves = sigma * sigma > _NOTHING * (sigma * sigma + mean * mean)
    return _Moments(x, mean, np.where(moves, sigma, np.nan))


def _correlation(x: _Moments, y: _Moments) -> FloatArray:
    """Pearson's over the newest 576 values; NaN where one of the two does not move."""
    shared = rolling_mean(x.values * y.values, WINDOW) - x.mean * y.mean
    return np.clip(ratio(shared, x.spread * y.spread), -1.0, 1.0)


def _above(share: FloatArray) -> FloatArray:
    return np.where(share > _NOTHING, share, np.nan)


def _shrunk(r: FloatArray) -> FloatArray:
    """t²/(1 + t²) with t² = r²·k/(1 − r²) and k = 576/12 independent pairs, written so that r = ±1 gives 1."""
    square = r * r
    t_square_part = square * (WINDOW / SPAN)
    return np.asarray(t_square_part / (t_square_part + 1 - square))
