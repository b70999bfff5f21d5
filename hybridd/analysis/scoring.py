"""From a layer's raw value to its score, the same way for every layer."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
from msgspec import Struct

from hybridd.analysis.calibration import Calibration, Scale
from hybridd.analysis.layer import Layer
from hybridd.analysis.view import View
from hybridd.model.candle import BoolArray, FloatArray
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

CANDLES_ONLY = frozenset({Input.CANDLES})
GAIN = 0.3  # one robust standard deviation of the raw value is 50·tanh(0.3) = 14.6 points of score
_FEW = 512
_FLAT = 20.0  # from here on the tangent is 1
_GRID = 2.0**-7
_TANH = np.tanh(np.arange(-_FLAT, _FLAT + _GRID, _GRID))
_ROUNDING = 1.5 * 2.0**52 * _GRID  # what it is added to is rounded to the grid, and its last bits count the points
_ROUNDING_BITS = np.float64(_ROUNDING - _FLAT).view(np.int64)
LIMIT = 3.0  # a part of a layer is bent toward ± 3 of its spreads, so that one wild part does not outvote the others

Codes = np.ndarray[tuple[int], np.dtype[np.int8]]

ONE_CODE: tuple[Codes, ...] = tuple(np.array([int(code)], dtype=np.int8) for code in Abstain)
"""Each code as the codes of one candle, shape (1,). Nobody may write into them; numpy sees to that."""
for _one in ONE_CODE:
    _one.flags.writeable = False


class Raw(Struct, frozen=True, eq=False):
    """Signed values before scaling, shape (n,): above 0 is bullish, NaN where `abstain` says why."""

    values: FloatArray
    abstain: Codes


class MeasuredLayer(Layer, Protocol):
    """A layer whose scaling constants are learned from recorded candles: what calibration needs beside Layer."""

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        """What the raw value is mixed of and must be brought to one scale first, by "layer.part"; may be empty."""
        ...

    def raw(self, market: Market) -> Raw:
        """The value that calibration learns centre and spread of."""
        ...


def tanh(x: FloatArray) -> FloatArray:
    """Hyperbolic tangent within 2e-13; of many values the library's own takes three times as long.

    (tanh a + tanh b)/(1 + tanh a·tanh b) of the nearest point a of a grid and the rest b, with b − b³/3 for tanh b.
    """
    if len(x) <= _FEW:
        return np.tanh(x)
    out = np.minimum(x, _FLAT)
    np.maximum(out, -_FLAT, out=out)
    point = out + _ROUNDING
    at_point = _TANH.take(point.view(np.int64) - _ROUNDING_BITS, mode="clip")  # NaN takes any and stays NaN below
    point -= _ROUNDING
    rest = np.subtract(out, point, out=point)
    np.multiply(rest, rest, out=out)
    out *= -1 / 3
    out += 1
    rest *= out
    np.multiply(at_point, rest, out=out)
    out += 1
    at_point += rest
    np.divide(at_point, out, out=out)
    return out


def answering(codes: Codes) -> BoolArray:
    """Where the code is ANSWERS; numpy takes its time over the member of an enum, and none over a 0."""
    return np.equal(codes, 0)


def undefined(codes: Codes) -> BoolArray:
    """Where the code is UNDEFINED, likewise."""
    return np.equal(codes, int(Abstain.UNDEFINED))


def raw_of(values: FloatArray, lookback: int, n: int | None = None) -> Raw:
    """Mark the values before `lookback` candles as WARM_UP and those that came out NaN later as UNDEFINED.

    `values` are those of the newest of `n` candles, by default of all.
    """
    if len(values) == 1 and n is not None:  # as in a live cycle, by each layer
        one = np.nan if n < lookback else values.item(0)
        code = Abstain.WARM_UP if n < lookback else Abstain.UNDEFINED if one != one else Abstain.ANSWERS
        return Raw(np.array([one]), ONE_CODE[code])
    codes = np.isnan(values).view(np.int8) * np.int8(Abstain.UNDEFINED)
    warm = warming(len(values), lookback, len(values) if n is None else n)
    if warm:
        codes[:warm], values = Abstain.WARM_UP, values.copy()
        values[:warm] = np.nan
    return Raw(values, codes)


def warming(last: int, lookback: int, n: int) -> int:
    """How many of the newest `last` of `n` candles have fewer than `lookback` closed ones up to them."""
    return min(last, max(0, lookback - 1 - (n - last)))


def silenced(raw: Raw, silent: BoolArray, code: Abstain) -> Raw:
    """The raw value without those marked `silent`, for the reason given."""
    if not np.count_nonzero(silent):
        return raw
    codes = raw.abstain.copy()
    codes[silent] = code
    values = raw.values.copy()
    values[silent] = np.nan
    return Raw(values, codes)


def scored(raw: Raw, scale: Scale) -> LayerSeries:
    """50 + 50·tanh(0.3·(raw − centre)/spread): median 50, robust standard deviation 15 on the calibration data."""
    if len(raw.values) == 1:
        one = 50 + 50 * math.tanh((raw.values.item(0) - scale.centre) * (GAIN / scale.spread))
        return LayerSeries(np.array([one]), raw.abstain)
    unit = raw.values - scale.centre
    unit *= GAIN / scale.spread
    score = tanh(unit)
    score *= 50
    score += 50
    return LayerSeries(score, raw.abstain)


def mixed(parts: Mapping[str, FloatArray], calibration: Calibration) -> FloatArray:
    """The mean of the parts, each in its own measured spreads (kept around 0) and bent toward ± 3."""
    total: FloatArray | None = None
    if parts and all(len(values) == 1 for values in parts.values()):
        return np.array([_mixed_one(parts, calibration)])
    for name, values in parts.items():
        bent = tanh(values / (LIMIT * calibration.scale(name).spread))
        total = bent if total is None else np.add(total, bent, out=total)
    if total is None:
        raise ValueError("nothing to mix")
    total *= LIMIT / len(parts)
    return total


def _mixed_one(parts: Mapping[str, FloatArray], calibration: Calibration) -> float:
    total = 0.0
    for name, values in parts.items():
        total += math.tanh(values.item(0) / (LIMIT * calibration.scale(name).spread))
    return total * (LIMIT / len(parts))


def up_to(market: Market, i: int) -> View:
    """The newest candle is asked about, of a market as it stood when candle `i` closed."""
    i = range(len(market.candles))[i]
    return View(replace(market, candles=market.candles[: i + 1]), 1)


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
