"""Sums, averages, extremes and slopes over exact windows: what the newest n values say, and nothing older.

A window of n is put together from windows of 1, 2, 4, 8 … (doubling), always in the same order. So the number at a
candle depends on that window alone, bit for bit: a daemon that keeps 2,000 candles and a replay of years agree, and
no rounding drifts in as it does in a running sum. Cost: n log(window), no memory beyond a few arrays.

All functions take and return arrays of shape (n,), NaN where the window is not full or holds a NaN.
"""

from collections.abc import Callable

import numpy as np

from hybridd.model.candle import FloatArray

State = tuple[FloatArray, ...]
Join = Callable[[State, State, int, int], State]
"""(newer, older, length of newer, length of older) → the state of both windows together."""


def rolling_sum(x: FloatArray, n: int) -> FloatArray:
    """Sum of the newest `n` values."""
    return _windowed((x,), n, lambda new, old, _a, _b: (new[0] + old[0],))[0]


def rolling_mean(x: FloatArray, n: int) -> FloatArray:
    """Arithmetic mean of the newest `n` values."""
    return rolling_sum(x, n) / n


def rolling_max(x: FloatArray, n: int) -> FloatArray:
    """Greatest of the newest `n` values."""
    return _windowed((x,), n, lambda new, old, _a, _b: (np.maximum(new[0], old[0]),))[0]


def rolling_min(x: FloatArray, n: int) -> FloatArray:
    """Least of the newest `n` values."""
    return _windowed((x,), n, lambda new, old, _a, _b: (np.minimum(new[0], old[0]),))[0]


def rolling_spread(x: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Mean and population standard deviation of the newest `n` values; exactly 0 where they are all the same.

    Means and squared deviations of parts are merged after Chan, Golub and LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances" (1979), eq. 2.1, which loses no digits at large prices.
    """

    def join(new: State, old: State, a: int, b: int) -> State:
        gap = new[0] - old[0]
        return old[0] + gap * (a / (a + b)), new[1] + old[1] + gap * gap * (a * b / (a + b))

    mean, squares = _windowed((x, np.zeros_like(x)), n, join)
    return mean, np.sqrt(squares / n)


def weighted_spread(x: FloatArray, weight: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the newest `n` values, each counted `weight` (≥ 0) times; NaN without weight.

    The same merging as in `rolling_spread`, with weights in place of counts.
    """

    def join(new: State, old: State, _a: int, _b: int) -> State:
        total = new[2] + old[2]
        share = np.divide(new[2], total, out=np.full_like(total, 0.5), where=total > 0)
        gap = new[0] - old[0]
        return old[0] + gap * share, new[1] + old[1] + gap * gap * share * old[2], total

    mean, squares, total = _windowed((x, np.zeros_like(x), weight), n, join)
    return np.where(total > 0, mean, np.nan), np.sqrt(ratio(squares, total))


def ewma(x: FloatArray, decay: float, n: int) -> FloatArray:
    """Exponentially weighted mean of the newest `n` values: weights 1, decay, decay² … from the newest, summing to 1.

    It equals (y[i] − decayⁿ·y[i−n]) / (1 − decayⁿ) with y the usual endless recursion.
    """
    return decayed_sum(x, decay, n) * ((1 - decay) / (1 - decay**n))


def decayed_sum(x: FloatArray, decay: float, n: int) -> FloatArray:
    """Σ decayᵏ·x[i−k] over the newest `n` values."""
    return _windowed((x,), n, lambda new, old, a, _b: (new[0] + decay**a * old[0],))[0]


def rank_in_window(x: FloatArray, n: int) -> FloatArray:
    """Share of the `n` values before the newest that lie below it, ties counting half: in [0, 1]."""
    out = np.full(len(x), np.nan)
    if len(x) <= n:
        return out
    newest = x[n:]
    twice = np.zeros(len(newest), dtype=np.int32)
    hit = np.empty(len(newest), dtype=np.bool_)
    for k in range(n):
        earlier = x[k : k + len(newest)]
        twice += np.less(earlier, newest, out=hit)
        twice += np.less_equal(earlier, newest, out=hit)
    full = ~np.isnan(rolling_sum(x, n + 1)[n:])
    out[n:][full] = twice[full] / (2 * n)
    return out


def lagged(x: FloatArray, n: int) -> FloatArray:
    """The value `n` candles ago."""
    out = np.full(len(x), np.nan)
    out[n:] = x[: max(len(x) - n, 0)]
    return out


def ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """top / bottom, NaN where the bottom is not above 0."""
    out = np.full(np.shape(bottom), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def _windowed(leaf: State, n: int, join: Join) -> State:
    """The states of all windows of `n`, aligned with their newest value and padded with NaN in front."""
    length = len(leaf[0])
    if length < n:
        return tuple(np.full(length, np.nan) for _ in leaf)
    return tuple(np.concatenate([np.full(n - 1, np.nan), column]) for column in _folded(leaf, n, join))


def _folded(leaf: State, n: int, join: Join) -> State:
    block, size = leaf, 1
    total, done = leaf, 0
    while done < n:
        if n & size:
            total = _joined(total, block, done, size, join) if done else block
            done += size
        if done < n:
            block = _joined(block, block, size, size, join)
            size *= 2
    return total


def _joined(new: State, old: State, a: int, b: int, join: Join) -> State:
    """Windows of `a` put after windows of `b`. Column j of a state of windows of m ends at candle j + m − 1."""
    return join(tuple(column[b:] for column in new), tuple(column[:-a] for column in old), a, b)
