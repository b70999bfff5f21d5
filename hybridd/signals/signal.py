"""Score to signal: thresholds, hysteresis, confirmation."""

from dataclasses import dataclass

from hybridd.model.analysis import Signal, SignalState


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRules:
    """Thresholds in score points; `confirm` is how many analyses in a row a new signal needs."""

    long_threshold: float = 65.0
    short_threshold: float = 35.0
    hysteresis: float = 5.0
    confirm: int = 1


# Looked up once: Python 3.11 finds a member of an enum by a call, and a replay asks for some a million times.
_LONG, _SHORT, _NEUTRAL = Signal.LONG, Signal.SHORT, Signal.NEUTRAL


def wanted(signal: Signal, score: float, rules: SignalRules) -> Signal:
    """What this score asks for where `signal` stands: a signal is left only past its threshold by the hysteresis."""
    if signal is _LONG and score >= rules.long_threshold - rules.hysteresis:
        return _LONG
    if signal is _SHORT and score <= rules.short_threshold + rules.hysteresis:
        return _SHORT
    if score >= rules.long_threshold:
        return _LONG
    if score <= rules.short_threshold:
        return _SHORT
    return _NEUTRAL


def next_state(state: SignalState, score: float, rules: SignalRules) -> SignalState:
    """Where the signal stands after one more analysis."""
    return confirmed(state, wanted(state.signal, score, rules), rules.confirm)


def confirmed(state: SignalState, candidate: Signal, confirm: int) -> SignalState:
    """`candidate` becomes the signal once it has been asked for `confirm` times in a row."""
    if candidate is state.signal:
        return state if state.candidate is None else SignalState(signal=state.signal)
    streak = state.streak + 1 if candidate is state.candidate else 1
    if streak >= confirm:
        return SignalState(signal=candidate)
    return SignalState(signal=state.signal, candidate=candidate, streak=streak)
