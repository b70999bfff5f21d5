"""The momentum layer: three oscillators that ask how hard price is pushing."""

from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import MACD_WINDOW, SIGNAL_WINDOW, atr, macd_histogram, rsi, stochastic
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import ratio
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market


class Momentum:
    """Bullish when RSI(14) and slow stochastic(14,3,3) %D are above 50 and the MACD(12,26,9) histogram above 0.

    raw = mean of RSI − 50, histogram/ATR and %D − 50, each in its own spreads.
    """

    name = "momentum"
    inputs = CANDLES_ONLY
    lookback = MACD_WINDOW + SIGNAL_WINDOW - 1

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
        strength, push, place = (float(values[-1]) for values in view.once(_parts).values())
        verdict = leaning(float(series.values[-1]), "buyers push", "sellers push", "neither side pushes")
        return f"RSI {strength + 50:.0f}, MACD histogram {push:+.2f} ATR, stochastic {place + 50:.0f}: {verdict}"

    def _raw(self, view: View) -> Raw:
        return raw_of(mixed(view.once(_parts), self._calibration), self.lookback, len(view.candles))


def _parts(view: View) -> dict[str, FloatArray]:
    candles, last = view.candles, view.last
    return {
        "momentum.rsi": rsi(candles.close, last) - 50,
        "momentum.macd": ratio(macd_histogram(candles.close, last), view.newest(atr)),
        "momentum.stochastic": stochastic(candles, last=last)[1] - 50,
    }
