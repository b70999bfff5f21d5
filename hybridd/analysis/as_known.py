"""Opinions on inputs beyond candles, as they were known when each candle closed, and how several become one."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import repeat
from typing import TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from hybridd.analysis.ranks import rank_in_window
from hybridd.analysis.recall import recalled
from hybridd.analysis.scoring import LIMIT, ONE_CODE, Codes, Raw, answering, tanh
from hybridd.analysis.spreads import rolling_spread
from hybridd.analysis.windows import newest, newest_by, ratio, run
from hybridd.model.candle import FloatArray, IntArray
from hybridd.model.context import ContextSeries, count_by
from hybridd.model.said import Abstain

REACH = 1_900
"""Candles back that a formula may look at: a daemon keeps 2,000, and must say what a replay of years says."""

_ROOTS = np.sqrt(np.arange(256.0))
UNIFORM = 3**0.5  # what brings a rank spread evenly over −1 to 1 to a standard deviation of 1

Much = TypeVar("Much", float, FloatArray)
"""A number, or one for each of several candles."""


class Part(Struct, frozen=True, eq=False):
    """One input's opinion at each of n candles, above 0 bullish, about 1 strong; NaN where `abstain` says why."""

    values: FloatArray
    abstain: Codes


def _nothing() -> FloatArray:
    one = np.full(1, np.nan)
    one.flags.writeable = False
    return one


class Nearness(Struct, frozen=True, eq=False):
    """How near to an answer each reason came: the codes in rising order, and the place of each of them therein."""

    rising: Codes
    place: Codes


def nearness(*reasons: Abstain) -> Nearness:
    """Those that may be met with, the one that came nearest last; ANSWERS is nearer still."""
    rising = np.array([*reasons, Abstain.ANSWERS], dtype=np.int8)
    place = np.zeros(len(Abstain), dtype=np.int8)
    place[rising] = np.arange(len(rising))
    return Nearness(rising, place)


_NEARNESS = nearness(Abstain.NO_DATA, Abstain.STALE, Abstain.WARM_UP, Abstain.UNDEFINED)
_SILENT = [Part(_nothing(), code) for code in ONE_CODE]


def silent(n: int, code: Abstain) -> Part:
    """An input that says nothing, for one reason. Of one candle it is the same each time and cannot be written to."""
    return _SILENT[code] if n == 1 else Part(np.full(n, np.nan), np.full(n, code.value, dtype=np.int8))


def answer(value: float) -> Part:
    """An input's opinion at one candle; NaN is UNDEFINED."""
    return _SILENT[Abstain.UNDEFINED] if value != value else Part(np.array([value]), ONE_CODE[0])


def as_known(
    series: ContextSeries | None, statistic: Callable[[FloatArray, int], FloatArray], need: int, moments: IntArray
) -> Part:
    """A windowed statistic of a series as of each moment (ms UTC, rising, shape (n,)).

    `statistic` maps the series' values, shape (m,), to one number for each of the newest so many of them, the one at k
    reading `need` values up to k and none after. The join is by publication: what became known later than the moment
    does not count.
    """
    if series is None or not len(series):
        return silent(len(moments), Abstain.NO_DATA)
    if not len(moments):
        return silent(0, Abstain.NO_DATA)
    if len(moments) == 1:
        return known_now(series, statistic, need, moments.item(0))
    places = series.positions(moments)
    used = np.maximum(places, 0)
    first, end = int(used[0]), int(used[-1]) + 1
    values = statistic(series.values[max(0, first - need + 1) : end], end - first)[run(used - first)]
    codes = np.isnan(values).view(np.int8) * np.int8(Abstain.UNDEFINED)
    codes[places + 1 < need] = Abstain.WARM_UP
    codes[moments - series.known_at[run(used)] > series.stale_after] = Abstain.STALE
    codes[places < 0] = Abstain.NO_DATA
    values = np.where(codes == 0, values, np.nan)
    return Part(values, codes)


def known_now(
    series: ContextSeries | None, statistic: Callable[[FloatArray, int], FloatArray], need: int, now: int
) -> Part:
    """`as_known` at one moment. Most series change once in many candles, and are the same for all markets."""
    place = -1 if series is None else newest_by(series.known_at, now)
    if series is None or place < 0:
        return silent(1, Abstain.NO_DATA)
    if now - series.known_at.item(place) > series.stale_after:
        return silent(1, Abstain.STALE)
    if place + 1 < need:
        return silent(1, Abstain.WARM_UP)
    return answer(recalled(_newest_of(statistic), series.values[place + 1 - need : place + 1]))


@cache
def _newest_of(statistic: Callable[[FloatArray, int], FloatArray]) -> Callable[[FloatArray], float]:
    """What a statistic says of the newest value alone; the same function for the same statistic."""
    return lambda values: statistic(values, 1).item(0)


def stacked(parts: Sequence[Part], units: Iterable[float] = repeat(1.0)) -> Raw:
    """Σ of the parts that answer, each in its unit and bent toward ± 3, over the square root of how many they are.

    S. Stouffer's way to join z-values (The American Soldier, vol. 1, 1949): its spread does not depend on how many
    answer where they are independent.
    """
    if len(parts[0].values) == 1:
        said = [
            bent_one(one.values.item(0) / unit)
            for one, unit in zip(parts, units, strict=False)
            if one.abstain.item(0) == 0
        ]
        return Raw(*_in_one(said, math.sqrt(len(said)), parts, _NEARNESS))
    return joined([Part(bent(part.values / unit), part.abstain) for part, unit in zip(parts, units, strict=False)])


