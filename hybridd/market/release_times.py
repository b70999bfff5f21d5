"""When a figure becomes public: the same rule for a live source and for a recording of it."""

import numpy as np

from hybridd.model.candle import IntArray

DAY = 86_400_000
MINUTE = 60_000
FUNDING_DELAY = 4 * MINUTE
FEAR_GREED_DELAY = 15 * MINUTE
OPEN_INTEREST_DELAY = 5 * MINUTE

_THURSDAY = 3  # 1970 began on one; Monday is 0


def funding_known(at: IntArray) -> IntArray:
    """When the funding of settlements at `at` (ms UTC, shape (n,)) was public: exchanges list it a minute or so later.

    A settlement falls on the close of a candle, and nobody who reads that candle two seconds later can know it.
    """
    return at + FUNDING_DELAY


def fear_greed_known(at: IntArray) -> IntArray:
    """When the Fear & Greed values stamped `at` (ms UTC, shape (n,)) were public.

    alternative.me publishes soon after 00:00 UTC and stamps the value with the day that begins; it speaks of the day
    that has ended. In the record from 2018 to 2025 its change goes with Bitcoin's return of the day before the stamp
    (correlation 0.58), with that of the day of the stamp not at all (0.02).
    """
    return at + FEAR_GREED_DELAY


def open_interest_known(at: IntArray) -> IntArray:
    """When open interest counted at `at` (ms UTC, shape (n,)) was public: exchanges give it minutes later."""
    return at + OPEN_INTEREST_DELAY


def basis_known(at: IntArray, step: int) -> IntArray:
    """When the basis at closes `at` (ms UTC, shape (n,)) of candles of `step` ms counts: at the next close.

    Its second market is asked for beside the cycle; of five hundred the last is there long after the close.
    """
    return at + step


def macro_known(at: IntArray) -> IntArray:
    """When the daily values of days that begin at `at` (ms UTC, shape (n,)) were public.

    The end of the next Monday to Friday. FRED publishes VIX, stocks and yields on the business day after; by the end
    of it a value is there whatever the source, and Friday's is not known on Saturday.
    """
    day = at // DAY
    weekday = (day + _THURSDAY) % 7
    to_next = np.select([weekday == 4, weekday == 5], [3, 2], 1)
    return np.asarray((day + to_next + 1) * DAY, dtype=np.int64)
