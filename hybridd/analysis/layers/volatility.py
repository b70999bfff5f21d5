"""The volatility layer: does price break out of a quiet stretch, and to which side?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import SAME, WILDER_WINDOW, atr, squeeze
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, raw_of, scored, tail, why_not
from hybridd.analysis.windows import decayed_sum, lagged, rank_in_window, ratio, rolling_mean
from hybridd.model.candle import BoolArray, Candles, FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

RANK_WINDOW = 288
COIL = 24
SINCE = 48
FADE = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """`coiled`: share of COIL candles in a squeeze; `drift`: mean place since then, in channel widths."""

    squeezed: BoolArray
    coiled: FloatArray
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
        state = _state(market.candles)
        raw = raw_of(state.drift * (0.5 + state.rank), self.lookback)
        silent = (raw.abstain == Abstain.UNDEFINED) & np.isnan(state.drift)
        return Raw(raw.values, np.where(silent, np.int8(Abstain.NOTHING_SEEN), raw.abstain))

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        recent = Market(instrument=market.instrument, candles=tail(market.candles, i, self.lookback))
        series = self.evaluate(recent)
        code = Abstain(series.abstain[-1])
        if code is Abstain.NOTHING_SEEN:
            return f"no squeeze in the last {COIL + SINCE} candles, so nothing to break out of"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, i + 1)
        state = _state(recent.candles)
        verdict = leaning(float(series.values[-1]), "breaks upward", "breaks downward", "no clear break")
        past = np.flatnonzero(state.squeezed)
        when = (
            "still in a squeeze"
            if state.squeezed[-1]
            else f"squeeze ended {len(series.values) - 1 - past[-1]} candles ago"
        )
        return (
            f"{when}, since then {state.drift[-1]:+.1f} channel widths from the mean, "
            f"ATR above {state.rank[-1]:.0%} of its last {RANK_WINDOW}: {verdict}"
        )


def _state(candles: Candles) -> _State:
    middle, bands, channel = squeeze(candles)
    place, squeezed = ratio(candles.close - middle, channel), bands < channel * (1 - SAME)
    coiled = rolling_mean(squeezed.astype(np.float64), COIL)
    weight = np.where(squeezed | np.isnan(place), 0.0, np.nan_to_num(lagged(coiled, 1)))
    moved = decayed_sum(weight * np.nan_to_num(place), FADE, SINCE)
    drift = ratio(moved, decayed_sum(weight, FADE, SINCE))
    return _State(squeezed, coiled, drift, rank_in_window(atr(candles), RANK_WINDOW))
