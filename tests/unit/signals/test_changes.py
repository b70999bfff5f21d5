"""What fires and what does not."""

import pytest

from hybridd.model.analysis import Signal
from hybridd.model.change import Reason
from hybridd.model.memory import Held, Memory
from hybridd.signals.changes import ChangeRules, forget_closed, keep_touched, market_changes, trade_changes
from tests.makers import STEP, T0, analysis, trade

RULES = ChangeRules()


def fired(before, now, memory=None, rules=RULES):
    return {
        change.reason.value: (change.before, change.after)
        for change in market_changes(before, now, memory or Memory(), rules)
    }


def test_nothing_fires_when_nothing_changed():
    assert fired(analysis(50), analysis(50)) == {}


def test_a_new_signal_fires():
    assert fired(analysis(64), analysis(66, "LONG")) == {"SIGNAL_CHANGED": ("NEUTRAL", "LONG")}


def test_a_market_that_is_hot_at_the_very_first_analysis_is_news():
    assert fired(None, analysis(70, "LONG"))["SIGNAL_CHANGED"] == ("NEUTRAL", "LONG")
    assert fired(None, analysis(50)) == {}


@pytest.mark.parametrize(("step", "fires"), [(4.99, False), (5.0, True), (-5.0, True), (-4.99, False)])
def test_a_jump_fires_from_five_points_on_in_both_directions(step, fires):
    assert ("SCORE_JUMP" in fired(analysis(50), analysis(50 + step))) is fires


def test_a_score_of_zero_is_a_score():
    assert fired(analysis(0.0, "SHORT"), analysis(6.0, "SHORT"))["SCORE_JUMP"] == (0.0, 6.0)
    assert fired(analysis(3.0, "SHORT"), analysis(0.0, "SHORT"), Memory(anchor_score=10.0))["SCORE_DRIFT"] == (
        10.0,
        0.0,
    )
    assert fired(analysis(3.0, "SHORT"), analysis(10.0, "SHORT"), Memory(anchor_score=0.0))["SCORE_DRIFT"] == (
        0.0,
        10.0,
    )


def test_slow_drift_is_seen_against_the_last_alert():
    memory = Memory(anchor_score=48.0)
    assert fired(analysis(57), analysis(57.9), memory) == {}
    assert fired(analysis(57), analysis(58.0), memory) == {"SCORE_DRIFT": (48.0, 58.0)}


def test_confidence_fires_on_the_edge_and_not_on_the_level():
    low, high = analysis(70, "LONG", confidence=0.84), analysis(70, "LONG", confidence=0.85)
    assert fired(low, high) == {"CONFIDENCE_HIGH": (0.84, 0.85)}
    assert fired(high, high) == {}
    assert fired(high, low) == {}


def test_confidence_without_a_signal_is_no_news():
    assert fired(analysis(50, confidence=0.1), analysis(50, confidence=0.9)) == {}


def test_a_change_held_back_is_told_when_the_cool_down_is_over():
    memory = Memory(
        anchor_score=66.0, told_signal=Signal.LONG, held_at=T0, told_at={f"{Reason.SIGNAL_CHANGED}:BTC/USDT": T0 - STEP}
    )
    neutral = analysis(58, at=T0 + STEP)
    assert fired(neutral, neutral, memory) == {}
    (change,) = market_changes(neutral, analysis(58, at=T0 + 2 * STEP), memory, RULES)
    assert (change.before, change.after, change.deferred_from) == ("LONG", "NEUTRAL", T0)


def test_a_signal_that_came_back_while_it_was_held_back_is_not_told():
    memory = Memory(anchor_score=66.0, told_signal=Signal.LONG, held_at=T0)
    back = analysis(66, "LONG", at=T0 + 10 * STEP)
    assert fired(back, back, memory) == {}


def of_trade(now, *trades, memory=None):
    return {c.reason.value: c.subject for c in trade_changes(now, trades, memory or Memory(), STEP)}


def test_target_and_stop_are_seen_by_the_candles_high_and_low():
    long = trade(stop_price=45_200.0, target_price=45_300.0)
    assert of_trade(analysis(50), long) == {"TRADE_STOP": "trade 42", "TRADE_TARGET": "trade 42"}
    assert of_trade(analysis(50, low=45_201.0, high=45_299.0), long) == {}


def test_a_short_trade_earns_downwards():
    short = trade("SHORT", stop_price=45_300.0, target_price=45_100.0)
    assert of_trade(analysis(50, high=45_299.0, low=45_100.0), short) == {"TRADE_TARGET": "trade 42"}
    assert of_trade(analysis(50), short) == {"TRADE_STOP": "trade 42"}