def joined(parts: Sequence[Part]) -> Raw:
    """`stacked` of parts that are bent already."""
    total, count = _summed(parts)
    return Raw(ratio(total, _ROOTS[count]), _joint_code(parts, _NEARNESS))


def averaged(parts: Sequence[Part], order: Nearness = _NEARNESS) -> Part:
    """The mean of the parts that answer, else the reason of the one that came nearest to it."""
    if len(parts[0].values) == 1:
        said = _said_now(parts)
        return Part(*_in_one(said, len(said), parts, order))
    total, count = _summed(parts)
    return Part(ratio(total, count.astype(np.float64)), _joint_code(parts, order))


def _summed(parts: Sequence[Part]) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Σ of the parts that answer at each candle, and how many they are."""
    n = len(parts[0].values)
    total, count = np.zeros(n), np.zeros(n, dtype=np.uint8)
    for part in parts:
        answers = answering(part.abstain)
        total += part.values if answers.all() else np.where(answers, part.values, 0.0)
        count += answers
    return total, count


# A live cycle asks about one candle, and numbers are put together ten times as quickly as arrays of one.


def _said_now(parts: Sequence[Part]) -> list[float]:
    """What those say that answer at the only candle."""
    return [part.values.item(0) for part in parts if part.abstain.item(0) == 0]


def _in_one(said: Sequence[float], share: float, parts: Sequence[Part], order: Nearness) -> tuple[FloatArray, Codes]:
    """Their sum over `share`, or the joint reason."""
    if not said:
        code = order.rising.item(max(order.place.item(part.abstain.item(0)) for part in parts))
        return _SILENT[code].values, ONE_CODE[code]
    return np.array([_added(said) / share]), ONE_CODE[0]


def _added(values: Sequence[float]) -> float:
    """One after the other, as the columns are: newer Pythons' own sum rounds otherwise."""
    total = 0.0
    for value in values:
        total += value
    return total


def _joint_code(parts: Sequence[Part], order: Nearness) -> Codes:
    """ANSWERS where any part does, else the reason of the one that came nearest to it, shape (n,)."""
    if any(not part.abstain.any() for part in parts):
        return np.zeros(len(parts[0].abstain), dtype=np.int8)
    nearest = order.place[parts[0].abstain]
    for part in parts[1:]:
        np.maximum(nearest, order.place[part.abstain], out=nearest)
    return np.asarray(order.rising[nearest])


def bent(x: FloatArray) -> FloatArray:
    """3·tanh(x/3): nearly x while small, never beyond 3."""
    if len(x) == 1:
        return np.array([bent_one(x.item(0))])
    out = tanh(x / LIMIT)
    out *= LIMIT
    return out


def bent_one(x: float) -> float:
    """`bent` of one number."""
    return LIMIT * math.tanh(x / LIMIT)


def z_value(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """(x − mean)/standard deviation over the newest `n` values; NaN where they are all the same."""
    last = len(x) if last is None else last
    mean, sigma = rolling_spread(x, n, last)
    return ratio(newest(x, last) - mean, sigma)


def rank(x: FloatArray, n: int, last: int | None = None) -> FloatArray:
    """From −1 (lowest) to 1 (highest) among the `n` values before it, ties counting half; NaN for the first `n`."""
    out = rank_in_window(x, n, last)
    out *= 2
    out -= 1
    return out


def signed_root(x: Much) -> Much:
    """sign·√|x|: brings a product of two opinions back to the size of one."""
    root: Much = np.copysign(np.sqrt(np.abs(x)), x)
    return root


def turning_points(moments: IntArray, series: Iterable[ContextSeries | None]) -> IntArray:
    """The first of `moments`, and those at which a value is known or stale for the first time: positions, rising."""
    if len(moments) < 2:
        return np.arange(len(moments))
    turns = np.zeros(len(moments) + 1, dtype=np.bool_)
    turns[0] = True
    for one in series:
        if one is not None:
            begin = max(0, int(np.searchsorted(one.known_at, moments[0], side="right")) - 1)
            known = one.known_at[begin : int(np.searchsorted(one.known_at, moments[-1], side="right"))]
            turns[count_by(moments, known - 1)] = True
            stale = known + one.stale_after
            unfollowed = np.append(stale[:-1] < known[1:], True)[: len(stale)]
            turns[np.searchsorted(moments, stale[unfollowed], side="right")] = True
    return np.flatnonzero(turns[:-1])


def latest(series: ContextSeries | None, moment: int) -> float:
    """The newest value known at a moment (ms UTC), NaN without one."""
    known = None if series is None else series.values_by(moment)
    return float(known[-1]) if known is not None and len(known) else float("nan")


def share_below(values: FloatArray) -> float:
    """Of all values but the newest, the share that lies below it, ties counting half."""
    return (1 + rank(values, len(values) - 1, 1).item(0)) / 2
