"""Learns odds: how often price rose after a score, by isotonic regression on months that came after the learning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from hybridd.analysis.odds_table import LEAST, OddsStep, OddsStratum, OddsTable
from hybridd.errors import HybriddError
from hybridd.model.candle import BoolArray, FloatArray, IntArray
from hybridd.replay.walk_forward import Sample
from hybridd.reports.calibration import Z95, brier_score, cluster_error, expected_calibration_error, wilson_interval
from hybridd.reports.outcomes import clusters, independent

GROUPS = 20
"""Scores are grouped into so many of equal size before the regression, each of 200 analyses at least."""
STRATA = (1, 2, 3)
"""Into how many strata of confidence a table may be parted, the plainest first."""
LEAST_FOLDS = 2
ECE_GOAL = 0.02


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


def strata_of(sample: Sample, count: int) -> tuple[OddsStratum, ...]:
    """The table's strata, of a sample that is not empty: equal shares of confidences, as far as ties let them."""
    inner = np.quantile(sample.confidence, np.arange(1, count) / count, method="inverted_cdf")
    edges = np.unique(np.r_[0.0, inner[inner > sample.confidence.min()]])
    which = np.searchsorted(edges, sample.confidence, side="right") - 1
    return tuple(
        OddsStratum(confidence=_tidy(edge), steps=_steps(sample.only(which == i))) for i, edge in enumerate(edges)
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


def judge(sample: Sample, count: int, folds: Sequence[int]) -> Judged:
    """Each fold's odds out of the opinions whose outcome was known before it; folds without 200 of those left out."""
    said, base, tested = [np.zeros(0)], [np.zeros(0)], np.zeros(len(sample), dtype=np.bool_)
    for fold in folds:
        known = sample.known_by(sample.folds[fold].learned)
        now = (sample.fold == fold) & (sample.close_time > sample.folds[fold].learned + sample.horizon)
        if len(known) < LEAST or not now.any():
            continue
        said.append(forecasts(strata_of(known, count), sample.score[now], sample.confidence[now]))
        base.append(np.full(int(now.sum()), known.up.mean()))
        tested |= now
    order = _by_fold(sample, tested)
    return Judged(forecast=np.concatenate(said), base=np.concatenate(base), sample=order)


def choose(sample: Sample, counts: Sequence[int], folds: Sequence[int]) -> tuple[int, Judged]:
    """Into how many strata: the first of `counts`, unless the sharpest calibrated one is better beyond doubt.

    Sharpest calibrated: the lowest Brier score among those with an ECE of 0.02 at most (T. Gneiting, F. Balabdaoui and
    A. Raftery, JRSS B 69 (2007), p. 243). Beyond doubt: all of the difference's 95 % interval, with days as clusters,
    is on its side. Of many tables one looks best by luck, and what luck chose does no better in the next month.
    """
    plain, *others = [(count, judge(sample, count, folds)) for count in counts]
    best = min([plain, *others], key=lambda one: _merit(*one))
    return best if best is plain or _sharper(best[1], plain[1]) else plain


def _merit(count: int, judged: Judged) -> tuple[float, float, int]:
    ece, brier = (round(float(np.nan_to_num(value, nan=1.0)), 6) for value in (judged.ece, judged.brier))
    return max(ece, ECE_GOAL), brier, count


def _sharper(one: Judged, other: Judged) -> bool:
    up, sample = one.sample.up, one.sample
    gain = (other.forecast - up) ** 2 - (one.forecast - up) ** 2
    return bool(gain.mean() > Z95 * cluster_error(gain, clusters(sample.close_time, sample.horizon)))


def learn_odds(
    sample: Sample, names: Sequence[str], weights: Mapping[str, float], min_layers: int, step: int
) -> OddsTable | None:
    """The table of odds of a walk-forward sample; None where fewer than two folds can judge it. `step` in ms."""
    folds = range(len(sample.folds))
    count, judged = choose(sample, STRATA, folds)
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
        strata=strata_of(sample, count),
    )


def _steps(sample: Sample) -> tuple[OddsStep, ...]:
    """Steps by rising score: their shares of rises, drawn toward even odds as far as chance explains them.

    First each step toward the share of all, then that share toward ½ (docs/decisions/0011).
    """
    edges, which = _groups(sample.score)
    counts = np.bincount(which).astype(np.float64)
    shares = np.bincount(which, weights=sample.up.astype(np.float64)) / counts
    fitted = isotonic(shares, counts, rising=_rises(shares, counts))
    first = np.flatnonzero(np.r_[True, np.abs(np.diff(fitted)) > 1e-12])
    block = np.searchsorted(first, which, side="right") - 1
    n, share, whole = np.bincount(block), float(sample.up.mean()), _worth(sample)
    worth = np.array([_worth(sample.only(block == i)) for i in range(len(first))])
    kept, middle = _kept(fitted[first] - share, n, worth), 0.5 + _drawn(share - 0.5, whole)
    if not kept:
        return (_step(0.0, middle, len(sample), whole),)
    found = middle + kept * (fitted[first] - share)
    return tuple(_step(*row) for row in zip(edges[first], found, n, worth, strict=True))


def _groups(score: FloatArray) -> tuple[FloatArray, IntArray]:
    """Groups of equal size, as far as ties let them: the score that each starts at, and which one each is in."""
    count = max(1, min(GROUPS, len(score) // LEAST))
    edges = np.unique(np.quantile(score, np.arange(1, count) / count, method="inverted_cdf"))
    edges = np.r_[0.0, edges[edges > score.min()]]
    return edges, np.searchsorted(edges, score, side="right") - 1


def _rises(shares: FloatArray, counts: FloatArray) -> bool:
    """Whether the shares go up with their position rather than down, by the sign of the weighted covariance."""
    place = np.arange(len(shares))
    middle = np.average(place, weights=counts)
    return bool(np.sum(counts * (place - middle) * shares) >= 0)


def _kept(away: FloatArray, n: IntArray, worth: FloatArray) -> float:
    """How much of the steps' distances from their mean is more than chance: 1 − mean square of chance/mean square seen.

    0 where chance explains them all. Empirical Bayes: B. Efron and C. Morris, JASA 68 (1973), p. 117.
    """
    seen, chance = float(np.sum(n * away**2)), float(np.sum(n * 0.25 / worth))
    return max(0.0, 1 - chance / seen) if seen > 0 else 0.0


def _drawn(away: float, worth: float) -> float:
    """One measured distance from ½ times t²/(1 + t²), as the records of patterns are shrunk."""
    squared = away**2 * worth / 0.25
    return away * squared / (1 + squared)


def _worth(sample: Sample) -> float:
    return independent(sample.up, sample.close_time, sample.market, sample.horizon)


def _step(score: float, share: float, n: int, worth: float) -> OddsStep:
    interval = wilson_interval(share, worth)
    return OddsStep(
        score=_tidy(score),
        probability=_tidy(share),
        low=_tidy(interval.low),
        high=_tidy(interval.high),
        n=int(n),
        effective=round(float(worth), 1),
    )


def _by_fold(sample: Sample, chosen: BoolArray) -> Sample:
    """The chosen rows, fold after fold: the order in which they were judged."""
    kept = sample.only(chosen)
    return kept.only(np.argsort(kept.fold, kind="stable"))


def _tidy(value: float) -> float:
    return round(float(value), 6)
