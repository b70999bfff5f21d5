"""The volatility layer: does price break out of a quiet stretch, and to which side?"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import SAME, WILDER_WINDOW, atr, squeeze
from hybridd.analysis.ranks import rank_in_window
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, raw_of, scored, silenced, undefined, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import decayed_sum, newest, ratio, rolling_mean
from hybridd.model.candle import BoolArray, FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

RANK_WINDOW = 288
COIL = 24
SINCE = 48
FADE = 0.9


class _State(Struct, frozen=True, eq=False):
    """`squeezed`: of the last SINCE + COIL candles as well; `drift`: mean place since then, in channel widths."""

    squeezed: BoolArray
    drift: FloatArray
    rank: FloatArray


class Volatility:
    """Bullish when price left a squeeze upward, the more so as ranges widen; abstains without a squeeze to leave.

    A squeeze is a candle whose Bollinger bands (20, 2) lie inside the Keltner channel (20, 1.5): J. Carter, Mastering
    the Trade (2005), ch. 11. raw = drift × (0.5 + rank). Drift is the mean of (close − mean of 20)/channel width over
    the last 48 candles outside a squeeze, each weighted by how much of the 24 candles before it were squeezed and by
    0.9 to the power of its age. Rank is the share of the last 288 ATR(14) that today's exceeds.
    """

    name = "volatility"
    inputs = CANDLES_ONLY
    lookback = WILDER_WINDOW + 1 + RANK_WINDOW

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
        series, state = view.once(self.said), view.once(_state)
        code = Abstain(series.abstain[-1])
        if code is Abstain.NOTHING_SEEN:
            return f"no squeeze in the last {COIL + SINCE} candles, so nothing to break out of"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, len(view.candles))
        verdict = leaning(float(series.values[-1]), "breaks upward", "breaks downward", "no clear break")
        ago = int(np.argmax(state.squeezed[::-1]))
        when = f"squeeze ended {ago} candles ago" if ago else "still in a squeeze"
        return (
            f"{when}, since then {state.drift[-1]:+.1f} channel widths from the mean, "
            f"ATR above {state.rank[-1]:.0%} of its last {RANK_WINDOW}: {verdict}"
        )

    def _raw(self, view: View) -> Raw:
        state = view.once(_state)
        raw = raw_of(state.drift * (0.5 + state.rank), self.lookback, len(view.candles))
        if view.last == 1 and raw.abstain.item(0) == 0:
            return raw
        return silenced(raw, undefined(raw.abstain) & np.isnan(state.drift), Abstain.NOTHING_SEEN)


def _state(view: View) -> _State:
    candles, last = view.candles, view.last
    reach = min(last + SINCE + COIL, len(candles))
    middle, bands, channel = squeeze(candles, last=reach)
    place, squeezed = ratio(newest(candles.close, reach) - middle, channel), bands < channel * (1 - SAME)
    coiled = rolling_mean(squeezed.astype(np.float64), COIL)
    weight = np.zeros(reach)
    weight[COIL:] = coiled[COIL - 1 : -1]
    weight *= ~(squeezed | np.isnan(place))
    place[np.isnan(place)] = 0.0
    drift = ratio(decayed_sum(weight * place, FADE, SINCE, last), decayed_sum(weight, FADE, SINCE, last))
    rank = rank_in_window(view.newest(atr, last + RANK_WINDOW), RANK_WINDOW, last)
    return _State(squeezed, drift, rank)
