"""The momentum layer: three oscillators that ask how hard price is pushing."""

from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import MACD_WINDOW, SIGNAL_WINDOW, atr, macd_histogram, rsi, stochastic
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, tail, why_not
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
        candles = market.candles
        return {
            "momentum.rsi": rsi(candles.close) - 50,
            "momentum.macd": ratio(macd_histogram(candles.close), atr(candles)),
            "momentum.stochastic": stochastic(candles)[1] - 50,
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
        strength, push, place = (float(values[-1]) for values in self.parts(recent).values())
        verdict = leaning(float(series.values[-1]), "buyers push", "sellers push", "neither side pushes")
        return f"RSI {strength + 50:.0f}, MACD histogram {push:+.2f} ATR, stochastic {place + 50:.0f}: {verdict}"
