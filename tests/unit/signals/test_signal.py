"""Thresholds, hysteresis and confirmation."""

import pytest

from hybridd.model.analysis import Signal, SignalState
from hybridd.signals.signal import SignalRules, next_state, wanted

RULES = SignalRules()


def walk(scores, rules=RULES, state=None):
    state = state or SignalState()
    signals = []
    for score in scores:
        state = next_state(state, score, rules)
        signals.append(state.signal.value)
    return signals


@pytest.mark.parametrize(
    ("score", "signal"),
    [
        (0, "SHORT"),
        (35, "SHORT"),
        (35.001, "NEUTRAL"),
        (50, "NEUTRAL"),
        (64.999, "NEUTRAL"),
        (65, "LONG"),
        (100, "LONG"),
    ],
)
def test_the_thresholds_themselves_belong_to_the_signal(score, signal):
    assert wanted(Signal.NEUTRAL, score, RULES).value == signal


def test_a_signal_is_left_only_past_its_threshold_by_the_hysteresis():
    assert walk([65, 61, 60, 59.9]) == ["LONG", "LONG", "LONG", "NEUTRAL"]
    assert walk([35, 39, 40, 40.1]) == ["SHORT", "SHORT", "SHORT", "NEUTRAL"]


def test_a_fall_through_both_thresholds_turns_long_into_short_at_once():
    assert walk([70, 30]) == ["LONG", "SHORT"]


def test_a_score_that_wavers_around_a_threshold_does_not_flap():
    assert walk([66, 64, 66, 63, 65, 62]) == ["LONG"] * 6


def test_confirmation_wants_the_same_signal_several_times_in_a_row():
    rules = SignalRules(confirm=3)
    assert walk([70, 70, 70], rules) == ["NEUTRAL", "NEUTRAL", "LONG"]
    assert walk([70, 70, 50, 70, 70, 70], rules) == ["NEUTRAL"] * 5 + ["LONG"]
    assert walk([70, 30, 70, 30, 30, 30], rules)[-1] == "SHORT"


def test_the_guides_night_and_day():
    assert walk([62, 64, 75]) == ["NEUTRAL", "NEUTRAL", "LONG"]
    assert walk([55, 58, 82]) == ["NEUTRAL", "NEUTRAL", "LONG"]
    assert walk([78, 42, 72]) == ["LONG", "NEUTRAL", "LONG"]
