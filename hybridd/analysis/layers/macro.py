"""The macro layer: do stocks, the dollar, fear, gold and yields speak for taking risk?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from hybridd.analysis.as_known import UNIFORM, bent, rank, share_below
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.context_layer import ContextFormula, ContextLayer, Parts, Source
from hybridd.analysis.recall import recalled
from hybridd.analysis.spreads import rolling_spread
from hybridd.analysis.view import View
from hybridd.analysis.windows import lagged, newest, ratio
from hybridd.model.candle import FloatArray
from hybridd.model.context import MACRO
from hybridd.model.reading import Abstain, Input

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


def macro_layer(calibration: Calibration) -> ContextLayer:
    """Bullish when VIX, the dollar and yields fall and are low for the year, stocks and gold rise and are high.

    Each series says sign·(z + √3·u)/√2: z its change in 5 values in standard deviations of the last 60 such changes
    (of logarithms; of points for the yield), u from −1 to 1 its rank in the 252 before. raw = sum of those known and
    fresh over the square root of their number. R. Rigobon and B. Sack, "The impact of monetary policy on asset
    prices", Journal of Monetary Economics 51 (2004); S. Corbet and others, "Exploring the dynamic relationships
    between cryptocurrencies and other financial assets", Economics Letters 165 (2018).
    """
    return ContextLayer(_FORMULA, calibration)


def gauge_says(name: str, values: FloatArray, last: int | None = None) -> FloatArray:
    """What each value of the series `name` says in the light of those before it, shape (n,); NaN for the first 252."""
    gauge, last = GAUGES[name], len(values) if last is None else last
    change = _change(gauge, values[max(0, len(values) - last - CHANGE_WINDOW - WEEK) :])
    _, usual = rolling_spread(change, CHANGE_WINDOW, last)
    place = rank(values, YEAR, last)
    return np.asarray(gauge.sign * (bent(ratio(newest(change, last), usual)) + UNIFORM * place) / np.sqrt(2))


def _change(gauge: _Gauge, values: FloatArray) -> FloatArray:
    """The move over 5 values; NaN where a share is asked of something not above 0."""
    before = lagged(values, WEEK)
    if not gauge.shares:
        return values - before
    return np.log(ratio(np.where(values > 0, values, np.nan), before))


def _words(view: View, parts: Parts) -> list[str]:
    now = view.candles.last_close
    # The same for all markets, and for all candles of a day.
    return [recalled(_DESCRIBED[name], view.market.context[name].values_by(now)[-NEED:]) for name in parts]


def _described(gauge: _Gauge, values: FloatArray) -> str:
    """What the newest of NEED values has come to."""
    change = float(_change(gauge, values[-WEEK - 1 :])[-1])
    moved = f"{np.expm1(change):+.1%}" if gauge.shares else f"{change:+.2f} points"
    return f"{gauge.title} {values[-1]:,.5g} ({moved} in {WEEK} days, above {share_below(values):.0%} of a year)"


_DESCRIBED = {name: partial(_described, gauge) for name, gauge in GAUGES.items()}


_FORMULA = ContextFormula(
    name="macro",
    inputs=frozenset({Input.CANDLES, Input.MACRO}),
    sources={name: Source(partial(gauge_says, name), NEED) for name in GAUGES},
    silence={
        Abstain.NO_DATA: "has no macro series",
        Abstain.WARM_UP: f"needs {NEED} days of a macro series",
        Abstain.UNDEFINED: "the macro series did not move, so they have no trend",
    },
    words=_words,
    verdicts=("a mood for risk", "a flight from risk", "no clear mood"),
)
