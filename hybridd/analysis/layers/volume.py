"""The volume layer: is the money behind the move?"""

from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import money_flow, money_flow_index, obv_slope, vwap_distance
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

VWAP_WINDOW = 96


class Volume:
    """Bullish when volume comes in on rising closes and near the highs, and price is above what was paid on average.

    raw = mean of the OBV slope over 50 candles (in mean volumes), Chaikin money flow(20), MFI(14) − 50 and the
    distance from the rolling VWAP of 96 candles (in its σ), each in its own spreads.
    """

    name = "volume"
    inputs = CANDLES_ONLY
    lookback = VWAP_WINDOW

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
        slope, flow, index, distance = (float(values[-1]) for values in view.once(_parts).values())
        verdict = leaning(float(series.values[-1]), "money flows in", "money flows out", "no clear flow")
        return (
            f"OBV slope {slope:+.2f} volumes a candle, money flow {flow:+.2f}, MFI {index + 50:.0f}, "
            f"{distance:+.1f} σ from VWAP: {verdict}"
        )

    def _raw(self, view: View) -> Raw:
        return raw_of(mixed(view.once(_parts), self._calibration), self.lookback, len(view.candles))


def _parts(view: View) -> dict[str, FloatArray]:
    candles, last = view.candles, view.last
    return {
        "volume.obv": obv_slope(candles, last=last),
        "volume.cmf": money_flow(candles, last=last),
        "volume.mfi": money_flow_index(candles, last=last) - 50,
        "volume.vwap": vwap_distance(candles, VWAP_WINDOW, last),
    }
