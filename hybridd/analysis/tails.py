"""Tail dependence: whether two markets fall together more than they rise together."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hybridd.analysis.pairs import REFRESH, WINDOW, Pair
from hybridd.analysis.recall import recalled
from hybridd.analysis.windows import newest
from hybridd.model.candle import BoolArray, FloatArray, IntArray

TAIL = 0.1

_GRAIN = 2.0**30  # returns are compared in grains of 2⁻³⁰: the unit of price must not break a tie
_WIDEST = 2.0**31 - 1

Grains = NDArray[np.int32]
Bits = NDArray[np.uint64]


def tails(pair: Pair, last: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Lower and upper tail dependence of one-candle returns, each in [0, 1], shape (m,).

    Of the tenth of the last 576 returns that are lowest (highest) in one market, the share that is so in the other
    as well: the empirical copula at (q, q), q = 0.1, over q. R. Schmidt and U. Stadtmüller, "Non-parametric estimation
    of tail dependence", Scandinavian Journal of Statistics 33 (2006). Measured anew with the first candle that closes
    in each period of 48 candles of the clock, and kept until the next.
    """
    n = len(pair.own)
    last = n if last is None else last
    if last == 1 and n:
        lowest, highest = tails_now(pair)
        return np.array([lowest]), np.array([highest])
    period = (pair.open_time + pair.step) // (REFRESH * pair.step)
    starts = np.flatnonzero(period[1:] != period[:-1]) + 1
    starts = starts[int(np.searchsorted(starts, WINDOW)) :]
    starts = starts[max(0, int(np.searchsorted(starts, n - last, side="right")) - 1) :]
    if not len(starts):
        return np.full(last, np.nan), np.full(last, np.nan)
    held = np.append(starts[1:], n) - np.maximum(starts, n - last)
    low, high = _together(_windows(pair.own, starts), _windows(pair.other, starts))
    return newest(np.repeat(low, held), last), newest(np.repeat(high, held), last)


def tails_now(pair: Pair) -> tuple[float, float]:
    """`tails` at the newest candle."""
    period = REFRESH * pair.step
    begun = (pair.open_time.item(-1) + pair.step) // period * period
    first = int(pair.open_time.searchsorted(begun - pair.step))
    if first < WINDOW:
        return np.nan, np.nan
    window = slice(first - WINDOW, first + 1)
    return recalled(_tails_of, pair.own[window], pair.other[window])


def _tails_of(own: FloatArray, other: FloatArray) -> tuple[float, float]:
    """Those of the returns between these log closes."""
    low, high = _together(*(_windows(one, np.array([WINDOW])) for one in (own, other)))
    return low.item(0), high.item(0)


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
    lower = _share(_bits(one <= low_one), _bits(other <= low_other))
    upper = _share(_bits(one >= high_one), _bits(other >= high_other))
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


def _bits(hit: BoolArray) -> Bits:
    """Rows of 576 as 9 numbers of 64 bits each."""
    return np.packbits(hit, axis=1).view(np.uint64)


def _share(one: Bits, other: Bits) -> FloatArray:
    return np.asarray(_count(one & other) / np.sqrt(_count(one) * _count(other)))


def _count(bits: Bits) -> IntArray:
    return np.asarray(np.add.reduce(np.bitwise_count(bits), axis=1, dtype=np.int64))
