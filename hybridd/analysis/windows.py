"""Sums, averages, extremes and slopes over exact windows: what the newest n values say, and nothing older.

A window of n is put together from windows of 1, 2, 4, 8 … (doubling), or by itself where few are asked for. So the
number at a candle depends on that window alone: a daemon that keeps 2,000 candles and a replay of years agree but for
the last bits, a window in which nothing moved says exactly 0, and no rounding drifts in as it does in a running sum.
Cost: n log(window).

All functions take and return arrays of shape (n,), NaN where the window is not full or holds a NaN. Those with `last`
compute and return no more than that many newest values, out of an array that may be shorter or longer.
"""

from functools import lru_cache
from math import isnan

import numpy as np
import talib

from hybridd.model.candle import BoolArray, FloatArray, IntArray

FEW = 96  # windows up to which a dot product each is quicker than doubling
_FEW_AVERAGES = 16  # likewise, than TA-Lib's recursion


def rolling_sum(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """Sum of the newest `n` values."""
    if last == 1 and len(x) >= n:  # as in a live cycle, all the time: so written out, here and below
        return np.array([x[len(x) - n :].dot(ones(n))])
    x, out, full = cut(x, n, last)
    if 0 < len(full) <= FEW:
        full[:] = np.correlate(x, ones(n))
    elif len(full):
        _summed(x, n, full)
    return out


def rolling_mean(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """Arithmetic mean of the newest `n` values."""
    if last == 1 and len(x) >= n:
        return np.array([x[len(x) - n :].dot(ones(n)) / n])
    out = rolling_sum(x, n, last)
    out /= n
    return out


def rolling_max(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """Greatest of the newest `n` values."""
    return _extreme(x, n, last, np.maximum)


def rolling_min(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """Least of the newest `n` values."""
    return _extreme(x, n, last, np.minimum)


def any_of(x: BoolArray, n: int) -> BoolArray:
    """Whether any of the newest `n` is true, or of those that there are, shape (n,)."""
    out, size = x.copy(), 1
    while size < n:
        step = min(size, n - size)
        out[step:] |= out[:-step].copy()
        size += step
    return out


def ewma(x: FloatArray, decay: float, n: int, last: int | None = None) -> FloatArray:
    """Exponentially weighted mean of the newest `n` values: weights 1, decay, decay² … from the newest, summing to 1.

    It equals (y[i] − decayⁿ·y[i−n]) / (1 − decayⁿ) with y the usual endless recursion.
    """
    return decayed_sum(x, decay, n, last) * ((1 - decay) / (1 - decay**n))


def decayed_sum(x: FloatArray, decay: float, n: int, last: int | None = None) -> FloatArray:
    """Σ decayᵏ·x[i−k] over the newest `n` values."""
    if last == 1 and len(x) >= n:
        return np.array([x[len(x) - n :].dot(_fading(decay, n))])
    x, out, full = cut(x, n, last)
    if 0 < len(full) <= FEW:
        full[:] = np.correlate(x, _fading(decay, n))
    elif len(full):
        full[:] = _decayed(x, decay, n)
    return out


def recursive_mean(x: FloatArray, period: int, n: int, last: int | None = None) -> FloatArray:
    """`ewma` of decay 1 − 2/(period + 1), by TA-Lib's endless average less what is older than `n`.

    Exactly the value where all are the same. A NaN before the first value is passed over; one in between costs the
    speed, not the answer.
    """
    if last == 1 and len(x) >= n:
        now = x.item(-1)
        return np.array([now + (x[len(x) - n :] - now).dot(recursive_weights(period, n))])
    x, out, full = cut(x, n, last)
    if 0 < len(full) <= _FEW_AVERAGES:
        full[:] = np.correlate(x - x[-1], recursive_weights(period, n))
        full += x[-1]
    elif len(full):
        decay = 1 - 2 / (period + 1)
        x = x[int(np.argmax(x == x)) :] if x[0] != x[0] else x
        empty = len(full) - max(0, len(x) - n + 1)
        if empty:
            full[:empty] = np.nan
        if empty < len(full):
            full[empty:] = ewma(x, decay, n)[n - 1 :] if holds_nan(x) else _recursive(x, period, decay**n, n)
    return out


def holds_nan(x: FloatArray) -> bool:
    """Whether any is NaN: the sum of squares is, then and only then. Several times as quick as to look at each."""
    return isnan(x.dot(x))


def _recursive(x: FloatArray, period: int, left: float, n: int) -> FloatArray:
    """The average of all full windows of `n`; `left` is the share of the endless average that is older than one."""
    endless = talib.EMA(np.concatenate([np.zeros(period), x]), period)[period:]  # begun at 0, whatever came first
    full = endless[n - 1 :] / (1 - left)
    full[1:] -= endless[: len(x) - n] * (left / (1 - left))
    moved = x[1:] != x[:-1]
    if n > 1 and _may_rest(moved, n - 1):
        still = ~any_of(moved, n - 1)[n - 2 :]
        full[still] = x[n - 1 :][still]
    return full


def _may_rest(moved: BoolArray, n: int) -> bool:
    """False only where no `n` in a row are false: as many would hold a whole one of the blocks of half their length."""
    if len(moved) - np.count_nonzero(moved) < n:
        return False
    half = (n + 1) // 2
    return not moved[: len(moved) // half * half].reshape(-1, half).any(axis=1).all()


@lru_cache(maxsize=64)
def recursive_weights(period: int, n: int) -> FloatArray:
    """What each of `n` values weighs in their `recursive_mean`, oldest first, summing to 1."""
    decay = 1 - 2 / (period + 1)
    return constant(_fading(decay, n) * ((1 - decay) / (1 - decay**n)))


@lru_cache(maxsize=64)
def _fading(decay: float, n: int) -> FloatArray:
    """decayᵏ, oldest first."""
    return constant(decay ** np.arange(n - 1, -1, -1.0))


@lru_cache(maxsize=64)
def ones(n: int) -> FloatArray:
    """`n` of them; what is multiplied with them is summed up."""
    return constant(np.ones(n))


def constant(x: FloatArray) -> FloatArray:
    """The array, which nobody can write into from now on: many will be handed it."""
    x.flags.writeable = False
    return x


def side_by_side(x: FloatArray, n: int) -> FloatArray:
    """The windows of `n`, one a column and the oldest value first, shape (n, m), not to be written to.

    They share the memory of `x`, as those of the library's own `sliding_window_view`, which takes longer to make than
    a few windows take to be looked at.
    """
    x = np.ascontiguousarray(x)
    return np.ndarray((n, len(x) - n + 1), x.dtype, x, 0, (x.itemsize, x.itemsize))


def lagged(x: FloatArray, n: int) -> FloatArray:
    """The value `n` candles ago."""
    out = np.empty(len(x))
    out[:n] = np.nan
    out[n:] = x[: max(len(x) - n, 0)]
    return out


def newest(x: FloatArray, last: int) -> FloatArray:
    """The newest `last` values, NaN in front where there are fewer."""
    if len(x) >= last:
        return x[len(x) - last :]
    return np.concatenate([np.full(last - len(x), np.nan), x])


def ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """top / bottom, NaN where the bottom is not above 0."""
    positive = bottom.item(0) > 0 if len(bottom) == 1 else np.minimum.reduce(bottom, initial=1.0) > 0
    quotient: FloatArray = top / (bottom if positive else above(bottom, 0.0))  # NaN is not positive
    return quotient


def above(x: FloatArray, least: FloatArray | float) -> FloatArray:
    """x, NaN where it is not above the least."""
    greater = x > least
    return x if greater.all() else np.where(greater, x, np.nan)


def newest_by(column: IntArray, moment: int) -> int:
    """Position of the newest of a rising column that is not after a moment, −1 without one.

    In a live cycle that is mostly the last of all, and no bisection need find it.
    """
    if len(column) and column.item(-1) <= moment:
        return len(column) - 1
    return int(column.searchsorted(moment, side="right")) - 1


def run(places: IntArray) -> slice | IntArray:
    """Places that never fall, as a slice where each is one on from the last: nothing need be copied to take them."""
    if not len(places):
        return places
    first, end = int(places[0]), int(places[-1]) + 1
    # As many places as there are from the first to the last may still hold one twice and leave out another.
    return slice(first, end) if end - first == len(places) and bool((places[1:] > places[:-1]).all()) else places


def cut(x: FloatArray, n: int, last: int | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What the newest `last` windows of `n` are made of, the array for their answers, and its part that has any."""
    wanted = len(x) if last is None else last
    start, out = len(x) - wanted - n + 1, np.empty(wanted)
    if start >= 0:
        return x[start:], out, out
    empty = min(wanted, -start)
    out[:empty] = np.nan
    return x, out, out[empty:]


def _summed(x: FloatArray, n: int, full: FloatArray) -> None:
    """Sums of `n`, by doubling, put into `full`."""
    block, size, total, done = x, 1, x, 0
    while True:
        if n & size:
            out = full if done + size == n else None
            total = np.add(total[size:], block[:-done], out=out) if done else block
            done += size
        if done == n:
            break
        block = block[size:] + block[:-size]
        size *= 2
    if n & (n - 1) == 0:
        full[:] = total


def _extreme(x: FloatArray, n: int, last: int | None, which: np.ufunc) -> FloatArray:
    """The greatest or the least of `n`: two windows of a power of two may overlap."""
    x, out, full = cut(x, n, last)
    if len(full) == 1:
        full[0] = which.reduce(x)
    elif 0 < len(full) <= FEW:
        which.reduce(side_by_side(x, n), out=full)
    elif len(full):
        size = 1
        while 2 * size <= n:
            x = which(x[size:], x[:-size])
            size *= 2
        rest = n - size
        which(x[rest:], x[: len(x) - rest], out=full)
    return out


def _decayed(x: FloatArray, decay: float, n: int) -> FloatArray:
    """Sums of `n` in which each value weighs `decay` times the one after it, by doubling."""
    block, size, total, done = x, 1, x, 0
    while True:
        if n & size:
            total = _after(total, block, done, size, decay**done) if done else block
            done += size
        if done == n:
            return total
        block = _after(block, block, size, size, decay**size)
        size *= 2


def _after(new: FloatArray, old: FloatArray, a: int, b: int, weight: float) -> FloatArray:
    """Windows of `a` put after weighted windows of `b`. Column j of windows of m ends at candle j + m − 1."""
    out: FloatArray = old[:-a] * weight
    out += new[b:]
    return out
