"""How each series beyond candles is published: when a value is public, how long it speaks, what it can be at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hybridd.market.release_times import fear_greed_known, funding_known, macro_known, open_interest_known
from hybridd.model.candle import IntArray
from hybridd.model.context import FEAR_GREED, FUNDING, IMBALANCE, OPEN_INTEREST

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
_MONDAY_MS = 4 * DAY_MS  # 1970 began on a Thursday
_WEEK_MS = 7 * DAY_MS


def at_once(at: IntArray) -> IntArray:
    """Public as soon as it is so: an order book that we look at."""
    return at


def dollar_known(at: IntArray) -> IntArray:
    """When the broad dollar index of days that begin at `at` (ms UTC, shape (n,)) was public: the Tuesday after.

    The Federal Reserve's H.10 tells a whole week on the Monday that follows, at 16:15 in New York.
    """
    return np.asarray((at - _MONDAY_MS) // _WEEK_MS * _WEEK_MS + _MONDAY_MS + 8 * DAY_MS, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """How a series is published. `known`: when values stamped at some instants (ms UTC) are public by rule.

    `stale_after` (ms): how long after its publication a value is taken for the present. `low`, `high`: what it can
    be. `history`: values kept.
    """

    known: Callable[[IntArray], IntArray]
    stale_after: int
    low: float
    high: float
    history: int = 2000


def _daily(low: float, high: float, known: Callable[[IntArray], IntArray] = macro_known) -> Publication:
    weeks = 2 if known is dollar_known else 1
    return Publication(known=known, stale_after=weeks * _WEEK_MS, low=low, high=high)


PUBLICATIONS: Mapping[str, Publication] = {
    # Every 8 hours at most exchanges, every 1 to 4 at some.
    FUNDING: Publication(known=funding_known, stale_after=DAY_MS, low=-1.0, high=1.0),
    OPEN_INTEREST: Publication(known=open_interest_known, stale_after=2 * HOUR_MS, low=0.0, high=1e15),
    IMBALANCE: Publication(known=at_once, stale_after=10 * MINUTE_MS, low=-1.0, high=1.0),
    FEAR_GREED: Publication(known=fear_greed_known, stale_after=2 * DAY_MS, low=0.0, high=100.0),
    "dxy": _daily(1.0, 1000.0, dollar_known),
    "vix": _daily(0.1, 1000.0),
    "sp500": _daily(1.0, 1e7),
    "gold": _daily(1.0, 1e7),
    "us10y": _daily(-20.0, 100.0),
}


def known_at(name: str, at: IntArray, *, looked_before: int | None, now: int) -> IntArray:
    """Since when values of series `name` stamped `at` (shape (n,)), first seen at `now`, are public; all ms UTC.

    By rule, but not before we saw it: an analysis in between was made without it. What the first look of a program
    finds (`looked_before` is None) was there while nobody looked, and counts by rule.
    """
    public = PUBLICATIONS[name].known(at)
    return public if looked_before is None else np.maximum(public, now)


def stale_after(name: str, step: int) -> int:
    """How long (ms) a value of `name` speaks for the present where one analysis is made each `step` ms."""
    rule = PUBLICATIONS[name]
    return max(rule.stale_after, 2 * step) if name == IMBALANCE else rule.stale_after
