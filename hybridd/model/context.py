"""Inputs beyond a market's own candles: series of numbers, each known only from its publication on."""

from dataclasses import dataclass

import numpy as np

from hybridd.model.candle import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class ContextSeries:
    """n values of one name. `at`: the instants they describe, `known_at`: when each became public; ms UTC, shape (n,).

    `known_at` never falls, so that the newest value known at a moment is found by bisection. `stale_after` (ms) is how
    long after its publication a value still speaks for the present.
    """

    name: str
    at: IntArray
    known_at: IntArray
    values: FloatArray
    stale_after: int

    def __post_init__(self) -> None:
        if not (self.at.shape == self.known_at.shape == self.values.shape):
            raise ValueError(f"{self.name}: columns differ in length")
        if len(self.known_at) > 1 and np.any(np.diff(self.known_at) < 0):
            raise ValueError(f"{self.name}: publication times must not fall")

    def __len__(self) -> int:
        return len(self.at)

    def positions(self, moments: IntArray) -> IntArray:
        """For each moment (ms UTC, shape (m,)) the position of the newest value known then, -1 where there is none."""
        return count_by(self.known_at, moments) - 1

    def as_known(self, moments: IntArray) -> FloatArray:
        """The newest value known at each moment, shape (m,); NaN before the first one and once it has grown stale."""
        places = self.positions(moments)
        known = places >= 0
        found = (
            np.where(known, self.values[np.maximum(places, 0)], np.nan) if len(self) else np.full(len(moments), np.nan)
        )
        if len(self):
            age = moments - self.known_at[np.maximum(places, 0)]
            found[known & (age > self.stale_after)] = np.nan
        return found

    def values_by(self, moment: int) -> FloatArray:
        """The values that had been published by `moment` (ms UTC)."""
        return self.values[: int(self.known_at.searchsorted(moment, side="right"))]

    def known_by(self, moment: int) -> "ContextSeries":
        """What had been published by `moment` (ms UTC)."""
        end = int(np.searchsorted(self.known_at, moment, side="right"))
        return ContextSeries(self.name, self.at[:end], self.known_at[:end], self.values[:end], self.stale_after)


def count_by(column: IntArray, moments: IntArray) -> IntArray:
    """How many of a rising column are not after each of some moments: by bisection, unless they go in step."""
    n = len(moments)
    if n < 2:
        return column.searchsorted(moments, side="right")
    begin = int(column.searchsorted(moments[0], side="right"))
    next_ones = column[begin : begin + n]
    in_step = len(next_ones) >= n - 1 and (next_ones[: n - 1] <= moments[1:]).all()
    if in_step and (next_ones > moments[: len(next_ones)]).all():
        return np.arange(begin, begin + n)
    return column.searchsorted(moments, side="right")


FUNDING = "funding"  # share of the position paid at each settlement, 0.0001 = 0.01 %
OPEN_INTEREST = "open_interest"  # in the quote currency
BASIS = "basis"  # perpetual over spot, as a share of spot
IMBALANCE = "order_book"  # (bids − asks) / (bids + asks) within 1 % of the middle, in [−1, 1]
FEAR_GREED = "fear_greed"  # alternative.me, 0 to 100
MACRO = ("dxy", "vix", "sp500", "gold", "us10y")
