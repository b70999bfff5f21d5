"""The kalman layer: does price climb, by a filter that knows how uncertain its slope is?"""

from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.filters import ERRORS, WINDOW, local_slope
from hybridd.analysis.returns import changes
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, raw_of, scored, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import ratio
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market


class Kalman:
    """Bullish when the slope of log price, filtered by a local linear trend, stands above its own standard error.

    raw = slope/standard error, Kalman's filter of level and slope run over exactly the last 288 candles: A. Harvey,
    Forecasting, Structural Time Series Models and the Kalman Filter (1989), ch. 2.3 and 3.2.
    """

    name = "kalman"
    inputs = CANDLES_ONLY
    lookback = WINDOW + ERRORS

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - one part, in its own units already
        return {}

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
        slope, error = (1e4 * float(x[-1]) for x in view.once(_slope))
        verdict = leaning(float(series.values[-1]), "climbs", "falls", "no slope to speak of")
        return f"slope {slope:+.2f} ± {error:.2f} bps a candle, {abs(slope / error):.1f} standard errors: {verdict}"

    def _raw(self, view: View) -> Raw:
        return raw_of(ratio(*view.once(_slope)), self.lookback, len(view.candles))


def _slope(view: View) -> tuple[FloatArray, FloatArray]:
    return local_slope(view.newest(changes, view.last + WINDOW + ERRORS), view.last)
