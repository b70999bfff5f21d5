"""The cycle layer: is there a rhythm that noise does not explain, and is it about to rise?"""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, raw_of, scored, tail, why_not
from hybridd.analysis.spectra import AHEAD, WINDOW, cycles
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market


class Cycle:
    """Bullish when the dominant cycle of the last 256 candles is due to rise; abstains where red noise explains it.

    raw = what the strongest wave of 26 to 85 candles adds to log price in the next 12 candles if it goes on, over
    √12 times the root mean square change. Significant at 95 % over all the waves looked for, against red noise:
    C. Torrence and G. Compo (1998), eq. 16 to 18.
    """

    name = "cycle"
    inputs = CANDLES_ONLY
    lookback = WINDOW

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - one part, in usual moves already
        return {}

    def raw(self, market: Market) -> Raw:
        found = cycles(market.candles.close)
        raw = raw_of(found.swing, self.lookback)
        silent = (raw.abstain == Abstain.ANSWERS) & ~(found.strength > 1)
        return Raw(np.where(silent, np.nan, raw.values), np.where(silent, np.int8(Abstain.NOTHING_SEEN), raw.abstain))

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        recent = Market(instrument=market.instrument, candles=tail(market.candles, i, self.lookback))
        series = self.evaluate(recent)
        code, found = Abstain(series.abstain[-1]), cycles(recent.candles.close)
        period, strength, phase, swing = (
            float(x[-1]) for x in (found.period, found.strength, found.phase, found.swing)
        )
        if code is Abstain.NOTHING_SEEN:
            return f"no cycle beyond noise: the strongest, {period:.0f} candles, has {strength:.0%} of the power needed"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        since_bottom = (phase / (2 * np.pi) + 0.5) % 1 * period
        verdict = leaning(float(series.values[-1]), "due to rise", "due to fall", "near its turn")
        return (
            f"cycle of {period:.0f} candles at {strength:.0%} of the power needed, {since_bottom:.0f} after its "
            f"bottom, {swing:+.1f} usual moves in {AHEAD} candles: {verdict}"
        )
