"""From a layer's raw value to its score, the same way for every layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hybridd.analysis.calibration import Calibration, Scale
from hybridd.model.candle import Candles, FloatArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

CANDLES_ONLY = frozenset({Input.CANDLES})
GAIN = 0.3  # one robust standard deviation of the raw value is 50·tanh(0.3) = 14.6 points of score
LIMIT = 3.0  # a part of a layer is bent toward ± 3 of its spreads, so that one wild part does not outvote the others

Codes = np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Signed values before scaling, shape (n,): above 0 is bullish, NaN where `abstain` says why."""

    values: FloatArray
    abstain: Codes


class MeasuredLayer(Protocol):
    """A layer whose scaling constants are learned from recorded candles: what calibration needs beside Layer."""

    name: str
    inputs: frozenset[Input]
    lookback: int

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        """What the raw value is mixed of and must be brought to one scale first, by "layer.part"; may be empty."""
        ...

    def raw(self, market: Market) -> Raw:
        """The value that calibration learns centre and spread of."""
        ...

    def evaluate(self, market: Market) -> LayerSeries:
        """The raw value scaled to a score in [0, 100]."""
        ...

    def explain(self, market: Market, i: int) -> str:
        """One short plain sentence with its numbers."""
        ...


def raw_of(values: FloatArray, lookback: int) -> Raw:
    """Mark the values before `lookback` candles as WARM_UP and those that came out NaN later as UNDEFINED."""
    warm = np.arange(len(values)) < lookback - 1
    codes = np.where(np.isnan(values), Abstain.UNDEFINED, Abstain.ANSWERS)
    codes[warm] = Abstain.WARM_UP
    return Raw(np.where(warm, np.nan, values), codes.astype(np.int8))


def scored(raw: Raw, scale: Scale) -> LayerSeries:
    """50 + 50·tanh(0.3·(raw − centre)/spread): median 50, robust standard deviation 15 on the calibration data."""
    unit = (raw.values - scale.centre) / scale.spread
    return LayerSeries(50 + 50 * np.tanh(GAIN * unit), raw.abstain)


def mixed(parts: Mapping[str, FloatArray], calibration: Calibration) -> FloatArray:
    """The mean of the parts, each in its own measured spreads (kept around 0) and bent toward ± 3."""
    bent = [LIMIT * np.tanh(values / (LIMIT * calibration.scale(name).spread)) for name, values in parts.items()]
    total = bent[0]
    for values in bent[1:]:
        total = total + values
    return total / len(bent)


def tail(candles: Candles, i: int, lookback: int) -> Candles:
    """The last `lookback` candles up to and with `i`: what an explanation of `i` may look at."""
    return candles[max(0, i + 1 - lookback) : i + 1]


def why_not(code: Abstain, lookback: int, have: int) -> str:
    """The sentence for a layer that abstains."""
    if code is Abstain.WARM_UP:
        return f"needs {lookback:,} closed candles, has {have:,}"
    return {
        Abstain.NO_DATA: "has no data",
        Abstain.STALE: "its newest data are too old",
        Abstain.UNDEFINED: "price or volume did not move, so the formula has no value",
        Abstain.NOTHING_SEEN: "saw nothing of what it looks for",
        Abstain.FAILED: "failed",
    }.get(code, "answers")


def leaning(score: float, bullish: str, bearish: str, neither: str) -> str:
    """A word for a score: outside 40 to 60 it leans."""
    if score > 60:
        return bullish
    return bearish if score < 40 else neither
