"""Ranks in exact windows: how many of the values before it lie below the newest."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hybridd.analysis.windows import any_of, cut, holds_nan
from hybridd.model.candle import FloatArray

_BYTE = 255
_SMALL = 200_000  # comparisons that are quicker made all at once
_AT_ONCE = 24_576  # candles whose order is written as small whole numbers


def rank_in_window(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """Share of the `n` values before the newest that lie below it, ties counting half: in [0, 1]."""
    x, out, full = cut(x, n + 1, last)
    for start in range(0, len(full), _AT_ONCE):
        part = x[start : start + _AT_ONCE + n]
        full[start : start + _AT_ONCE] = _ranks(part, n)
    return out


def _ranks(x: FloatArray, n: int) -> FloatArray:
    """`rank_in_window` of the values from the n-th on, by their order alone; NaN where a window holds NaN."""
    newest = len(x) - n
    if newest == 1:
        older, one = x[:-1], x.item(-1)
        twice_one = int(np.count_nonzero(older < one)) + int(np.count_nonzero(older <= one))
        return np.array([np.nan if holds_nan(x) else twice_one / (2 * n)])
    if newest * n <= _SMALL:
        before, now = sliding_window_view(x, n)[:-1], x[n:, None]
        below, upto = np.count_nonzero(before < now, axis=1), np.count_nonzero(before <= now, axis=1)
        return np.where(np.isnan(before).any(axis=1) | np.isnan(x[n:]), np.nan, (below + upto) / (2 * n))
    ordinal, ties = _ordinals(x)
    twice = _count(np.less, ordinal, n)
    twice += _count(np.less_equal, ordinal, n) if ties else twice
    ranks = twice / (2 * n)
    unknown = np.isnan(x)
    if unknown.any():
        ranks[any_of(unknown, n + 1)[n:]] = np.nan
    return ranks


def _count(compare: np.ufunc, ordinal: NDArray[np.int16], n: int) -> NDArray[np.int16]:
    """How many of the `n` before each value from the n-th on compare true with it; in bytes, that hold up to 255."""
    now, total = ordinal[n:], np.zeros(len(ordinal) - n, dtype=np.int16)
    hit, size = np.empty(len(now), dtype=np.uint8), len(now)
    true = hit.view(np.bool_)
    for start in range(0, n, _BYTE):
        few = np.zeros(size, dtype=np.uint8)
        for k in range(start, min(start + _BYTE, n)):
            compare(ordinal[k : k + size], now, true)
            np.add(few, hit, few)
        total += few
    return total


def _ordinals(x: FloatArray) -> tuple[NDArray[np.int16], bool]:
    """The place of each value among all in rising order, equal ones sharing one, and whether there are equal ones."""
    order = np.argsort(x)
    rises = np.diff(x[order]) > 0
    places = np.empty(len(x), dtype=np.int16)
    places[order[0]], places[order[1:]] = 0, np.cumsum(rises, dtype=np.int16)
    return places, not rises.all()
