"""Odds of an analysis: looked up in what was measured, never computed out of the score."""

from bisect import bisect_right
from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.odds_table import LEAST
from hybridd.model.analysis import Odds


def odds_of(calibration: Calibration, score: float, confidence: float) -> Odds | None:
    """P(price higher after the horizon) for a score in [0, 100] and a confidence in [0, 1].

    None where none were measured, where fewer than 200 analyses speak, and for a score that is NaN.
    """
    table = calibration.odds
    if table is None or score != score:
        return None
    steps = table.strata[max(0, bisect_right(table.strata, confidence, key=lambda one: one.confidence) - 1)].steps
    step = steps[max(0, bisect_right(steps, score, key=lambda one: one.score) - 1)]
    if step.n < LEAST:
        return None
    return Odds(probability=step.probability, low=step.low, high=step.high, n=step.n)


def why_no_odds(
    calibration: Calibration,
    timeframe: str,
    horizon: int,
    layers: tuple[str, ...],
    weights: Mapping[str, float],
    min_layers: int,
) -> str:
    """Why the table does not speak for this brain on this time frame, "" where it does.

    `layers` are those that are switched on, `weights` theirs by name, 1 where not named.
    """
    table = calibration.odds
    if table is None:
        return "the calibration in force holds no odds"
    if timeframe != calibration.timeframe:
        return f"the odds were measured on candles of {calibration.timeframe}, not {timeframe}"
    if horizon != table.horizon:
        return f"the odds look {table.horizon} candles ahead, not {horizon}"
    if set(layers) != set(table.layers) or _unlike_one(weights, layers) != _unlike_one(table.weights, table.layers):
        return "the odds were measured with other layers or weights"
    if min_layers != table.min_layers:
        return f"the odds were measured with min_layers = {table.min_layers}, not {min_layers}"
    return ""


def _unlike_one(weights: Mapping[str, float], layers: tuple[str, ...]) -> dict[str, float]:
    return {name: weights[name] for name in layers if weights.get(name, 1.0) != 1.0}
