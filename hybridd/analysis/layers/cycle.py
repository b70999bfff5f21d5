"""The cycle layer: is there a rhythm that noise does not explain, and is it about to rise?"""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, answering, leaning, raw_of, scored, silenced, up_to, why_not
from hybridd.analysis.spectra import AHEAD, EVERY, REACH, WINDOW, Cycles, cycles
from hybridd.analysis.view import View, whole
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market


class Cycle:
    """Bullish when the dominant cycle of the last 256 candles is due to rise; abstains where red noise explains it.

    raw = what the strongest wave of 26 to 85 candles adds to log price in the next 12 candles if it goes on, over
    √12 times the root mean square change. The spectrum is drawn anew with the first candle in each 6 of the clock.
    Significant at 95 % over all the waves looked for, against red noise:
    C. Torrence and G. Compo (1998), eq. 16 to 18.
    """

    name = "cycle"
    inputs = CANDLES_ONLY
    lookback = WINDOW + EVERY - 1

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - one part, in usual moves already
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
        series, found = view.once(self.said), view.once(_found)
        code = Abstain(series.abstain[-1])
        strength, swing = float(found.strength[-1]), float(found.swing[-1])
        if code is Abstain.NOTHING_SEEN:
            seen = f"{found.period:.0f} candles, has {strength:.0%} of the power needed"
            return f"no cycle beyond noise: the strongest, {seen}"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, len(view.candles))
        since_bottom = (found.phase / (2 * np.pi) + 0.5) % 1 * found.period
        verdict = leaning(float(series.values[-1]), "due to rise", "due to fall", "near its turn")
        return (
            f"cycle of {found.period:.0f} candles at {strength:.0%} of the power needed, {since_bottom:.0f} after its "
            f"bottom, {swing:+.1f} usual moves in {AHEAD} candles: {verdict}"
        )

    def _raw(self, view: View) -> Raw:
        found = view.once(_found)
        raw = raw_of(found.swing, self.lookback, len(view.candles))
        return silenced(raw, answering(raw.abstain) & ~(found.strength > 1), Abstain.NOTHING_SEEN)


def _found(view: View) -> Cycles:
    candles = view.candles
    reach = min(len(candles), view.last + REACH)
    number = candles.open_time[len(candles) - reach :] // candles.step
    return cycles(candles.close[len(candles) - reach :], number, view.last)
