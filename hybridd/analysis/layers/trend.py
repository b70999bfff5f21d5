"""The trend layer: are the averages stacked one way, does the middle one climb, and is the movement directed?"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import adx, atr, ema, ema20, ema50
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import newest, ratio
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

FAST, MIDDLE, SLOW = 20, 50, 200
SLOPE_SPAN = 10
FIRM_ADX = 25.0  # Wilder's reading of a directed market: New Concepts (1978), p. 47


class _Averages(Struct, frozen=True, eq=False):
    """The three averages and the middle one SLOPE_SPAN candles ago."""

    fast: FloatArray
    middle: FloatArray
    slow: FloatArray
    before: FloatArray


class Trend:
    """Bullish when EMA 20 > 50 > 200 and EMA 50 rises; the stronger the ADX(14), the more it counts.

    raw = mean of (EMA20 − EMA50)/ATR, (EMA50 − EMA200)/ATR, (EMA50 − EMA50 ten candles ago)/ATR, each in its own
    spreads, times 2·ADX/(ADX + 25), which is 1 at an ADX of 25.
    """

    name = "trend"
    inputs = CANDLES_ONLY
    lookback = 5 * SLOW

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        return whole(market).once(_parts)

    def raw(self, market: Market) -> Raw:
        return self._raw(whole(market))

    def evaluate(self, market: Market) -> LayerSeries:
        return self.said(whole(market))

    def explain(self, market: Market, i: int) -> str:
        return self.why(up_to(market, i))

    def said(self, view: View) -> LayerSeries:
        return scored(self._raw(view), self._calibration.scale(self.name))

    def why(self, view: View) -> str:
        series = view.once(self.said)
        if series.abstain[-1]:
            return why_not(Abstain(series.abstain[-1]), self.lookback, len(view.candles))
        found = view.once(_averages)
        averages = {FAST: found.fast[-1], MIDDLE: found.middle[-1], SLOW: found.slow[-1]}
        order = " > ".join(str(n) for n in sorted(averages, key=lambda n: -averages[n]))
        slope, strength = float(view.once(_parts)["trend.slope"][-1]), float(view.newest(adx)[-1])
        firm = "firm" if strength >= FIRM_ADX else "weak"
        verdict = leaning(float(series.values[-1]), f"a {firm} uptrend", f"a {firm} downtrend", "no clear trend")
        return f"EMA {order}, slope {slope:+.1f} ATR in {SLOPE_SPAN} candles, ADX {np.rint(strength):.0f}: {verdict}"

    def _raw(self, view: View) -> Raw:
        strength = view.newest(adx)
        values = mixed(view.once(_parts), self._calibration) * 2 * ratio(strength, strength + FIRM_ADX)
        return raw_of(values, self.lookback, len(view.candles))


def _averages(view: View) -> _Averages:
    last, reach = view.last, view.last + SLOPE_SPAN
    fast, slow = newest(view.newest(ema20, reach), last), ema(view.candles.close, SLOW, last=last)
    middle = newest(view.newest(ema50, reach), reach)
    return _Averages(fast, middle[SLOPE_SPAN:], slow, middle[:last])


def _parts(view: View) -> dict[str, FloatArray]:
    found, unit = view.once(_averages), view.newest(atr)
    return {
        "trend.fast": ratio(found.fast - found.middle, unit),
        "trend.slow": ratio(found.middle - found.slow, unit),
        "trend.slope": ratio(found.middle - found.before, unit),
    }
