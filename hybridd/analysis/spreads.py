"""Means and standard deviations over exact windows, plain and weighted; exactly 0 where nothing moved."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hybridd.analysis.windows import cut, newest, ones, side_by_side
from hybridd.model.candle import FloatArray

_Spread = tuple[FloatArray, FloatArray]
_NONE = np.zeros(0)  # of windows longer than what there is
_FEW = 8_192  # values in windows that are quicker looked at each by itself
_RUN = 3  # windows that are summed up from one starting value
_FEW_RUNS = 16  # windows up to which they are summed up from one starting value all
_NOTHING = 1e-13  # a variance below this share of the mean square is rounding, not movement


def rolling_spread(x: FloatArray, n: int, last: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Mean and population standard deviation of the newest `n` values; exactly 0 where they are all the same."""
    return spreads(x, (n,), last)[0]


def spreads(x: FloatArray, lengths: Sequence[int], last: int | None = None) -> list[tuple[FloatArray, FloatArray]]:
    """`rolling_spread` over each of several windows, the longest one last.

    Means and squared deviations of parts are merged after Chan, Golub and LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances" (1979), eq. 2.1, which loses no digits at large prices; by one doubling
    for all.
    """
    last = len(x) if last is None else last
    if last * lengths[-1] <= _FEW:
        return [_spread_of_few(x, length, last) for length in lengths]
    x = x[max(0, len(x) - last - lengths[-1] + 1) :]
    found = []
    for n, (mean, squares) in zip(lengths, _merged(x, lengths), strict=True):
        found.append((newest(mean, last), np.sqrt(newest(squares, last) / n)))
    return found


def _merged(x: FloatArray, lengths: Sequence[int]) -> list[_Spread]:
    """Mean of each window that is full, and the sum of squares about it."""
    block, size = (x, np.zeros_like(x)), 1
    totals: list[tuple[_Spread, int]] = [(block, 0) for _ in lengths]
    while True:
        for k, n in enumerate(lengths):
            total, done = totals[k]
            if n & size and size <= len(x):
                totals[k] = (_joined(total, block, done, size) if done else block, done + size)
        if 2 * size > lengths[-1]:
            return [total if done == n else (_NONE, _NONE) for (total, done), n in zip(totals, lengths, strict=True)]
        block = _joined(block, block, size, size)
        size *= 2


def _joined(new: _Spread, old: _Spread, a: int, b: int) -> _Spread:
    """Windows of `a` put after windows of `b`. Column j of windows of m ends at candle j + m − 1."""
    before = old[0][: max(0, len(old[0]) - a)]
    gap = new[0][b:] - before
    mean = gap * (a / (a + b))
    mean += before
    gap *= gap
    gap *= a * b / (a + b)
    if a > 1:
        gap += new[1][b:]
    if b > 1:
        gap += old[1][: max(0, len(old[1]) - a)]
    return mean, gap


def _spread_of_few(x: FloatArray, n: int, last: int) -> _Spread:
    """Mean and standard deviation of the newest `last` windows, each by itself."""
    if last == 1 and len(x) >= n:
        mean, sigma = _spread_of_one(x[len(x) - n :])
        return np.array([mean]), np.array([sigma])
    x, middle, full = cut(x, n, last)
    spread = middle.copy()
    if len(full):
        windows = side_by_side(x, n)
        away = windows - windows[-1]
        np.divide(ones(n).dot(away), n, out=full)
        away -= full
        full += windows[-1]
        away *= away
        np.sqrt(ones(n).dot(away) / n, out=spread[len(spread) - len(full) :])
    return middle, spread


def _spread_of_one(window: FloatArray) -> tuple[float, float]:
    """The same of one window."""
    n, now = len(window), window.item(-1)
    away = window - now
    middle = float(away.dot(ones(n))) / n
    away -= middle
    return now + middle, math.sqrt(float(away.dot(away)) / n)


def weighted_spread(
    x: FloatArray, weight: FloatArray, n: int, last: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the newest `n` values, each counted `weight` (≥ 0) times; NaN without weight.

    Summed up in runs of a few windows, each less its own first value, so that no digits are lost at large prices.
    """
    if last == 1 and len(x) >= n:
        middle, spread_of_it = _weighted_one(x[len(x) - n :], weight[len(weight) - n :])
        return np.array([middle]), np.array([spread_of_it])
    x, mean, full = cut(x, n, last)
    sigma = np.full(len(mean), np.nan)
    if len(full):
        weight, spread = weight[len(weight) - len(x) :], sigma[len(sigma) - len(full) :]
        run = min(_RUN * n, len(full))
        whole = len(full) // run * run if len(full) > _FEW_RUNS else 0
        if whole:
            # One run a column: what is added then lies side by side.
            columns = [np.ascontiguousarray(sliding_window_view(one, run + n - 1)[:whole:run].T) for one in (x, weight)]
            full[:whole], spread[:whole] = (found.T.ravel() for found in _weighted(columns[0], columns[1], n))
        if whole < len(full):
            rest = _weighted(x[whole:, None], weight[whole:, None], n)
            full[whole:], spread[whole:] = rest[0][:, 0], rest[1][:, 0]
    return mean, sigma


def _weighted_one(x: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """`_weighted` of one window."""
    first, total = x.item(0), float(weight.dot(ones(len(x))))
    if not total > 0:
        return math.nan, math.nan
    away = x - first
    pulled = weight * away
    pull, square = float(pulled.dot(ones(len(x)))) / total, float(pulled.dot(away)) / total
    variance = square - pull * pull
    return first + pull, 0.0 if variance <= square * _NOTHING else math.sqrt(variance)


def _weighted(x: FloatArray, weight: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Weighted mean and standard deviation of the windows of `n` in each column."""
    first = x[:1]
    away = x - first
    pulled = weight * away
    total, pull, square = (_summed(one, n) for one in (weight, pulled, pulled * away))
    total = np.where(total > 0, total, np.nan)
    mean = pull / total
    square /= total
    variance = square - mean * mean
    square *= _NOTHING
    variance *= variance > square
    mean += first
    return mean, np.sqrt(variance, out=variance)


def _summed(x: FloatArray, n: int) -> FloatArray:
    """Sums of `n` down each column, by doubling."""
    if len(x) == n:
        return np.add.reduce(x, axis=0, keepdims=True)
    block, size, total, done = x, 1, x, 0
    while True:
        if n & size:
            total = total[size:] + block[:-done] if done else block
            done += size
        if done == n:
            return total if n > 1 else total.copy()
        block = block[size:] + block[:-size]
        size *= 2
