"""Swings: the highs and lows that price turned at, known only once the candles after them have closed."""

from dataclasses import dataclass

import numpy as np

from hybridd.analysis.windows import rolling_max
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
    top = rolling_max(high, SPAN)
    middle = high[SPAN : n - SPAN]
    stands_out = (middle > top[SPAN - 1 : n - SPAN - 1]) & (middle >= top[2 * SPAN :])
    confirmed = np.flatnonzero(stands_out) + 2 * SPAN
    last, at = _price_of(high, confirmed, confirmed)
    before, _ = _price_of(high, confirmed[1:], confirmed[:-1])
    return Swings(last, before, at)


def swing_lows(low: FloatArray) -> Swings:
    """The mirror image: lows below the SPAN before and not above the SPAN after."""
    mirrored = swing_highs(-low)
    return Swings(-mirrored.last, -mirrored.before, mirrored.at)


def _price_of(high: FloatArray, since: IntArray, confirmed: IntArray) -> tuple[FloatArray, IntArray]:
    """Price and position of the swings `confirmed`, each in force since a candle and as far as it is within REACH."""
    n, at = len(high), confirmed - SPAN
    begin = np.minimum(since, at + REACH + 1)
    end = np.minimum(np.append(since[1:], n), at + REACH + 1)
    # In turn: nothing, the first, nothing, the second … each for as long as it holds.
    edges = np.column_stack([begin, np.maximum(end, begin)]).ravel()
    lengths = np.diff(edges, prepend=0, append=n)
    price = np.column_stack([high[at], np.full(len(at), np.nan)]).ravel()
    place = np.column_stack([at, np.full(len(at), -1)]).ravel()
    return np.repeat(np.append(np.nan, price), lengths), np.repeat(np.append(-1, place), lengths)


def breaks(close: FloatArray, level: FloatArray, at: IntArray) -> BoolArray:
    """Where a close first went above the newest swing high: `level` and `at` as in Swings, shape (n,)."""
    beyond = np.flatnonzero(close > level)
    of = at[beyond]
    broken = np.zeros(len(close), dtype=np.bool_)
    broken[beyond[:1]] = True
    broken[beyond[1:][of[1:] != of[:-1]]] = True
    return broken
