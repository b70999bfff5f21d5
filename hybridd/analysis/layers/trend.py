"""The trend layer: are the averages stacked one way, does the middle one climb, and is the movement directed?"""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import adx, atr, ema
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, tail, why_not
from hybridd.analysis.windows import lagged, ratio
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

FAST, MIDDLE, SLOW = 20, 50, 200
SLOPE_SPAN = 10
FIRM_ADX = 25.0  # Wilder's reading of a directed market: New Concepts (1978), p. 47


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
        close, unit = market.candles.close, atr(market.candles)
        fast, middle, slow = (ema(close, n) for n in (FAST, MIDDLE, SLOW))
        return {
            "trend.fast": ratio(fast - middle, unit),
            "trend.slow": ratio(middle - slow, unit),
            "trend.slope": ratio(middle - lagged(middle, SLOPE_SPAN), unit),
        }

    def raw(self, market: Market) -> Raw:
        strength = adx(market.candles)
        values = mixed(self.parts(market), self._calibration) * 2 * ratio(strength, strength + FIRM_ADX)
        return raw_of(values, self.lookback)

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        candles = tail(market.candles, i, self.lookback)
        series = self.evaluate(Market(instrument=market.instrument, candles=candles))
        if series.abstain[-1]:
            return why_not(Abstain(series.abstain[-1]), self.lookback, i + 1)
        averages = {n: float(ema(candles.close, n)[-1]) for n in (FAST, MIDDLE, SLOW)}
        order = " > ".join(str(n) for n in sorted(averages, key=lambda n: -averages[n]))
        slope = float(self.parts(Market(instrument=market.instrument, candles=candles))["trend.slope"][-1])
        strength = float(adx(candles)[-1])
        firm = "firm" if strength >= FIRM_ADX else "weak"
        verdict = leaning(float(series.values[-1]), f"a {firm} uptrend", f"a {firm} downtrend", "no clear trend")
        return f"EMA {order}, slope {slope:+.1f} ATR in {SLOPE_SPAN} candles, ADX {np.rint(strength):.0f}: {verdict}"
