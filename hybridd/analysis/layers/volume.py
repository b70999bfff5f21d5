"""The volume layer: is the money behind the move?"""

from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import money_flow, money_flow_index, obv_slope, vwap_distance
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, tail, why_not
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market


class Volume:
    """Bullish when volume comes in on rising closes and near the highs, and price is above what was paid on average.

    raw = mean of the OBV slope over 50 candles (in mean volumes), Chaikin money flow(20), MFI(14) − 50 and the
    distance from the rolling VWAP of 96 candles (in its σ), each in its own spreads.
    """

    name = "volume"
    inputs = CANDLES_ONLY
    lookback = 96

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        candles = market.candles
        return {
            "volume.obv": obv_slope(candles),
            "volume.cmf": money_flow(candles),
            "volume.mfi": money_flow_index(candles) - 50,
            "volume.vwap": vwap_distance(candles, self.lookback),
        }

    def raw(self, market: Market) -> Raw:
        return raw_of(mixed(self.parts(market), self._calibration), self.lookback)

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        recent = Market(instrument=market.instrument, candles=tail(market.candles, i, self.lookback))
        series = self.evaluate(recent)
        if series.abstain[-1]:
            return why_not(Abstain(series.abstain[-1]), self.lookback, i + 1)
        slope, flow, index, distance = (float(values[-1]) for values in self.parts(recent).values())
        verdict = leaning(float(series.values[-1]), "money flows in", "money flows out", "no clear flow")
        return (
            f"OBV slope {slope:+.2f} volumes a candle, money flow {flow:+.2f}, MFI {index + 50:.0f}, "
            f"{distance:+.1f} σ from VWAP: {verdict}"
        )
