"""A whole calibration out of recorded markets: the constants of all months, and odds by walking through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hybridd.analysis.calibration import Calibration
from hybridd.errors import UsageError
from hybridd.model.reading import Market
from hybridd.replay.calibrate import Named, Study, complete
from hybridd.replay.files import Recording
from hybridd.replay.odds import learn_odds, need_scipy
from hybridd.replay.recorded_context import with_context
from hybridd.replay.run import market_of
from hybridd.replay.walk_forward import Progress, months, sample_of, walk_forward


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """The settings that odds depend on: candles they look ahead, weights by layer (1 where not named), least layers."""

    horizon: int = 12
    weights: Mapping[str, float] = field(default_factory=dict)
    min_layers: int = 8


def markets_of(recordings: Sequence[Recording], context: Path | None, end: int) -> Named:
    """The recorded markets of candles that closed by `end` (ms UTC), with what a folder of context says around them."""
    if context is not None and not context.is_dir():
        raise UsageError(
            f"there is no folder {context}", remedy="give the folder with the recorded context to --context"
        )
    found: list[tuple[str, Market]] = []
    for recording in recordings:
        market = market_of(recording.instrument, recording.candles.closed_by(end))
        found.append((recording.instrument.symbol, market if context is None else with_context(market, context)))
    return found


def teach(
    study: Study,
    thinking: Thinking,
    base: Calibration | None = None,
    progress: Progress = lambda _done, _of: None,
) -> Calibration:
    """The calibration of all the study's months; without odds where those are too few to judge odds by.

    The scores that odds are learned from come from constants learned before them, month by month; the constants
    themselves are those of all months. Layers that the data say nothing of keep the scales of `base`.
    """
    need_scipy()
    found = complete(study, study.learn(study.last, base=base).calibration)
    folds = months(study.first, study.last)
    rows = walk_forward(study, folds, thinking.weights, thinking.min_layers, progress)
    sample = sample_of(study, rows, thinking.horizon)
    if not len(sample):
        return found
    return replace(found, odds=learn_odds(sample, rows.names, thinking.weights, thinking.min_layers, study.step))
