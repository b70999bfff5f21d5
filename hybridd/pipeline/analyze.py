"""Candles to opinions: our own layers, or the brain that the person brings."""

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import numpy as np

from hybridd.analysis.brain import Brain, Scores
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.odds import odds_of
from hybridd.brains.external import ExternalAnswer
from hybridd.model.analysis import Glimpse, Signal
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

    def columns(self, market: Market, after: int) -> "Columns | None":
        """The same opinions as columns, each made only where it is asked for; None from a brain that has no columns."""
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
        columns = self.columns(market, after)
        for i in range(len(columns)):
            newest = i == len(columns) - 1
            yield columns.opinion(i, columns.readings(i, self._brain, market) if explain and newest else ())

    def columns(self, market: Market, after: int) -> "Columns":
        scores = self._brain.score_series(market, after)
        self._failures = dict(scores.failures)
        same_frame = self._odds is not None and timeframe_of(market.candles.step).text == self._odds.timeframe
        candles = market.candles[len(market.candles) - len(scores) :]
        return Columns(scores, candles, after, self._odds if same_frame else None)

    def failures(self) -> dict[str, str]:
        return self._failures

    def unfed(self, supplied: frozenset[Input]) -> frozenset[str]:
        wants = {layer.name: layer.inputs - FROM_CANDLES for layer in self._brain.layers}
        return frozenset(name for name, kinds in wants.items() if kinds and not kinds & supplied)

    def layer_values(self, market: Market) -> dict[str, FloatArray]:
        scores = self._brain.score_series(market)
        return dict(zip(scores.names, scores.values, strict=True))


class Columns:
    """Opinions of candles that closed after a moment (ms UTC), oldest first, by position.

    `score` in [0, 100] and `confidence` in [0, 1] of all of them, shape (n,); the rest as it is asked for.
    """

    def __init__(self, scores: Scores, candles: Candles, after: int, odds: Calibration | None) -> None:
        self._at = np.flatnonzero((scores.close_time > after) & ~np.isnan(scores.score))
        self._scores, self._candles, self._odds = scores, candles, odds
        self.score = scores.score[self._at]
        self.confidence = scores.confidence[self._at]
        self._closes, self._prices = scores.close_time[self._at], scores.price[self._at]
        self._missing: dict[bytes, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._at)

    def glimpse(self, i: int, symbol: str, signal: Signal) -> Glimpse:
        """What the rules read at one position, where the signal stands at `signal`."""
        at = self._closes.item(i), self._prices.item(i)
        return Glimpse(symbol, *at, self.score.item(i), signal, self.confidence.item(i))

    def opinion(self, i: int, readings: tuple[Reading, ...] = ()) -> Opinion:
        """The opinion at one position."""
        at, scores, candles = self._at.item(i), self._scores, self._candles
        score, confidence = self.score.item(i), self.confidence.item(i)
        return Opinion(
            candle_close=self._closes.item(i),
            price=self._prices.item(i),
            high=candles.high.item(at),
            low=candles.low.item(at),
            score=score,
            confidence=confidence,
            agreeing=scores.agreeing.item(at),
            answered=scores.answered.item(at),
            layers=len(scores.names),
            degraded=scores.degraded.item(at),
            missing=self._silent(i),
            readings=readings,
            odds=odds_of(self._odds, score, confidence) if self._odds is not None else None,
        )

    def readings(self, i: int, brain: Brain, market: Market) -> tuple[Reading, ...]:
        """What each layer of the brain that made these columns said at one position, in words."""
        return brain.readings(market, self._scores, self._at.item(i))

    @cached_property
    def _patterns(self) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        """Which layers are silent, a bit for each: only whoever asks for opinions pays for it."""
        return np.packbits(np.isnan(self._scores.values), axis=0).T

    def _silent(self, i: int) -> tuple[str, ...]:
        at = self._at.item(i)
        if len(self) == 1:  # as in a live cycle
            return self._silent_at(at)
        # It changes rarely: each pattern is named once.
        key = self._patterns[at].tobytes()
        if key not in self._missing:
            self._missing[key] = self._silent_at(at)
        return self._missing[key]

    def _silent_at(self, at: int) -> tuple[str, ...]:
        silent = np.isnan(self._scores.values[:, at]).tolist()
        return tuple([name for name, gone in zip(self._scores.names, silent, strict=True) if gone])


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

    def columns(self, market: Market, after: int) -> None:  # noqa: ARG002  # it is asked candle by candle
        return None

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
