"""The table of odds: after which scores price rose how often, as measured on months after the learning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

LEAST = 200
"""Analyses: fewer say nothing, and no odds are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsStep:
    """Scores from `score` up to the next step: price is higher after the horizon with `probability`.

    Learned from `n` analyses; `low` to `high` is its 95 % interval. `effective` is how many independent cases the n are
    worth: outcomes overlap in time, and markets move together. What chance explains of the share seen is left out.
    """

    score: float
    probability: float
    low: float
    high: float
    n: int
    effective: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsStratum:
    """Analyses whose confidence is `confidence` or above, up to the next stratum; steps by rising score."""

    confidence: float
    steps: tuple[OddsStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsTable:
    """P(price higher after `horizon` candles | score, confidence), and for which brain it was measured.

    It speaks for a brain of these `layers` with these `weights` (those that are not 1) and this `min_layers` only:
    another brain's 70 is another 70. `first` and `last`: close times of the first and last analysis, ms UTC. `brier`
    and `ece`: how odds made in this way did on the months after those they were learned from, while learning.
    """

    horizon: int
    layers: tuple[str, ...]
    min_layers: int
    first: int
    last: int
    n: int
    brier: float
    ece: float
    strata: tuple[OddsStratum, ...]
    weights: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Plain values, to be read again by `odds_from_json`."""
        return {
            "horizon": self.horizon,
            "layers": list(self.layers),
            "weights": dict(self.weights),
            "min_layers": self.min_layers,
            "first": self.first,
            "last": self.last,
            "n": self.n,
            "brier": self.brier,
            "ece": self.ece,
            "strata": [
                {
                    "confidence": stratum.confidence,
                    "steps": [[s.score, s.probability, s.low, s.high, s.n, s.effective] for s in stratum.steps],
                }
                for stratum in self.strata
            ],
        }


def odds_from_json(data: Mapping[str, object]) -> OddsTable:
    """The table of what `to_json` gave; raises KeyError, TypeError or ValueError where it is no such thing."""
    strata = tuple(_stratum(one) for one in cast(list[Mapping[str, object]], data["strata"]))
    _check_rising("confidence", [stratum.confidence for stratum in strata])
    return OddsTable(
        horizon=int(cast(int, data["horizon"])),
        layers=tuple(str(name) for name in cast(list[object], data["layers"])),
        weights={str(name): float(w) for name, w in cast(dict[str, float], data["weights"]).items()},
        min_layers=int(cast(int, data["min_layers"])),
        first=int(cast(int, data["first"])),
        last=int(cast(int, data["last"])),
        n=int(cast(int, data["n"])),
        brier=float(cast(float, data["brier"])),
        ece=float(cast(float, data["ece"])),
        strata=strata,
    )


def _stratum(data: Mapping[str, object]) -> OddsStratum:
    steps = tuple(_step(row) for row in cast(list[Sequence[float]], data["steps"]))
    _check_rising("score", [step.score for step in steps])
    return OddsStratum(confidence=float(cast(float, data["confidence"])), steps=steps)


def _step(row: Sequence[float]) -> OddsStep:
    score, probability, low, high, n, effective = row
    if not 0 <= low <= probability <= high <= 1:
        raise ValueError(f"odds of {probability} in {low} to {high}")
    return OddsStep(
        score=float(score),
        probability=float(probability),
        low=float(low),
        high=float(high),
        n=int(n),
        effective=float(effective),
    )


def _check_rising(name: str, values: Sequence[float]) -> None:
    if not values or any(not a < b for a, b in pairwise(values)):
        raise ValueError(f"the odds' steps of {name} do not rise")