def test_a_candle_older_than_the_entry_counts_with_its_close_only():
    fresh = trade(at=T0 - 1, stop_price=45_200.0, target_price=45_300.0)
    assert of_trade(analysis(50), fresh) == {}
    assert of_trade(analysis(50, price=45_150.0), fresh) == {"TRADE_STOP": "trade 42"}
    assert of_trade(analysis(50), trade(at=T0, stop_price=45_200.0)) == {}


def test_a_signal_against_the_trade_is_told_once():
    now = analysis(30, "SHORT")
    assert of_trade(now, trade()) == {"TRADE_AGAINST": "trade 42"}
    assert of_trade(now, trade("SHORT")) == {}
    told = Memory(told_at={f"{Reason.TRADE_AGAINST}:trade 42": T0 - STEP})
    assert of_trade(now, trade(), memory=told) == {}


def test_other_symbols_trades_are_left_alone():
    assert of_trade(analysis(30, "SHORT"), trade(symbol="ETH/USDT")) == {}


def test_what_was_told_of_a_trade_is_forgotten_when_it_closes_and_nothing_else_is():
    market = {f"{Reason.SCORE_JUMP}:BTC/USDT": T0}
    of_both = {f"{Reason.TRADE_STOP}:trade 4": T0, f"{Reason.TRADE_STOP}:trade 42": T0}
    memory = Memory(anchor_score=50.0, told_at=market | of_both)
    assert forget_closed(memory, [trade(), trade(id=4)]) == memory
    assert forget_closed(memory, [trade()]).told_at == market | {f"{Reason.TRADE_STOP}:trade 42": T0}
    assert forget_closed(memory, []) == Memory(anchor_score=50.0, told_at=market)


HIDDEN = {f"{Reason.SCORE_JUMP}:BTC/USDT": T0 - STEP, f"{Reason.CONFIDENCE_HIGH}:BTC/USDT": T0 - STEP}


def holding(reason, before, **changes):
    held = {f"{reason}:BTC/USDT": Held(at=T0, before=before)}
    return Memory(anchor_score=50.0, told_at=HIDDEN, held=held, **changes)


@pytest.mark.parametrize(("score", "after", "told"), [(56, 1, False), (56, 2, True), (54, 2, False), (44, 2, True)])
def test_a_jump_that_the_cool_down_hid_is_told_after_it_if_the_score_stayed_away(score, after, told):
    now = analysis(score, at=T0 + after * STEP)
    memory = holding(Reason.SCORE_JUMP, 50.0)
    found = market_changes(analysis(score), now, memory, RULES)
    assert [(c.reason, c.before, c.after, c.deferred_from) for c in found] == (
        [(Reason.SCORE_JUMP, 50.0, score, T0)] if told else []
    )


@pytest.mark.parametrize(
    ("signal", "confidence", "after", "told"),
    [("LONG", 0.9, 1, False), ("LONG", 0.9, 2, True), ("LONG", 0.8, 2, False), ("NEUTRAL", 0.9, 2, False)],
)
def test_a_confidence_that_the_cool_down_hid_is_told_after_it_if_it_is_still_high(signal, confidence, after, told):
    before, now = (
        analysis(50, signal, confidence=0.9),
        analysis(50, signal, confidence=confidence, at=T0 + after * STEP),
    )
    found = market_changes(before, now, holding(Reason.CONFIDENCE_HIGH, 0.7), RULES)
    assert [(c.before, c.after, c.deferred_from) for c in found] == ([(0.7, 0.9, T0)] if told else [])


def test_what_a_late_candle_did_to_a_trade_is_told_by_the_next_with_its_moment():
    late = analysis(50, low=44_000.0)
    trades = [trade(stop_price=44_500.0)]
    memory = keep_touched(late, trades, Memory(), STEP)
    memory = keep_touched(analysis(50, at=T0 + STEP, low=43_000.0), trades, memory, STEP)
    (change,) = trade_changes(analysis(50, at=T0 + 9 * STEP), trades, memory, STEP)
    assert (change.reason, change.at, change.deferred_from) == (Reason.TRADE_STOP, T0 + 9 * STEP, T0)
    assert (change.before, change.after) == (44_500.0, 44_000.0)


def test_what_was_touched_before_is_told_once_and_as_what_came_first():
    trades = [trade(stop_price=45_200.0)]
    memory = keep_touched(analysis(50), trades, Memory(), STEP)
    (change,) = trade_changes(analysis(50, at=T0 + STEP), trades, memory, STEP)
    assert change.deferred_from == T0
    told = Memory(told_at={f"{Reason.TRADE_STOP}:trade 42": T0}, held=memory.held)
    assert trade_changes(analysis(50, at=T0 + STEP), trades, told, STEP) == ()


def test_what_was_touched_is_forgotten_with_its_trade():
    memory = keep_touched(analysis(50), [trade(stop_price=45_200.0)], Memory(anchor_score=50.0), STEP)
    assert memory.held
    assert forget_closed(memory, []) == Memory(anchor_score=50.0)
