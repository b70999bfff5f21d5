"""Whether the constants in force still fit given candles: medians, spreads, strong scores, the odds' calibration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hybridd.analysis.brain import Brain, Scores
from hybridd.analysis.calibration import Calibration
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Market
from hybridd.replay.calibrate import Named, scale_of
from hybridd.replay.odds import ECE_GOAL, forecasts
from hybridd.reports.calibration import expected_calibration_error, expected_chance_error
from hybridd.reports.outcomes import clusters, moves

MEDIAN = (45.0, 55.0)
SPREAD = (10.0, 20.0)
STRONG = (0.10, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One measured number and the range that it should be in; `value` None where nothing could be measured."""

    name: str
    value: float | None
    low: float
    high: float

    @property
    def fits(self) -> bool:
        """Whether it is in its range; what cannot be measured is not held against the constants."""
        return self.value is None or self.low <= self.value <= self.high


def fit_of(markets: Named, brain: Brain, calibration: Calibration, *, odds: bool) -> list[Check]:
    """The checks, over all the markets together. `odds`: whether the calibration's odds speak for this brain.

    Each layer's scores should have a median of 50 ± 5 and a robust standard deviation of 15 ± 5 (where learned: 50 and
    14.6); the score be beyond 65 or under 35 in 10 % to 25 % of analyses; the odds' calibration error be 0.02 at most,
    and what chance alone would add on so few candles.
    """
    scores = [brain.score_series(market) for _, market in markets]
    checks = [check for row, name in enumerate(brain.names) for check in _layer(name, row, scores)]
    score = np.concatenate([one.score for one in scores])
    known = score[~np.isnan(score)]
    strong = float(np.mean(np.abs(known - 50) >= 15)) if len(known) else None
    checks.append(Check(name="share of scores beyond 65 or under 35", value=strong, low=STRONG[0], high=STRONG[1]))
    return checks + ([_odds([market for _, market in markets], scores, calibration)] if odds else [])


def _layer(name: str, row: int, scores: Sequence[Scores]) -> Iterator[Check]:
    values: FloatArray = np.concatenate([one.values[row] for one in scores])
    scale = scale_of(values)
    answered = bool((~np.isnan(values)).any())
    spread = scale.spread if scale else (0.0 if answered else None)
    yield Check(
        name=f"{name}: median", value=float(np.nanmedian(values)) if answered else None, low=MEDIAN[0], high=MEDIAN[1]
    )
    yield Check(name=f"{name}: spread", value=spread, low=SPREAD[0], high=SPREAD[1])


def _odds(markets: Sequence[Market], scores: Sequence[Scores], calibration: Calibration) -> Check:
    table = calibration.odds
    if table is None:
        return Check(name="calibration error of the odds", value=None, low=0.0, high=ECE_GOAL)
    said, up, cluster = [], [], []
    for market, one in zip(markets, scores, strict=True):
        move = moves(market.candles, table.horizon)
        known = ~np.isnan(move) & ~np.isnan(one.score)
        said.append(forecasts(table.strata, one.score[known], one.confidence[known]))
        up.append(move[known] > 0)
        cluster.append(clusters(one.close_time[known], table.horizon * market.candles.step))
    forecast, happened = np.concatenate(said), np.concatenate(up)
    if not len(forecast):
        return Check(name="calibration error of the odds", value=None, low=0.0, high=ECE_GOAL)
    chance = expected_chance_error(forecast, happened, np.concatenate(cluster))
    error = expected_calibration_error(forecast, happened)
    return Check(name="calibration error of the odds", value=error, low=0.0, high=ECE_GOAL + chance)
