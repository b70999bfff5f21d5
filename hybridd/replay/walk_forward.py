"""Walk forward: learn up to a month, judge the next one, learn up to that one, and so on. Nothing looks ahead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from hybridd.clock import as_datetime, as_ms
from hybridd.model.candle import BoolArray, FloatArray, IntArray
from hybridd.replay.calibrate import Learned, Study
from hybridd.reports.outcomes import DAY, moves

LEARN_FIRST = 90 * DAY
"""What is learned from before the first month is judged."""
MOST_FOLDS = 12

Progress = Callable[[int, int], None]
SAMPLED = ("score", "confidence", "move", "close_time", "market", "fold")
COLUMNS = ("market", "at", "fold", "close_time", "score", "confidence", "values")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Constants learned from candles that closed by `learned` judge those that closed after, up to `until` (ms UTC)."""

    learned: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """m analyses made with constants that were learned before them, and where their candles are.

    `market` and `at`: which market of the study and which of its candles; `fold`: index into `folds`; `close_time` ms
    UTC; all of shape (m,), as are `score` and `confidence`. `values`, shape (k, m), has a row for each of `names`.
    """

    folds: tuple[Fold, ...]
    names: tuple[str, ...]
    market: IntArray
    at: IntArray
    fold: IntArray
    close_time: IntArray
    score: FloatArray
    confidence: FloatArray
    values: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """m opinions with what followed each: `move` is close after the horizon over close, less 1; none is unknown.

    `fold` and `folds` as in Rows; `horizon` in ms.
    """

    horizon: int
    folds: tuple[Fold, ...]
    score: FloatArray
    confidence: FloatArray
    move: FloatArray
    close_time: IntArray
    market: IntArray
    fold: IntArray

    def __len__(self) -> int:
        return len(self.score)

    @property
    def up(self) -> BoolArray:
        """Whether price was higher after the horizon."""
        return self.move > 0

    def only(self, chosen: BoolArray | IntArray) -> "Sample":
        """The rows of a mask, or at positions."""
        return replace(self, **{column: getattr(self, column)[chosen] for column in SAMPLED})

    def known_by(self, moment: int) -> "Sample":
        """The opinions whose outcome was known at `moment`: purged of all that reach beyond it."""
        return self.only(self.close_time + self.horizon <= moment)

    def judged(self, fold: int) -> "Sample":
        """The opinions of a fold, but for an embargo of one horizon after what was learned."""
        return self.only((self.fold == fold) & (self.close_time > self.folds[fold].learned + self.horizon))


def months(first: int, last: int) -> tuple[Fold, ...]:
    """A fold for each calendar month (UTC) from 90 days after `first` to `last`; several together beyond twelve."""
    starts = [start for start in _month_starts(first, last) if start - first >= LEARN_FIRST]
    together = -(-len(starts) // MOST_FOLDS) or 1
    edges = [*starts[::together], last]
    return tuple(Fold(learned=start, until=end) for start, end in pairwise(edges) if end > start)


def walk_forward(
    study: Study,
    folds: Sequence[Fold],
    weights: Mapping[str, float],
    min_layers: int,
    progress: Progress = lambda _done, _of: None,
) -> Rows:
    """Judge every fold with what was learned before it."""
    names = tuple(name for name in study.names if weights.get(name, 1.0) > 0)
    empty = _nothing(tuple(folds), names)
    parts = [empty]
    for number, fold in enumerate(folds):
        progress(number, len(folds))
        learned = study.learn(fold.learned, fold.until)
        parts += [
            _rows(empty, learned, position, number, weights, min_layers) for position in range(len(learned.markets))
        ]
    progress(len(folds), len(folds))
    columns: dict[str, Any] = {
        column: np.concatenate([getattr(part, column) for part in parts], axis=-1) for column in COLUMNS
    }
    return replace(empty, **columns)


def sample_of(study: Study, rows: Rows, horizon: int, layer: str | None = None) -> Sample:
    """The opinions of the brain, or of one layer (confidence 0), that are known with their outcomes.

    `horizon` in candles.
    """
    move = np.full(len(rows.at), np.nan)
    for position, market in enumerate(study.markets):
        here = rows.market == position
        move[here] = moves(market.candles, horizon)[rows.at[here]]
    score = rows.score if layer is None else rows.values[rows.names.index(layer)]
    sample = Sample(
        horizon=horizon * study.step,
        folds=rows.folds,
        score=score,
        confidence=rows.confidence if layer is None else np.zeros(len(score)),
        move=move,
        close_time=rows.close_time,
        market=rows.market,
        fold=rows.fold,
    )
    return sample.only(~np.isnan(score) & ~np.isnan(move))


def _rows(
    empty: Rows, learned: Learned, position: int, number: int, weights: Mapping[str, float], min_layers: int
) -> Rows:
    candles = learned.markets[position].candles
    at = np.flatnonzero(candles.close_time > empty.folds[number].learned)
    if not len(at):
        return empty
    names = empty.names
    scores = learned.scores(position, names, {name: weights.get(name, 1.0) for name in names}, min_layers)
    return replace(
        empty,
        market=np.full(len(at), position, dtype=np.int64),
        at=at,
        fold=np.full(len(at), number, dtype=np.int64),
        close_time=candles.close_time[at],
        score=scores.score[at],
        confidence=scores.confidence[at],
        values=scores.values[:, at],
    )


def _nothing(folds: tuple[Fold, ...], names: tuple[str, ...]) -> Rows:
    whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Rows(
        folds=folds,
        names=names,
        market=whole,
        at=whole,
        fold=whole,
        close_time=whole,
        score=real,
        confidence=real,
        values=np.zeros((len(names), 0)),
    )


def _month_starts(first: int, last: int) -> list[int]:
    moment = as_datetime(first).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    starts = []
    while as_ms(moment) < last:
        starts.append(as_ms(moment))
        moment = moment.replace(year=moment.year + moment.month // 12, month=moment.month % 12 + 1)
    return starts
