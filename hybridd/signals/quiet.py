"""Where no rule can fire: what lets a replay pass over a candle and still come to what each step would have said.

Each says "quiet" only where its rule is sure to be silent. Saying "not quiet" too often costs time and nothing else.
"""

import numpy as np

from hybridd.model.analysis import Signal, SignalState
from hybridd.model.candle import BoolArray, FloatArray
from hybridd.signals.changes import ChangeRules
from hybridd.signals.signal import SignalRules

Band = tuple[float, float]
"""An open interval of scores."""

NOWHERE: Band = (np.inf, -np.inf)
# Looked up once: Python 3.11 finds a member of an enum by a call.
_LONG, _SHORT = Signal.LONG, Signal.SHORT
_ROUNDING = 1e-6  # of a score point: a sum and a difference need not round alike


def quiet_band(state: SignalState, anchor: float, signal: SignalRules, change: ChangeRules) -> Band:
    """The scores at which the signal stays where it stands and has not drifted from `anchor`."""
    (low, high), (lower, higher) = _staying(state, signal), _near(anchor, change.score_drift)
    return lower if lower > low else low, higher if higher < high else high


def _staying(state: SignalState, rules: SignalRules) -> Band:
    if state.candidate is not None:
        return NOWHERE
    if state.signal is _LONG:
        return rules.long_threshold - rules.hysteresis, np.inf
    if state.signal is _SHORT:
        return -np.inf, rules.short_threshold + rules.hysteresis
    return rules.short_threshold, rules.long_threshold


def _near(anchor: float, drift: float) -> Band:
    return anchor - drift + _ROUNDING, anchor + drift - _ROUNDING


def stirred(score: FloatArray, confidence: FloatArray, rules: ChangeRules) -> BoolArray:
    """The analyses, shape (n,), at which a rule that looks one analysis back may fire, whatever is remembered.

    The first has none before it and counts as stirred.
    """
    found = np.ones(len(score), dtype=np.bool_)
    jumped = ~(np.abs(np.diff(score)) < rules.score_jump)
    crossed = (confidence[:-1] < rules.confidence_high) & (rules.confidence_high <= confidence[1:])
    found[1:] = jumped | crossed
    return found
