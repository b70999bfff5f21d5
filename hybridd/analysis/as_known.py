"""Opinions on inputs beyond candles, as they were known when each candle closed, and how several become one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hybridd.analysis.scoring import LIMIT, Codes, Raw
from hybridd.analysis.windows import ratio, rolling_spread
from hybridd.model.candle import FloatArray, IntArray
from hybridd.model.context import ContextSeries
from hybridd.model.reading import Abstain, Market

REACH = 1_900
"""Candles back that a formula may look at: a daemon keeps 2,000, and must say what a replay of years says."""

UNIFORM = 3**0.5  # what brings a rank spread evenly over −1 to 1 to a standard deviation of 1


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One input's opinion at each of n candles, above 0 bullish, about 1 strong; NaN where `abstain` says why."""

    values: FloatArray
    abstain: Codes


def silent(n: int, code: Abstain) -> Part:
    """An input that says nothing, for one reason."""
    return Part(np.full(n, np.nan), np.full(n, code, dtype=np.int8))


def as_known(
    series: ContextSeries | None, statistic: Callable[[FloatArray], FloatArray], need: int, moments: IntArray
) -> Part:
    """A windowed statistic of a series as of each moment (ms UTC, shape (n,)).

    `statistic` maps the series' values, shape (m,), to one number a value, the one at k reading `need` values up to
    k and none after. The join is by publication: what became known later than the moment does not count.
    """
    if series is None or not len(series):
        return silent(len(moments), Abstain.NO_DATA)
    places = series.positions(moments)
    newest = np.maximum(places, 0)
    start = max(0, int(newest.min(initial=len(series))) - need + 1)
    end = int(newest.max(initial=0)) + 1
    values = statistic(series.values[start:end])[newest - start]
    codes = np.select(
        [places < 0, moments - series.known_at[newest] > series.stale_after, places + 1 < need, np.isnan(values)],
        [Abstain.NO_DATA, Abstain.STALE, Abstain.WARM_UP, Abstain.UNDEFINED],
        Abstain.ANSWERS,
    ).astype(np.int8)
    return Part(np.where(codes == Abstain.ANSWERS, values, np.nan), codes)


def stacked(parts: Sequence[Part]) -> Raw:
    """Σ of the parts that answer, each bent toward ± 3, over the square root of how many they are.

    S. Stouffer's way to join z-values (The American Soldier, vol. 1, 1949): its spread does not depend on how many
    answer where they are independent.
    """
    total, count = np.zeros(len(parts[0].values)), np.zeros(len(parts[0].values))
    for part in parts:
        answers = part.abstain == Abstain.ANSWERS
        total = total + np.where(answers, bent(part.values), 0.0)
        count = count + answers
    return Raw(ratio(total, np.sqrt(count)), joint_code(parts))


def joint_code(parts: Sequence[Part]) -> Codes:
    """ANSWERS where any part does, else the reason of the one that came nearest to it, shape (n,)."""
    codes = np.full(len(parts[0].abstain), Abstain.NO_DATA, dtype=np.int8)
    for code in (Abstain.STALE, Abstain.WARM_UP, Abstain.UNDEFINED, Abstain.ANSWERS):
        for part in parts:
            codes[part.abstain == code] = code
    return codes


def bent(x: FloatArray) -> FloatArray:
    """3·tanh(x/3): nearly x while small, never beyond 3."""
    return np.asarray(LIMIT * np.tanh(x / LIMIT))


def z_value(x: FloatArray, n: int) -> FloatArray:
    """(x − mean)/standard deviation over the newest `n` values; NaN where they are all the same."""
    mean, sigma = rolling_spread(x, n)
    return ratio(x - mean, sigma)


def rank(x: FloatArray, n: int) -> FloatArray:
    """From −1 (lowest) to 1 (highest) among the `n` values before it, ties counting half; NaN for the first `n`.

    What `rank_in_window` says, quick for the short series that days and settlements make.
    """
    out = np.full(len(x), np.nan)
    if len(x) > n:
        before, now = sliding_window_view(x, n)[:-1], x[n:, None]
        out[n:] = (np.count_nonzero(before < now, axis=1) - np.count_nonzero(before > now, axis=1)) / n
        out[n:][np.isnan(before).any(axis=1) | np.isnan(x[n:])] = np.nan
    return out


def signed_root(x: FloatArray) -> FloatArray:
    """sign·√|x|: brings a product of two opinions back to the size of one."""
    return np.asarray(np.sign(x) * np.sqrt(np.abs(x)))


def seen_at(market: Market, i: int) -> Market:
    """What a daemon holds of the market when candle `i` closes: all that an explanation of `i` may look at."""
    candles = market.candles[max(0, i + 1 - REACH) : i + 1]
    now = candles.last_close
    return Market(
        instrument=market.instrument,
        candles=candles,
        benchmarks={symbol: other.closed_by(now)[-REACH:] for symbol, other in market.benchmarks.items()},
        context={name: series.known_by(now) for name, series in market.context.items()},
    )


def newest(series: ContextSeries | None) -> float:
    """The last value, NaN without one."""
    return float(series.values[-1]) if series is not None and len(series) else float("nan")
