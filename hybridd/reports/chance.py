"""How far a sum of few cases can be trusted: its bootstrap interval, and one word for what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hybridd.reports.calibration import Interval

FEW = 5
"""Fewer cases than this have no interval: resampling so few says little more than their own spread."""
RESAMPLES = 4000
SEED = 20_090_103


class Verdict(StrEnum):
    """What a sum shows."""

    NOTHING = "nothing"  # there is no case
    FEW = "few"  # too few cases to say anything
    CHANCE = "chance"  # the interval holds zero
    GAIN = "gain"
    LOSS = "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A sum over `n` cases with the 95 % interval that other cases like these would have given; None of too few."""

    n: int
    total: float
    interval: Interval | None

    @property
    def mean(self) -> float | None:
        """Of one case."""
        return self.total / self.n if self.n else None

    @property
    def verdict(self) -> Verdict:
        """What it shows."""
        if self.interval is None:
            return Verdict.FEW if self.n else Verdict.NOTHING
        if self.interval.above_zero:
            return Verdict.GAIN
        return Verdict.LOSS if self.interval.below_zero else Verdict.CHANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The mean of some cases against that of others, and the 95 % interval of the difference; None of too few."""

    n: int
    mean: float | None
    other_n: int
    other_mean: float | None
    interval: Interval | None

    @property
    def verdict(self) -> Verdict:
        """What the difference, first less second, shows."""
        if self.interval is None:
            return Verdict.FEW if self.n and self.other_n else Verdict.NOTHING
        if self.interval.above_zero:
            return Verdict.GAIN
        return Verdict.LOSS if self.interval.below_zero else Verdict.CHANCE


def contrast(values: Sequence[float], others: Sequence[float], seed: int = SEED) -> Contrast:
    """The means of two groups, each resampled by itself."""
    sides = [np.array(side, dtype=np.float64) for side in (values, others)]
    means = [float(side.mean()) if len(side) else None for side in sides]
    interval = None
    if min(map(len, sides)) >= FEW:
        random = np.random.default_rng(seed)
        first, second = (side[random.integers(0, len(side), (RESAMPLES, len(side)))].mean(axis=1) for side in sides)
        low, high = np.quantile(first - second, (0.025, 0.975))
        interval = Interval(low=float(low), high=float(high))
    return Contrast(n=len(sides[0]), mean=means[0], other_n=len(sides[1]), other_mean=means[1], interval=interval)


def summed(values: Sequence[float], seed: int = SEED) -> Sum:
    """The sum of `values` with its percentile bootstrap interval (B. Efron, Annals of Statistics 7 (1979), p. 1).

    The cases are resampled as if they were independent; the same values and seed give the same interval.
    """
    given = np.array(values, dtype=np.float64)
    total = float(given.sum())
    if len(given) < FEW:
        return Sum(n=len(given), total=total, interval=None)
    picked = np.random.default_rng(seed).integers(0, len(given), (RESAMPLES, len(given)))
    low, high = np.quantile(given[picked].sum(axis=1), (0.025, 0.975))
    return Sum(n=len(given), total=total, interval=Interval(low=float(low), high=float(high)))
