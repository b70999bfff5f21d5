"""The fractal layer: does the market go on or turn back, and which way did it last go?"""

from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.persistence import (
    LONG,
    WINDOW,
    Moments,
    Persistence,
    hurst_exponent,
    moments,
    newest_moments,
    persistence,
    usual_moves,
)
from hybridd.analysis.returns import changes
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, raw_of, scored, tanh, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import rolling_mean
from hybridd.model.candle import FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

SMOOTH = 6


class Fractal:
    """Bullish when a persistent market has risen, or one that turns back has fallen, in the last 12 candles.

    raw = tanh(z/2) × tanh(move/2). z tests whether the variance ratio of 12 candles over the last 576 differs from a
    random walk's 1 (A. Lo and A. C. MacKinlay, 1988, robust to changing volatility); at 1.96 it counts 0.75. move is
    the mean of the last six 12-candle returns in their usual sizes, one alone being as restless as its two ends.
    """

    name = "fractal"
    inputs = CANDLES_ONLY
    lookback = WINDOW + SMOOTH

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:  # noqa: ARG002 - its factors share one scale already
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
        found = view.once(_found)
        vr, z, move = (float(x[-1]) for x in (found.variance_ratio, found.z, view.once(_move)))
        habit = "goes on" if z > 1 else "turns back" if z < -1 else "walks at random"
        verdict = leaning(float(series.values[-1]), "speaks for a rise", "speaks for a fall", "says little")
        return (
            f"variance ratio {vr:.2f} (z {z:+.1f}, Hurst {hurst_exponent(vr):.2f}), so the market {habit}; "
            f"of late {move:+.1f} σ in {LONG} candles: {verdict}"
        )

    def _raw(self, view: View) -> Raw:
        values = tanh(view.once(_found).z / 2) * tanh(view.once(_move) / 2)
        return raw_of(values, self.lookback, len(view.candles))


def _moments(view: View) -> Moments:
    last = min(view.last + SMOOTH, len(view.candles))
    return moments(view.newest(changes, view.last + WINDOW + SMOOTH), last)


def _found(view: View) -> Persistence:
    return persistence(newest_moments(view.once(_moments), view.last))


def _move(view: View) -> FloatArray:
    return rolling_mean(usual_moves(view.once(_moments)), SMOOTH, view.last)
