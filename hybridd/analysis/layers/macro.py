"""The macro layer: do stocks, the dollar, fear, gold and yields speak for taking risk?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from hybridd.analysis.as_known import UNIFORM, Part, as_known, bent, newest, rank, seen_at, stacked
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import Raw, leaning, scored, why_not
from hybridd.analysis.windows import lagged, ratio, rolling_spread
from hybridd.model.candle import FloatArray
from hybridd.model.context import MACRO
from hybridd.model.reading import Abstain, Input, LayerSeries, Market

WEEK, CHANGE_WINDOW, YEAR = 5, 60, 252
NEED = YEAR + 1

HISTORY: Mapping[str, int] = dict.fromkeys(MACRO, NEED)
"""Values that the layer needs of each series."""


@dataclass(frozen=True, slots=True)
class _Gauge:
    """How one series is read: +1 where its rise speaks for risk, and whether moves are shares of it or points."""

    title: str
    sign: int
    shares: bool = True


# The signs are those of its weekly changes with Bitcoin's, from 2018 to where the record ends: VIX −0.29, S&P +0.30,
# dollar −0.15, gold +0.18, yields −0.06 (by the note's future).
GAUGES: Mapping[str, _Gauge] = {
    "dxy": _Gauge("dollar", -1),
    "vix": _Gauge("VIX", -1),
    "sp500": _Gauge("S&P 500", +1),
    "gold": _Gauge("gold", +1),
    "us10y": _Gauge("10-year yield", -1, shares=False),
}


class Macro:
    """Bullish when VIX, the dollar and yields fall and are low for the year, stocks and gold rise and are high.

    Each series says sign·(z + √3·u)/√2: z its change in 5 values in standard deviations of the last 60 such changes
    (of logarithms; of points for the yield), u from −1 to 1 its rank in the 252 before. raw = sum of those known and
    fresh over the square root of their number. R. Rigobon and B. Sack, "The impact of monetary policy on asset
    prices", Journal of Monetary Economics 51 (2004); S. Corbet and others, "Exploring the dynamic relationships
    between cryptocurrencies and other financial assets", Economics Letters 165 (2018).
    """

    name = "macro"
    inputs = frozenset({Input.CANDLES, Input.MACRO})
    lookback = 1

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - all are in their own spreads already
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
            return "has no macro series"
        if code is Abstain.WARM_UP:
            return f"needs {NEED} days of a macro series"
        if code is Abstain.UNDEFINED:
            return "the macro series did not move, so they have no trend"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        parts = _parts(here)
        said = ", ".join(_words(here, name) for name, part in parts.items() if not part.abstain[-1])
        verdict = leaning(float(series.values[-1]), "a mood for risk", "a flight from risk", "no clear mood")
        return f"{said}: {verdict}"


def gauge_says(name: str, values: FloatArray) -> FloatArray:
    """What each value of the series `name` says in the light of those before it, shape (n,); NaN for the first 252."""
    gauge = GAUGES[name]
    change = _change(gauge, values)
    _, usual = rolling_spread(change, CHANGE_WINDOW)
    place = rank(values, YEAR)
    return np.asarray(gauge.sign * (bent(ratio(change, usual)) + UNIFORM * place) / np.sqrt(2))


def _change(gauge: _Gauge, values: FloatArray) -> FloatArray:
    """The move over 5 values; NaN where a share is asked of something not above 0."""
    before = lagged(values, WEEK)
    if not gauge.shares:
        return values - before
    return np.log(ratio(np.where(values > 0, values, np.nan), before))


def _parts(market: Market) -> dict[str, Part]:
    now = market.candles.close_time
    return {name: as_known(market.context.get(name), partial(gauge_says, name), NEED, now) for name in GAUGES}


def _words(here: Market, name: str) -> str:
    gauge, series = GAUGES[name], here.context[name]
    change = float(_change(gauge, series.values[-WEEK - 1 :])[-1])
    moved = f"{np.expm1(change):+.1%}" if gauge.shares else f"{change:+.2f} points"
    above = (1 + float(rank(series.values[-NEED:], YEAR)[-1])) / 2
    return f"{gauge.title} {newest(series):,.5g} ({moved} in {WEEK} days, above {above:.0%} of a year)"
