"""The derivatives layer: is one side of the perpetual market crowded, and who is leaving?"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from hybridd.analysis.as_known import REACH, Much, Part, answer, bent, bent_one, latest, signed_root, silent, z_value
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.context_layer import ContextFormula, ContextLayer, Parts, Source
from hybridd.analysis.returns import changes
from hybridd.analysis.scoring import Codes
from hybridd.analysis.view import View
from hybridd.analysis.windows import above, newest_by, ratio, rolling_mean
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray
from hybridd.model.context import BASIS, FUNDING, OPEN_INTEREST, ContextSeries
from hybridd.model.reading import Abstain, Input

FUNDING_MEAN, FUNDING_WINDOW = 3, 90  # settlements: a day of them, and a month
BASIS_MEAN, BASIS_WINDOW = 12, 288
DAY = 86_400_000
VOLATILITY_WINDOW = 288

HISTORY: Mapping[str, int] = {
    FUNDING: FUNDING_MEAN + FUNDING_WINDOW - 1,
    BASIS: BASIS_MEAN + BASIS_WINDOW - 1,
    OPEN_INTEREST: 400,
}
"""Values that the layer needs of each series; 400 of open interest hold a day where one comes each 5 minutes."""


def derivatives_layer(calibration: Calibration) -> ContextLayer:
    """Bullish when shorts crowd (they pay, the perpetual is cheap), and when open interest goes with a rise.

    Crowding ends in an unwinding against the crowd, the likelier the further it went: −z with z that of the funding
    rate (mean of 3) in its last 90, and of the perpetual's premium over spot (mean of 12) in its last 288. Exchanges
    hold quiet rates at one default value: a single one would say the same for days. Open interest over a day says who
    moved the price: the move and the change of open interest in coins, both in the price's own standard deviations, go
    in as sign·√|product|: bullish for new longs and for longs that have given up, bearish for new shorts and for
    shorts that have covered. raw = sum of those that answer over the square root of their number.

    M. Schmeling, A. Schrimpf and K. Todorov, "Crypto carry", BIS Working Paper 1087 (2023): carry and what follows
    it; J. Murphy, Technical Analysis of the Financial Markets (1999), ch. 7: open interest with price.
    """
    return ContextLayer(_FORMULA, calibration)


def _against_funding(rates: FloatArray, last: int) -> FloatArray:
    return _against(rates, FUNDING_MEAN, FUNDING_WINDOW, last)


def _against_basis(premium: FloatArray, last: int) -> FloatArray:
    return _against(premium, BASIS_MEAN, BASIS_WINDOW, last)


def _against(x: FloatArray, mean: int, window: int, last: int) -> FloatArray:
    reach = min(len(x), last + window)
    return -z_value(rolling_mean(x, mean, reach), window, last)


def _interest(view: View) -> dict[str, Part]:
    """Change of open interest with price over a day, as known at each candle."""
    series, last = view.market.context.get(OPEN_INTEREST), view.last
    if series is None or not len(series) or not last:
        return {OPEN_INTEREST: silent(last, Abstain.NO_DATA)}
    if last == 1:
        return {OPEN_INTEREST: _interest_now(series, view)}
    now = view.closed
    before = int(now.searchsorted(series.known_at[0]))
    if before == last:
        return {OPEN_INTEREST: silent(last, Abstain.NO_DATA)}
    values, codes = _interest_since(series, view, now[before:])
    found = Part(bent(values), codes)
    return {OPEN_INTEREST: found if not before else _after(silent(before, Abstain.NO_DATA), found)}


def _after(older: Part, newer: Part) -> Part:
    return Part(np.concatenate([older.values, newer.values]), np.concatenate([older.abstain, newer.abstain]))


def _interest_since(series: ContextSeries, view: View, now: IntArray) -> tuple[FloatArray, Codes]:
    """The opinions at the newest moments, at each of which there is a value, and the reason where there is none."""
    candles, used = view.candles, series.positions(now)
    days = _days(series, candles, np.arange(used[0], used[-1] + 1))
    of, at = used - used[0], np.arange(len(candles) - len(now), len(candles))
    enough = days.whole[of] & (at - days.start[of] < REACH) & (at >= VOLATILITY_WINDOW)
    values = days.opinion[of] / _volatility(view, len(now))
    codes = np.isnan(values).view(np.int8) * np.int8(Abstain.UNDEFINED)
    codes[~enough] = Abstain.WARM_UP
    codes[now - series.known_at[used] > series.stale_after] = Abstain.STALE
    values[codes != 0] = np.nan
    return values, codes


def _interest_now(series: ContextSeries, view: View) -> Part:
    """`_interest` at the newest candle."""
    candles, now = view.candles, view.candles.last_close
    used = newest_by(series.known_at, now)
    if used < 0:
        return silent(1, Abstain.NO_DATA)
    if now - series.known_at.item(used) > series.stale_after:
        return silent(1, Abstain.STALE)
    first, newest = int(_a_day_before(series, used)), len(candles) - 1
    end, begun = series.at.item(used), series.at.item(max(first, 0))
    start, span = int(_candle_at(candles, begun)), end - begun
    whole = first >= 0 and span <= 2 * DAY and used - first < HISTORY[OPEN_INTEREST]
    if not whole or start < 0 or newest - start >= REACH or newest < VOLATILITY_WINDOW:
        return silent(1, Abstain.WARM_UP)
    before, value = series.values.item(first), series.values.item(used)
    price = candles.close.item(int(_candle_at(candles, end))) / candles.close.item(start)
    grown = value / before if before > 0 and value > 0 else np.nan
    return answer(bent_one(float(_opinion(price, grown, span / candles.step)) / _volatility(view, 1).item(0)))


class _Days(Struct, frozen=True, eq=False):
    """For each value the day up to it: the candle it began with, whether it is all there, and √ of price × coins."""

    start: IntArray
    whole: BoolArray
    opinion: FloatArray


def _days(series: ContextSeries, candles: Candles, last: IntArray) -> _Days:
    """The days up to the values at positions `last`; price and coins as logarithms, a candle's share of the time."""
    now, first = series.at[last], _a_day_before(series, last)
    before = np.maximum(first, 0)
    then = series.at[before]
    span, start, end = now - then, _candle_at(candles, then), _candle_at(candles, now)
    whole = (first >= 0) & (span <= 2 * DAY) & (last - first < HISTORY[OPEN_INTEREST]) & (start >= 0)
    price = candles.close[np.maximum(end, 0)] / candles.close[np.maximum(start, 0)]
    value = above(ratio(series.values[last], series.values[before]), 0.0)
    return _Days(start, whole, _opinion(price, value, np.where(whole, span / candles.step, np.nan)))


