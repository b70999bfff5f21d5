"""Learns odds: how often price rose after a score, by isotonic regression on months that came after the learning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from hybridd.analysis.odds_table import LEAST, OddsStep, OddsStratum, OddsTable
from hybridd.errors import HybriddError
from hybridd.model.candle import BoolArray, FloatArray
from hybridd.replay.walk_forward import Sample
from hybridd.reports.calibration import brier_score, expected_calibration_error, wilson_interval
from hybridd.reports.outcomes import independent

GROUPS = 20
"""Scores are grouped into so many of equal size before the regression, each of 200 analyses at least."""
LEAST_FOLDS = 2
ECE_GOAL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a table is made: into how many strata of confidence, and whether odds may fall as the score rises."""

    strata: int = 1
    may_fall: bool = True


SHAPES = tuple(Shape(strata=n, may_fall=fall) for n in (1, 2, 3) for fall in (False, True))
PLAIN = tuple(Shape(strata=1, may_fall=fall) for fall in (False, True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """Odds given before their outcome was known, and the outcomes; `base`: how often price rose until then."""

    forecast: FloatArray
    base: FloatArray
    sample: Sample

    @property
    def ece(self) -> float:
        """Expected calibration error, NaN of nothing."""
        return expected_calibration_error(self.forecast, self.sample.up)

    @property
    def brier(self) -> float:
        """Brier score, NaN of nothing."""
        return brier_score(self.forecast, self.sample.up)


def need_scipy() -> None:
    """Raise HybriddError where scipy, which learning odds needs, is not installed."""
    try:
        import_module("scipy.optimize")
    except ImportError:
        raise HybriddError(
            "learning odds needs scipy, which is not installed", remedy="pip install 'hybridd[calibrate]'"
        ) from None


def isotonic(shares: FloatArray, counts: FloatArray, *, rising: bool) -> FloatArray:
    """The monotone values nearest to the shares in weighted squares (scipy.optimize.isotonic_regression).

    Pool adjacent violators: R. Barlow et al., Statistical Inference under Order Restrictions (1972), p. 13.
    """
    need_scipy()
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(shares, weights=counts, increasing=rising).x, dtype=np.float64)


def strata_of(sample: Sample, shape: Shape, *, intervals: bool = True) -> tuple[OddsStratum, ...]:
    """The table's strata, of a sample that is not empty: equal shares of confidences, as far as ties let them.

    Without `intervals`, which take most of the time, every step has that from 0 to 1.
    """
    inner = np.quantile(sample.confidence, np.arange(1, shape.strata) / shape.strata, method="inverted_cdf")
    edges = np.unique(np.r_[0.0, inner[inner > sample.confidence.min()]])
    which = np.searchsorted(edges, sample.confidence, side="right") - 1
    return tuple(
        OddsStratum(confidence=_tidy(edge), steps=_steps(sample.only(which == i), shape, intervals))
        for i, edge in enumerate(edges)
    )


def forecasts(strata: Sequence[OddsStratum], score: FloatArray, confidence: FloatArray) -> FloatArray:
    """The probability that the table has for each analysis, shape (n,)."""
    edges = np.array([stratum.confidence for stratum in strata])
    which = np.maximum(np.searchsorted(edges, confidence, side="right") - 1, 0)
    found = np.empty(len(score))
    for i, stratum in enumerate(strata):
        here = which == i
        starts = np.array([step.score for step in stratum.steps])
        values = np.array([step.probability for step in stratum.steps])
        found[here] = values[np.maximum(np.searchsorted(starts, score[here], side="right") - 1, 0)]
    return found


def judge(sample: Sample, shape: Shape, folds: Sequence[int]) -> Judged:
    """Each fold's odds out of the opinions whose outcome was known before it; folds without 200 of those left out."""
    said, base, tested = [np.zeros(0)], [np.zeros(0)], np.zeros(len(sample), dtype=np.bool_)
    for fold in folds:
        known = sample.known_by(sample.folds[fold].learned)
        now = (sample.fold == fold) & (sample.close_time > sample.folds[fold].learned + sample.horizon)
        if len(known) < LEAST or not now.any():
            continue
        said.append(forecasts(strata_of(known, shape, intervals=False), sample.score[now], sample.confidence[now]))
        base.append(np.full(int(now.sum()), known.up.mean()))
        tested |= now
    order = _by_fold(sample, tested)
    return Judged(forecast=np.concatenate(said), base=np.concatenate(base), sample=order)


def choose(sample: Sample, shapes: Sequence[Shape], folds: Sequence[int]) -> tuple[Shape, Judged]:
    """The sharpest shape that is calibrated: the lowest Brier score among those with an ECE of 0.02 at most.

    Where none is, the lowest ECE; of equals the plainest. T. Gneiting, F. Balabdaoui and A. Raftery, JRSS B 69 (2007),
    p. 243: maximise sharpness subject to calibration.
    """
    tried = [(shape, judge(sample, shape, folds)) for shape in shapes]
    return min(tried, key=lambda one: _merit(*one))


def _merit(shape: Shape, judged: Judged) -> tuple[float, float, int, bool]:
    ece, brier = (round(float(np.nan_to_num(value, nan=1.0)), 6) for value in (judged.ece, judged.brier))
    return max(ece, ECE_GOAL), brier, shape.strata, shape.may_fall


def learn_odds(
    sample: Sample, names: Sequence[str], weights: Mapping[str, float], min_layers: int, step: int
) -> OddsTable | None:
    """The table of odds of a walk-forward sample; None where fewer than two folds can judge it. `step` in ms."""
    folds = range(len(sample.folds))
    shape, judged = choose(sample, SHAPES, folds)
    if len(np.unique(judged.sample.fold)) < LEAST_FOLDS:
        return None
    return OddsTable(
        horizon=sample.horizon // step,
        layers=tuple(names),
        weights={name: weights[name] for name in names if weights.get(name, 1.0) != 1.0},
        min_layers=min_layers,
        first=int(sample.close_time.min()),
        last=int(sample.close_time.max()),
        n=len(sample),
        brier=_tidy(judged.brier),
        ece=_tidy(judged.ece),
        strata=strata_of(sample, shape),
    )


def _steps(sample: Sample, shape: Shape, intervals: bool) -> tuple[OddsStep, ...]:
    groups = max(1, min(GROUPS, len(sample) // LEAST))
    edges = np.unique(np.quantile(sample.score, np.arange(1, groups) / groups, method="inverted_cdf"))
    edges = np.r_[0.0, edges[edges > sample.score.min()]]
    which = np.searchsorted(edges, sample.score, side="right") - 1
    counts = np.bincount(which, minlength=len(edges)).astype(np.float64)
    edges, which = edges[counts > 0], (np.cumsum(counts > 0) - 1)[which]
    counts = counts[counts > 0]
    shares = np.bincount(which, weights=sample.up.astype(np.float64)) / counts
    rising = not shape.may_fall or _rises(shares, counts)
    fitted = isotonic(shares, counts, rising=rising)
    starts = np.flatnonzero(np.r_[True, np.abs(np.diff(fitted)) > 1e-12])
    ends = np.r_[starts[1:], len(fitted)]
    return tuple(
        _step(edges[a] if a else 0.0, sample.only((which >= a) & (which < b)), intervals)
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def _rises(shares: FloatArray, counts: FloatArray) -> bool:
    """Whether the shares go up with their position rather than down, by the sign of the weighted covariance."""
    place = np.arange(len(shares))
    middle = np.average(place, weights=counts)
    return bool(np.sum(counts * (place - middle) * shares) >= 0)


def _step(score: float, sample: Sample, intervals: bool) -> OddsStep:
    share = float(sample.up.mean())
    effective = independent(sample.up, sample.close_time, sample.market, sample.horizon) if intervals else 0.0
    interval = wilson_interval(share, effective)
    return OddsStep(
        score=_tidy(score),
        probability=_tidy(share),
        low=_tidy(interval.low),
        high=_tidy(interval.high),
        n=len(sample),
        effective=round(effective, 1),
    )


def _by_fold(sample: Sample, chosen: BoolArray) -> Sample:
    """The chosen rows, fold after fold: the order in which they were judged."""
    kept = sample.only(chosen)
    return kept.only(np.argsort(kept.fold, kind="stable"))


def _tidy(value: float) -> float:
    return round(float(value), 6)
