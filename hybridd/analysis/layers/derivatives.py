"""The derivatives layer: is one side of the perpetual market crowded, and who is leaving?"""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.as_known import (
    REACH,
    Part,
    as_known,
    bent,
    newest,
    seen_at,
    signed_root,
    silent,
    stacked,
    z_value,
)
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import Raw, leaning, scored, why_not
from hybridd.analysis.windows import lagged, ratio, rolling_mean
from hybridd.model.candle import Candles, FloatArray, IntArray
from hybridd.model.context import BASIS, FUNDING, OPEN_INTEREST, ContextSeries
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

FUNDING_WINDOW = 90  # settlements: a month
BASIS_MEAN, BASIS_WINDOW = 12, 288
DAY = 86_400_000
VOLATILITY_WINDOW = 288

HISTORY: Mapping[str, int] = {FUNDING: FUNDING_WINDOW, BASIS: BASIS_MEAN + BASIS_WINDOW - 1, OPEN_INTEREST: 400}
"""Values that the layer needs of each series; 400 of open interest hold a day where one comes each 5 minutes."""


class Derivatives:
    """Bullish when shorts crowd (they pay, the perpetual is cheap), and when open interest goes with a rise.

    Crowding ends in an unwinding against the crowd, the likelier the further it went: −z with z that of the newest
    funding rate in its last 90, and of the perpetual's premium over spot (mean of 12) in its last 288. Open interest
    over a day says who moved the price: the move and the change of open interest in coins, both in the price's own
    standard deviations, go in as sign·√|product|: bullish for new longs and for longs that have given up, bearish for
    new shorts and for shorts that have covered. raw = sum of those that answer over the square root of their number.

    M. Schmeling, A. Schrimpf and K. Todorov, "Crypto carry", BIS Working Paper 1087 (2023): carry and what follows
    it; J. Murphy, Technical Analysis of the Financial Markets (1999), ch. 7: open interest with price.
    """

    name = "derivatives"
    inputs = frozenset({Input.CANDLES, Input.FUNDING, Input.OPEN_INTEREST})
    lookback = 1

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - all are z-values already
        return {}

    def raw(self, market: Market) -> Raw:
        return stacked(list(_parts(market).values()))

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        here = seen_at(market, i)
        series = self.evaluate(here)
        code = Abstain(series.abstain[-1])
        if code is Abstain.NO_DATA:
            return "has neither funding nor open interest nor a perpetual's premium"
        if code is Abstain.WARM_UP:
            return f"needs {FUNDING_WINDOW} funding rates, a day of open interest or {HISTORY[BASIS]} premiums"
        if code is Abstain.UNDEFINED:
            return "funding and premium did not move, so they have no extremes"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        parts = _parts(here)
        words = {
            FUNDING: f"funding {newest(here.context.get(FUNDING)):+.4%}",
            BASIS: f"premium {newest(here.context.get(BASIS)):+.3%}",
            OPEN_INTEREST: "open interest with price",
        }
        said = ", ".join(
            f"{words[name]} says {parts[name].values[-1]:+.1f}" for name in parts if not parts[name].abstain[-1]
        )
        verdict = leaning(float(series.values[-1]), "speaks for a rise", "speaks for a fall", "no side is crowded")
        return f"{said}: {verdict}"


def _parts(market: Market) -> dict[str, Part]:
    now = market.candles.close_time
    context = market.context
    return {
        FUNDING: as_known(context.get(FUNDING), _against_funding, HISTORY[FUNDING], now),
        BASIS: as_known(context.get(BASIS), _against_basis, HISTORY[BASIS], now),
        OPEN_INTEREST: _interest(context.get(OPEN_INTEREST), market.candles),
    }


def _against_funding(rates: FloatArray) -> FloatArray:
    return -z_value(rates, FUNDING_WINDOW)


def _against_basis(premium: FloatArray) -> FloatArray:
    return -z_value(rolling_mean(premium, BASIS_MEAN), BASIS_WINDOW)


def _interest(series: ContextSeries | None, candles: Candles) -> Part:
    """Change of open interest with price over a day, as known at each candle."""
    n = len(candles)
    if series is None or not len(series):
        return silent(n, Abstain.NO_DATA)
    place = series.positions(candles.close_time)
    last = np.maximum(place, 0)
    first = _a_day_before(series)[last]
    span = series.at[last] - series.at[np.maximum(first, 0)]
    start, end = (_candle_at(candles, series.at[k]) for k in (np.maximum(first, 0), last))
    enough = (first >= 0) & (span <= 2 * DAY) & (last - first < HISTORY[OPEN_INTEREST])
    enough &= (start >= 0) & (np.arange(n) - start < REACH) & (np.arange(n) >= VOLATILITY_WINDOW)
    start, end, first = (np.maximum(k, 0) for k in (start, end, first))
    price = np.log(candles.close[end] / candles.close[start])
    coins = np.log(ratio(series.values[last], series.values[first])) - price
    unit = _volatility(candles) * np.sqrt(span / candles.step)
    values = signed_root(ratio(price, unit) * ratio(coins, unit))
    stale = candles.close_time - series.known_at[last] > series.stale_after
    codes = np.select(
        [place < 0, stale, ~enough, np.isnan(values)],
        [Abstain.NO_DATA, Abstain.STALE, Abstain.WARM_UP, Abstain.UNDEFINED],
        Abstain.ANSWERS,
    ).astype(np.int8)
    return Part(np.where(codes == Abstain.ANSWERS, bent(values), np.nan), codes)


def _a_day_before(series: ContextSeries) -> IntArray:
    """For each value the position of the newest one that describes a moment a day or more before, −1 without one."""
    latest = np.maximum.accumulate(series.at)
    return np.searchsorted(latest, series.at - DAY, side="right").astype(np.int64) - 1


def _candle_at(candles: Candles, moments: IntArray) -> IntArray:
    """Position of the newest candle that had closed at each moment, −1 where none had."""
    return np.searchsorted(candles.close_time, moments, side="right").astype(np.int64) - 1


def _volatility(candles: Candles) -> FloatArray:
    """Root mean square of the last 288 one-candle log returns."""
    step = np.log(candles.close) - lagged(np.log(candles.close), 1)
    return np.sqrt(rolling_mean(step * step, VOLATILITY_WINDOW))
