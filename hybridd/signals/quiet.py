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
_ROUNDING = 1e-6  # of a score point: a sum and a difference need not round alike


def quiet_band(state: SignalState, anchor: float, signal: SignalRules, change: ChangeRules) -> Band:
    """The scores at which the signal stays where it stands and has not drifted from `anchor`."""
    if state.candidate is not None:
        return NOWHERE
    low, high = signal.short_threshold, signal.long_threshold
    if state.signal is Signal.LONG:
        low, high = signal.long_threshold - signal.hysteresis, np.inf
    elif state.signal is Signal.SHORT:
        low, high = -np.inf, signal.short_threshold + signal.hysteresis
    drift = change.score_drift - _ROUNDING
    lower, higher = anchor - drift, anchor + drift
    return lower if lower > low else low, higher if higher < high else high


def stirred(score: FloatArray, confidence: FloatArray, rules: ChangeRules) -> BoolArray:
    """The analyses, shape (n,), at which a rule that looks one analysis back may fire, whatever is remembered.

    The first has none before it and counts as stirred.
    """
    found = np.ones(len(score), dtype=np.bool_)
    jumped = ~(np.abs(np.diff(score)) < rules.score_jump)
    crossed = (confidence[:-1] < rules.confidence_high) & (rules.confidence_high <= confidence[1:])
    found[1:] = jumped | crossed
    return found
