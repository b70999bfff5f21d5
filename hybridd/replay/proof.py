"""The proof of the brain: what layers, the score and the odds were worth on months that nothing was learned from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridd.model.timeframe import timeframe_of
from hybridd.replay.calibrate import Study
from hybridd.replay.odds import STRATA, Judged, choose, judge
from hybridd.replay.teach import Thinking
from hybridd.replay.walk_forward import Fold, Progress, Rows, Sample, months, sample_of, walk_forward
from hybridd.reports.calibration import (
    Bin,
    Correlation,
    Interval,
    brier_score,
    expected_chance_error,
    information_coefficient,
    reliability,
    wilson_interval,
)
from hybridd.reports.outcomes import clusters, independent

HORIZONS = (3_600_000, 14_400_000, 86_400_000)  # an hour, four hours, a day
COMBINED = "combined"
SKILL, AGAINST, NONE, UNKNOWN = "skill", "wrong way", "no skill shown", "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one opinion was worth over some months. NaN where nothing could be measured.

    `hit`: share of moves that went the opinion's way (opinions of exactly 50 and moves of nothing left out), with its
    interval from `effective` cases. `brier`, `base` (odds that only know how often price rose before), `ece` and
    `chance` (the error that chance alone would give perfect odds) are over the `judged` analyses that had odds.
    """

    n: int
    correlation: Correlation
    hit: float
    hits: Interval
    effective: float
    brier: float
    base: float
    ece: float
    chance: float
    judged: int

    @property
    def verdict(self) -> str:
        """By the interval of the correlation alone: above 0, below 0, or holding it."""
        if np.isnan(self.correlation.interval.low):
            return UNKNOWN
        if self.correlation.interval.above_zero:
            return SKILL
        return AGAINST if self.correlation.interval.below_zero else NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One layer, or the combined score, at one horizon (ms): the walked months, and the months kept for the end."""

    name: str
    horizon: int
    walked: Evidence
    final: Evidence

    @property
    def verdict(self) -> str:
        """What the walked months say, and whether the final ones confirm it; what only those say is not shown."""
        walked, final = self.walked.verdict, self.final.verdict
        if walked not in {SKILL, AGAINST} or final == walked:
            return walked
        return f"{walked}, {'contradicted' if final in {SKILL, AGAINST} else 'not confirmed'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """All the evidence, and what it was made from. Times ms UTC; `curve`: reliability of the final months' odds."""

    symbols: tuple[str, ...]
    timeframe: str
    fingerprint: str
    context: str
    first: int
    last: int
    final: int
    folds: tuple[Fold, ...]
    thinking: Thinking
    opinions: tuple[Opinion, ...]
    curve_horizon: int
    curve: tuple[Bin, ...]
    odds: Evidence


def prove(study: Study, final: int, thinking: Thinking, progress: Progress = lambda _done, _of: None) -> Proof:
    """Walk forward up to `final` (ms UTC), then judge what comes after it with what was learned before it.

    Strata of odds are chosen on the months before `final` only.
    """
    folds = (*months(study.first, final), Fold(learned=final, until=study.last))
    rows = walk_forward(study, folds, thinking.weights, thinking.min_layers, progress)
    horizons = [ms // study.step for ms in HORIZONS if ms % study.step == 0 and ms >= study.step]
    opinions = [_opinion(study, rows, horizon, name) for horizon in horizons for name in (None, *rows.names)]
    own = sample_of(study, rows, thinking.horizon)
    judged = _final_odds(own, STRATA)[1]
    return Proof(
        symbols=study.symbols,
        timeframe=str(timeframe_of(study.step)),
        fingerprint=study.fingerprint,
        context=study.context,
        first=study.first,
        last=study.last,
        final=final,
        folds=folds,
        thinking=thinking,
        opinions=tuple(opinions),
        curve_horizon=thinking.horizon,
        curve=reliability(judged.forecast, judged.sample.up),
        odds=_evidence(own, [len(folds) - 1], judged),
    )


def _opinion(study: Study, rows: Rows, horizon: int, layer: str | None) -> Opinion:
    sample = sample_of(study, rows, horizon, layer)
    last = len(rows.folds) - 1
    walked, final = _final_odds(sample, STRATA if layer is None else STRATA[:1])
    return Opinion(
        name=layer or COMBINED,
        horizon=horizon * study.step,
        walked=_evidence(sample, range(last), walked),
        final=_evidence(sample, [last], final),
    )


def _final_odds(sample: Sample, counts: Sequence[int]) -> tuple[Judged, Judged]:
    """The odds of the walked months, in as many strata as did best there, and those of the final months in as many."""
    last = len(sample.folds) - 1
    # Outcomes that reach into the final months are not known before them: they choose nothing.
    before = sample.only((sample.fold < last) & (sample.close_time + sample.horizon <= sample.folds[last].learned))
    count, walked = choose(before, counts, range(last))
    return walked, judge(sample, count, [last])


def _evidence(sample: Sample, folds: Sequence[int], judged: Judged) -> Evidence:
    start = np.array([fold.learned for fold in sample.folds])[sample.fold] + sample.horizon
    seen = sample.only(np.isin(sample.fold, list(folds)) & (sample.close_time > start))
    spoken = seen.only((seen.score != 50) & (seen.move != 0))
    right = (spoken.score > 50) == spoken.up
    effective = independent(right, spoken.close_time, spoken.market, spoken.horizon) if len(spoken) else 0.0
    hit = float(right.mean()) if len(spoken) else float("nan")
    after = judged.sample
    return Evidence(
        n=len(seen),
        correlation=information_coefficient(seen.score, seen.move, clusters(seen.close_time, seen.horizon)),
        hit=hit,
        hits=wilson_interval(hit, effective),
        effective=effective,
        brier=judged.brier,
        base=brier_score(judged.base, after.up),
        ece=judged.ece,
        chance=expected_chance_error(judged.forecast, after.up, clusters(after.close_time, after.horizon)),
        judged=len(after),
    )