def _opinion(price: Much, value: Much, span: Much) -> Much:
    """√ of price × coins, a candle's share of the `span` candles in which price and open interest rose by so much."""
    moved = np.log(price)
    opinion: Much = signed_root(moved * (np.log(value) - moved)) / np.sqrt(span)
    return opinion


def _a_day_before(series: ContextSeries, last: IntArray | int) -> IntArray:
    """For each value the position of the newest one that describes a moment a day or more before, −1 without one."""
    latest = np.maximum.accumulate(series.at)
    return np.asarray(latest.searchsorted(series.at[last] - DAY, side="right") - 1)


def _candle_at(candles: Candles, moments: IntArray | int) -> IntArray:
    """Position of the newest candle that had closed at each moment, −1 where none had."""
    return np.asarray(candles.open_time.searchsorted(moments - candles.step, side="right") - 1)


def _volatility(view: View, last: int) -> FloatArray:
    """Root mean square of the 288 one-candle log returns up to each of the newest `last`; NaN without any."""
    step = view.newest(changes, last + VOLATILITY_WINDOW)
    return np.sqrt(above(rolling_mean(step * step, VOLATILITY_WINDOW, last), 0.0))


def _words(view: View, parts: Parts) -> list[str]:
    known, now = view.market.context, view.candles.last_close
    words = {
        FUNDING: f"funding {latest(known.get(FUNDING), now):+.4%}",
        BASIS: f"premium {latest(known.get(BASIS), now):+.3%}",
        OPEN_INTEREST: "open interest with price",
    }
    return [f"{words[name]} says {part.values[-1]:+.1f}" for name, part in parts.items()]


_FORMULA = ContextFormula(
    name="derivatives",
    inputs=frozenset({Input.CANDLES, Input.FUNDING, Input.OPEN_INTEREST}),
    sources={
        FUNDING: Source(_against_funding, HISTORY[FUNDING]),
        BASIS: Source(_against_basis, HISTORY[BASIS]),
    },
    priced=_interest,
    silence={
        Abstain.NO_DATA: "has neither funding nor open interest nor a perpetual's premium",
        Abstain.WARM_UP: f"needs {HISTORY[FUNDING]} funding rates, a day of open interest or {HISTORY[BASIS]} premiums",
        Abstain.UNDEFINED: "funding and premium did not move, so they have no extremes",
    },
    words=_words,
    verdicts=("speaks for a rise", "speaks for a fall", "no side is crowded"),
)
