"""Swings: the highs and lows that price turned at, known only once the candles after them have closed."""

import numpy as np
from msgspec import Struct

from hybridd.analysis.windows import rolling_max
from hybridd.model.candle import BoolArray, FloatArray, IntArray

SPAN = 10
"""Candles on each side that a swing must stand out from; it is confirmed SPAN candles after its extreme."""
REACH = 320
"""Candles after which a swing no longer counts."""
_NEVER, _NOWHERE = np.full(2, -REACH - 1), np.full(2, np.nan)


class Swings(Struct, frozen=True, eq=False):
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
    confirmed = stands_out.nonzero()[0] + 2 * SPAN
    return _held(high, confirmed - SPAN, confirmed)


def swing_lows(low: FloatArray) -> Swings:
    """The mirror image: lows below the SPAN before and not above the SPAN after."""
    mirrored = swing_highs(-low)
    return Swings(-mirrored.last, -mirrored.before, mirrored.at)


def _held(high: FloatArray, at: IntArray, confirmed: IntArray) -> Swings:
    """Of the swings at `at`, each candle's newest and the one before it, as far as they are within REACH."""
    n = len(high)
    edges = np.zeros(len(at) + 2, dtype=np.int64)
    edges[1:-1], edges[-1] = confirmed, n
    held = edges[1:] - edges[:-1]
    # Two in front that never were, so that every candle has a newest one and one before that.
    places = np.concatenate([_NEVER, at])
    prices = np.concatenate([_NOWHERE, high[at]])
    edge = np.arange(-REACH, n - REACH)
    found = []
    for those in (slice(1, None), slice(0, -1)):
        place, price = places[those].repeat(held), prices[those].repeat(held)
        gone = place < edge
        np.putmask(price, gone, np.nan)
        found.append((price, place, gone))
    (last, place, gone), (before, _, _) = found
    np.putmask(place, gone, -1)
    return Swings(last, before, place)


def breaks(close: FloatArray, level: FloatArray, at: IntArray) -> BoolArray:
    """Where a close first went above the newest swing high: `level` and `at` as in Swings, shape (n,)."""
    beyond = (close > level).nonzero()[0]
    of = at[beyond]
    broken = np.zeros(len(close), dtype=np.bool_)
    broken[beyond[:1]] = True
    broken[beyond[1:][of[1:] != of[:-1]]] = True
    return broken
