"""The structure layer: where the swings lead, what was broken, and where price stands among the levels."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.indicators import atr
from hybridd.analysis.levels import MOST_OF_PERIOD, Pivots, ValueArea, pivots, retracement, value_areas
from hybridd.analysis.scoring import (
    CANDLES_ONLY,
    Raw,
    leaning,
    mixed,
    raw_of,
    scored,
    silenced,
    undefined,
    up_to,
    why_not,
)
from hybridd.analysis.swings import REACH, SPAN, Swings, breaks, swing_highs, swing_lows
from hybridd.analysis.view import View, whole
from hybridd.analysis.windows import decayed_sum, ratio
from hybridd.model.candle import BoolArray, FloatArray
from hybridd.model.reading import Abstain, LayerSeries, Market

# A leg's pull-back is a discount between Fibonacci's 38.2 % and 61.8 %, none at its end, and the leg is undone from
# 78.6 % (the root of 61.8 %) to its whole length.
GIVEN_BACK = (0.382, 0.618, 0.786, 1.0)
FADE = 0.97
MEMORY = 96


class _State(Struct, frozen=True, eq=False):
    """What is drawn into the chart; `up` and `down`: where a swing's high or low was first broken, of the last
    MEMORY candles more."""

    highs: Swings
    lows: Swings
    up: BoolArray
    down: BoolArray
    pivots: Pivots
    area: ValueArea


class Structure:
    """Bullish when highs and lows climb, swing highs break, a rise is only partly given back, and price is above value.

    A swing stands out from 10 candles a side and is known 10 candles after its extreme. raw = mean of five parts, each
    in its own spreads: the mean change from the swing high and low before to the newest ones, in ATR; breaks of swing
    highs less those of swing lows, each counting 0.97 to the power of its age, in 96 candles; (close − pivot)/(R1 − S1)
    of the day before; the last leg's retracement, worth 1 between 38.2 % and 61.8 %, 0 at its end and at 78.6 %, −1
    from 100 % on (its sign turned when that leg fell); (close − middle)/half the height of the value area of 288.
    Swings, breaks and legs as in J. Murphy, Technical Analysis of the Financial Markets (1999), ch. 4; the sources of
    the levels are named in `levels`.
    """

    name = "structure"
    inputs = CANDLES_ONLY
    lookback = 2 * MOST_OF_PERIOD

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
        code = Abstain(series.abstain[-1])
        if code is Abstain.NOTHING_SEEN:
            return "too few swings of late to compare"
        if code is not Abstain.ANSWERS:
            return why_not(code, self.lookback, len(view.candles))
        state = view.once(_state)
        _, _, place, _, value = (float(part[-1]) for part in view.once(_parts).values())
        higher, lower = state.highs.last[-1] > state.highs.before[-1], state.lows.last[-1] > state.lows.before[-1]
        swings = f"{'higher' if higher else 'lower'} highs, {'higher' if lower else 'lower'} lows"
        back = float(view.once(_given_back)[-1])
        leg = "undone" if back >= 1 else "going on" if back <= 0 else f"given back by {back:.0%}"
        area = "above" if value > 1 else "below" if value < -1 else "inside"
        verdict = leaning(float(series.values[-1]), "built upward", "built downward", "no clear structure")
        return (
            f"{swings}, {_last_break(state)}, last leg {leg}, {place:+.1f} ranges from the pivot, "
            f"{area} the value area: {verdict}"
        )

    def _raw(self, view: View) -> Raw:
        raw = raw_of(mixed(view.once(_parts), self._calibration), self.lookback, len(view.candles))
        # What is left undefined by a price that moves is a stretch without two highs and two lows to compare.
        silent = undefined(raw.abstain) & (view.newest(atr) > 0)
        return silenced(raw, silent, Abstain.NOTHING_SEEN)


def _parts(view: View) -> dict[str, FloatArray]:
    close, state = view.candles.close[len(view.candles) - view.last :], view.once(_state)
    highs, lows, area = state.highs, state.lows, state.area
    lifted = (highs.last - highs.before) + (lows.last - lows.before)
    net = state.up.astype(np.float64) - state.down
    middle, half = (area.high + area.low) / 2, (area.high - area.low) / 2
    return {
        "structure.swings": ratio(lifted / 2, view.newest(atr)),
        "structure.breaks": decayed_sum(net, FADE, MEMORY, view.last),
        "structure.pivots": ratio(close - state.pivots.pivot, state.pivots.spread),
        "structure.retracement": _held(view),
        "structure.value": ratio(close - middle, half),
    }


def _state(view: View) -> _State:
    candles, last = view.candles, view.last
    recent = candles[max(0, len(candles) - last - MEMORY - REACH - 2 * SPAN) :]
    highs, lows = swing_highs(recent.high), swing_lows(recent.low)
    kept = last + MEMORY
    return _State(
        highs=_last(highs, last),
        lows=_last(lows, last),
        up=breaks(recent.close, highs.last, highs.at)[-kept:],
        down=breaks(-recent.close, -lows.last, lows.at)[-kept:],
        pivots=pivots(candles, last),
        area=value_areas(candles, last),
    )


def _last(swings: Swings, n: int) -> Swings:
    start = len(swings.at) - n
    return Swings(swings.last[start:], swings.before[start:], swings.at[start:])


def _given_back(view: View) -> FloatArray:
    """Share of the last confirmed leg that price has returned: below 0 beyond its end, above 1 beyond its start."""
    close, state = view.candles.close[len(view.candles) - view.last :], view.once(_state)
    below = retracement(close, state.highs.last, state.lows.last)
    return np.where(_rose(state), below, 1 - below)


def _held(view: View) -> FloatArray:
    """What the pull-back from the last leg is worth, in the direction of that leg."""
    back = view.once(_given_back)
    deep, golden, undoing, undone = GIVEN_BACK
    worth = _within(back / deep) - _within((back - golden) / (undoing - golden))
    worth -= _within((back - undoing) / (undone - undoing))
    return np.where(_rose(view.once(_state)), worth, -worth)


def _within(x: FloatArray) -> FloatArray:
    """x, at least 0 and at most 1."""
    return np.minimum(np.maximum(x, 0.0), 1.0)


def _rose(state: _State) -> BoolArray:
    """Whether the last leg ended in its high."""
    return np.asarray(state.highs.at > state.lows.at)


def _last_break(state: _State) -> str:
    """The newest break of structure in words."""
    recent = (state.up | state.down)[-MEMORY:].nonzero()[0]
    if not len(recent):
        return f"nothing broken in {MEMORY} candles"
    age = len(state.up[-MEMORY:]) - 1 - int(recent[-1])
    side = "high" if state.up[-1 - age] else "low"
    return f"swing {side} broken {age} candles ago" if age else f"swing {side} broken now"
