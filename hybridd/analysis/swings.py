"""Swings: the highs and lows that price turned at, known only once the candles after them have closed."""

from dataclasses import dataclass

import numpy as np

from hybridd.analysis.windows import lagged, rolling_max
from hybridd.model.candle import BoolArray, FloatArray, IntArray

SPAN = 10
"""Candles on each side that a swing must stand out from; it is confirmed SPAN candles after its extreme."""
REACH = 320
"""Candles after which a swing no longer counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Swings:
    """At each candle the newest confirmed swing and the one before it, shape (n,).

    `last` and `before` are prices, `at` is the position of the newest one's extreme; NaN and −1 where there is none,
    or none within REACH candles.
    """

    last: FloatArray
    before: FloatArray
    at: IntArray


def swing_highs(high: FloatArray) -> Swings:
    """Highs above the SPAN before and not below the SPAN after: of equal ones the first.

    Turning points as in B. Williams, Trading Chaos (1995), "fractals", with SPAN candles a side in place of two.
    """
    n = len(high)
    if n < 2 * SPAN + 1:
        return Swings(np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1))
    middle = lagged(high, SPAN)  # the candle that a swing is confirmed of
    after, earlier = rolling_max(high, SPAN), lagged(rolling_max(high, SPAN), SPAN + 1)
    confirmed = np.flatnonzero((middle > earlier) & (middle >= after))
    count = np.cumsum(np.bincount(confirmed, minlength=n))
    last, at = _price_of(high, confirmed, count - 1)
    before, _ = _price_of(high, confirmed, count - 2)
    return Swings(last, before, at)


def swing_lows(low: FloatArray) -> Swings:
    """The mirror image: lows below the SPAN before and not above the SPAN after."""
    mirrored = swing_highs(-low)
    return Swings(-mirrored.last, -mirrored.before, mirrored.at)


def _price_of(high: FloatArray, confirmed: IntArray, which: IntArray) -> tuple[FloatArray, IntArray]:
    """Price and position of the swing number `which`, as far as it lies within REACH."""
    if not len(confirmed):
        return np.full(len(high), np.nan), np.full(len(high), -1)
    at = confirmed[np.maximum(which, 0)] - SPAN
    known = (which >= 0) & (np.arange(len(high)) - at <= REACH)
    return np.where(known, high[at], np.nan), np.where(known, at, -1)


def breaks(close: FloatArray, level: FloatArray, at: IntArray) -> BoolArray:
    """Where a close first went above the newest swing high: `level` and `at` as in Swings, shape (n,)."""
    beyond = np.flatnonzero(close > level)
    first = beyond[np.unique(at[beyond], return_index=True)[1]]
    broken = np.zeros(len(close), dtype=np.bool_)
    broken[first] = True
    return broken
