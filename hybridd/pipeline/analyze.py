"""Candles to opinions: our own layers, or the brain that the person brings."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from hybridd.analysis.brain import Brain, Scores
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.odds import odds_of
from hybridd.brains.external import ExternalAnswer
from hybridd.model.analysis import Signal
from hybridd.model.candle import Candles, FloatArray
from hybridd.model.reading import Abstain, Input, Market, Reading
from hybridd.model.timeframe import timeframe_of
from hybridd.pipeline.observe import Opinion

FROM_CANDLES = frozenset({Input.CANDLES, Input.HIGHER})


class Analyst(Protocol):
    """One brain. `cheap` says that making up for many missed candles costs nothing worth speaking of."""

    cheap: bool

    def opinions(self, market: Market, after: int, *, explain: bool = True) -> Iterator[Opinion]:
        """One opinion for each candle that closed after `after` (ms UTC), oldest first. Raises BrainError.

        `explain` gives the newest one its readings, with their sentences.
        """
        ...

    def failures(self) -> dict[str, str]:
        """The layers that broke at the last call, with the error of each."""
        ...

    def unfed(self, supplied: frozenset[Input]) -> frozenset[str]:
        """The layers that read something beyond candles of which nothing is supplied: their silence is no news."""
        ...

    def layer_values(self, market: Market) -> dict[str, FloatArray]:
        """What each layer said at each candle, shape (n,), NaN where it said nothing."""
        ...


class LayerAnalyst:
    """hybridd's own layers. A candle that no layer can speak of yet has no opinion: it is left out.

    `odds`: the calibration whose odds speak for this brain; without one, or on another time frame than it was
    learned on, an opinion has none.
    """

    cheap = True

    def __init__(self, brain: Brain, odds: Calibration | None = None) -> None:
        self._brain = brain
        self._odds = odds
        self._failures: dict[str, str] = {}

    def opinions(self, market: Market, after: int, *, explain: bool = True) -> Iterator[Opinion]:
        scores = self._brain.score_series(market, after)
        self._failures = dict(scores.failures)
        wanted = np.flatnonzero(~np.isnan(scores.score))
        same_frame = self._odds is not None and timeframe_of(market.candles.step).text == self._odds.timeframe
        candles = market.candles[len(market.candles) - len(scores) :]
        columns = _Columns(scores, candles, self._odds if same_frame else None)
        for i in wanted.tolist():
            readings = self._brain.readings(market, scores, i) if explain and i == wanted[-1] else ()
            yield columns.opinion(i, readings)

    def failures(self) -> dict[str, str]:
        return self._failures

    def unfed(self, supplied: frozenset[Input]) -> frozenset[str]:
        wants = {layer.name: layer.inputs - FROM_CANDLES for layer in self._brain.layers}
        return frozenset(name for name, kinds in wants.items() if kinds and not kinds & supplied)

    def layer_values(self, market: Market) -> dict[str, FloatArray]:
        scores = self._brain.score_series(market)
        return dict(zip(scores.names, scores.values, strict=True))


class _Columns:
    """Columns as Python lists: taking single numbers out of arrays is ten times slower."""

    def __init__(self, scores: Scores, candles: Candles, odds: Calibration | None) -> None:
        self.close_time = scores.close_time.tolist()
        self.price = scores.price.tolist()
        self.high = candles.high.tolist()
        self.low = candles.low.tolist()
        self.score = scores.score.tolist()
        self.confidence = scores.confidence.tolist()
        self.agreeing = scores.agreeing.tolist()
        self.answered = scores.answered.tolist()
        self.degraded = scores.degraded.tolist()
        self.names = scores.names
        self.odds = odds
        # Which layers are silent changes rarely: each pattern is named once.
        self._silent = np.isnan(scores.values)
        self._key = np.packbits(self._silent, axis=0).T
        self._missing: dict[bytes, tuple[str, ...]] = {}

    def missing(self, i: int) -> tuple[str, ...]:
        key = self._key[i].tobytes()
        if key not in self._missing:
            silent = self._silent[:, i]
            self._missing[key] = tuple(name for name, gone in zip(self.names, silent, strict=True) if gone)
        return self._missing[key]

    def opinion(self, i: int, readings: tuple[Reading, ...]) -> Opinion:
        return Opinion(
            candle_close=self.close_time[i],
            price=self.price[i],
            high=self.high[i],
            low=self.low[i],
            score=self.score[i],
            confidence=self.confidence[i],
            agreeing=self.agreeing[i],
            answered=self.answered[i],
            layers=len(self.names),
            degraded=self.degraded[i],
            missing=self.missing(i),
            readings=readings,
            odds=odds_of(self.odds, self.score[i], self.confidence[i]) if self.odds is not None else None,
        )


class External(Protocol):
    """A brain from outside: a function or a command."""

    def ask(self, symbol: str, timeframe: str, candles: Candles) -> ExternalAnswer:
        """Its answer for the last of `candles`; raises BrainError."""
        ...


class ExternalAnalyst:
    """The person's own brain in place of all layers; its signal stands as it gave it."""

    cheap = False

    def __init__(self, brain: External, timeframe: str) -> None:
        self._brain = brain
        self._timeframe = timeframe

    def opinions(self, market: Market, after: int, *, explain: bool = True) -> Iterator[Opinion]:
        candles = market.candles
        first = int(np.searchsorted(candles.close_time, after, side="right"))
        for i in range(first, len(candles)):
            answer = self._brain.ask(market.instrument.symbol, self._timeframe, candles[: i + 1])
            yield _external_opinion(candles, i, answer, explain)

    def failures(self) -> dict[str, str]:
        return {}

    def unfed(self, supplied: frozenset[Input]) -> frozenset[str]:  # noqa: ARG002  # it reads what it reads
        return frozenset()

    def layer_values(self, market: Market) -> dict[str, FloatArray]:  # noqa: ARG002  # it has none to show
        return {}


def _external_opinion(candles: Candles, i: int, answer: ExternalAnswer, explain: bool) -> Opinion:
    side = np.sign(answer.score - 50)
    spoken = {name: value for name, value in answer.layers.items() if value is not None}
    silent = tuple(name for name, value in answer.layers.items() if value is None)
    return Opinion(
        candle_close=int(candles.close_time[i]),
        price=float(candles.close[i]),
        high=float(candles.high[i]),
        low=float(candles.low[i]),
        score=answer.score,
        confidence=answer.confidence,
        agreeing=sum(1 for value in spoken.values() if np.sign(value - 50) == side),
        answered=len(spoken),
        layers=len(answer.layers),
        degraded=bool(silent),
        missing=silent,
        readings=_external_readings(answer) if explain else (),
        signal=Signal(answer.signal),
    )


def _external_readings(answer: ExternalAnswer) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            layer=name,
            score=value,
            weight=1.0,
            reason="as the external brain says" if value is not None else "the external brain has no value",
            abstain=Abstain.ANSWERS if value is not None else Abstain.NO_DATA,
        )
        for name, value in answer.layers.items()
    )
