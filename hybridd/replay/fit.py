"""Whether the constants in force still fit given candles: medians, spreads, strong scores, the odds' calibration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hybridd.analysis.brain import Brain, Scores
from hybridd.analysis.calibration import Calibration
from hybridd.errors import DataError
from hybridd.model.candle import FloatArray
from hybridd.replay.calibrate import Named, scale_of
from hybridd.replay.odds import ECE_GOAL, forecasts
from hybridd.reports.calibration import expected_calibration_error, expected_chance_error
from hybridd.reports.outcomes import clusters, moves

MEDIAN = (45.0, 55.0)
SPREAD = (10.0, 20.0)
STRONG = (0.10, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One measured number and the range that it should be in; `value` None where nothing could be measured.

    `market`: where it was measured, "" for all of them together and where no market gave an answer.
    """

    name: str
    value: float | None
    low: float
    high: float
    market: str = ""

    @property
    def fits(self) -> bool:
        """Whether it is in its range; what cannot be measured is not held against the constants."""
        return self.value is None or self.low <= self.value <= self.high

    @property
    def distance(self) -> float:
        """From the middle of the range, 1 at its ends; below all others where nothing could be measured."""
        return -1.0 if self.value is None else abs(2 * self.value - self.low - self.high) / (self.high - self.low)


def fit_of(markets: Named, brain: Brain, calibration: Calibration, *, odds: bool) -> list[Check]:
    """The checks; every market has to pass. `odds`: whether the calibration's odds speak for this brain.

    Each layer's scores should have a median of 50 ± 5 and a robust standard deviation of 15 ± 5 (where learned: 50 and
    14.6 over all markets); of these the market farthest from the middle is told. The score should be beyond 65 or
    under 35 in 10 % to 25 % of a market's analyses. The odds' calibration error over all markets should be 0.02 at
    most, and what chance alone would add on so few candles. Raises DataError where a market has no score at all.
    """
    scores = [(symbol, brain.score_series(market)) for symbol, market in markets]
    _refuse_silent(scores)
    checks = [check for row, name in enumerate(brain.names) for check in _layer(name, row, scores)]
    checks += [_strong(symbol, one) for symbol, one in scores]
    return [*checks, _odds(markets, scores, calibration)] if odds else checks


def _refuse_silent(scores: Sequence[tuple[str, Scores]]) -> None:
    for symbol, one in scores:
        if np.isnan(one.score).all():
            raise DataError(
                f"{symbol}: no layer answers on its {len(one):,} candles, so nothing can be checked",
                remedy="give more of them, some weeks at least",
            )


def _layer(name: str, row: int, scores: Sequence[tuple[str, Scores]]) -> Iterator[Check]:
    found = [(symbol, *_centre_and_spread(one.values[row])) for symbol, one in scores]
    yield _farthest([_within(MEDIAN, f"{name}: median", symbol, median) for symbol, median, _ in found])
    yield _farthest([_within(SPREAD, f"{name}: spread", symbol, spread) for symbol, _, spread in found])


def _centre_and_spread(values: FloatArray) -> tuple[float | None, float | None]:
    if np.isnan(values).all():
        return None, None
    scale = scale_of(values)
    return float(np.nanmedian(values)), scale.spread if scale else 0.0


def _strong(symbol: str, scores: Scores) -> Check:
    known = scores.score[~np.isnan(scores.score)]
    share = float(np.mean(np.abs(known - 50) >= 15)) if len(known) else None
    return _within(STRONG, "share of scores beyond 65 or under 35", symbol, share)


def _within(limits: tuple[float, float], name: str, market: str, value: float | None) -> Check:
    return Check(name=name, value=value, low=limits[0], high=limits[1], market=market)


def _farthest(checks: Sequence[Check]) -> Check:
    farthest = max(checks, key=lambda check: check.distance)
    return farthest if farthest.value is not None else replace(farthest, market="")


def _odds(markets: Named, scores: Sequence[tuple[str, Scores]], calibration: Calibration) -> Check:
    table = calibration.odds
    if table is None:
        return Check(name="calibration error of the odds", value=None, low=0.0, high=ECE_GOAL)
    said, up, cluster = [], [], []
    for (_, market), (_, one) in zip(markets, scores, strict=True):
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
