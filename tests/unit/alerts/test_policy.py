"""Who is told, who is not, and what is remembered."""

from hybridd.alerts.policy import PolicyRules, judge
from hybridd.model.analysis import Signal
from hybridd.model.change import Change, Reason, Suppression
from hybridd.model.memory import Memory, memory_from_json
from tests.makers import STEP, T0, analysis

RULES = PolicyRules(cooldown_ms=3 * STEP)


def change(at=T0, reason=Reason.SCORE_JUMP):
    return Change(subject="BTC/USDT", reason=reason, at=at, before=50.0, after=56.0)


def outcome(verdicts):
    return [v.suppressed for v in verdicts]


def test_news_is_told_and_remembered():
    verdicts, memory = judge([change()], analysis(56), Memory(), RULES)
    assert outcome(verdicts) == [None]
    assert memory.anchor_score == 56
    assert memory.last_told(Reason.SCORE_JUMP, "BTC/USDT") == T0


def test_the_same_reason_stays_silent_through_the_cool_down_and_speaks_after_it():
    _, memory = judge([change()], analysis(56), Memory(), RULES)
    for k, expected in ((1, Suppression.COOL_DOWN), (2, Suppression.COOL_DOWN), (3, None)):
        verdicts, _ = judge([change(T0 + k * STEP)], analysis(62, at=T0 + k * STEP), memory, RULES)
        assert outcome(verdicts) == [expected]


def test_another_reason_is_not_held_back_by_the_first():
    _, memory = judge([change()], analysis(56), Memory(), RULES)
    verdicts, _ = judge([change(T0 + STEP, Reason.SIGNAL_CHANGED)], analysis(66, "LONG"), memory, RULES)
    assert outcome(verdicts) == [None]


def test_the_very_same_change_is_a_duplicate():
    _, memory = judge([change()], analysis(56), Memory(), RULES)
    assert outcome(judge([change()], analysis(56), memory, RULES)[0]) == [Suppression.DUPLICATE]


def test_what_was_suppressed_moves_no_anchor():
    _, memory = judge([change()], analysis(56), Memory(), RULES)
    _, after = judge([change(T0 + STEP)], analysis(64, at=T0 + STEP), memory, RULES)
    assert after.anchor_score == 56


def test_a_suppressed_change_of_signal_is_held_not_lost():
    told = Memory(anchor_score=66, told_signal=Signal.LONG, told_at={f"{Reason.SIGNAL_CHANGED}:BTC/USDT": T0})
    back = change(T0 + STEP, Reason.SIGNAL_CHANGED)
    _, memory = judge([back], analysis(55, at=T0 + STEP), told, RULES)
    assert memory.held_at == T0 + STEP
    _, memory = judge([], analysis(66, "LONG", at=T0 + 2 * STEP), memory, RULES)
    assert memory.held_at is None


def test_the_first_score_is_the_anchor_until_something_is_told():
    _, memory = judge([], analysis(48), Memory(), RULES)
    _, memory = judge([], analysis(52), memory, RULES)
    assert memory.anchor_score == 48


def test_memory_survives_the_state_database():
    memory = Memory(anchor_score=0.0, told_signal=Signal.SHORT, told_at={"a:b": 5}, held_at=7)
    assert memory_from_json(memory.to_json()) == memory


def test_news_of_another_kind_does_not_hide_that_the_signal_turned():
    told = Memory(anchor_score=66, told_signal=Signal.LONG, told_at={f"{Reason.SIGNAL_CHANGED}:BTC/USDT": T0})
    both = [change(T0 + STEP, Reason.SIGNAL_CHANGED), change(T0 + STEP)]
    verdicts, memory = judge(both, analysis(55, at=T0 + STEP), told, RULES)
    assert outcome(verdicts) == [Suppression.COOL_DOWN, None]
    assert (memory.told_signal, memory.held_at, memory.anchor_score) == (Signal.LONG, T0 + STEP, 55)


def test_a_signal_that_left_and_came_back_unheard_is_not_told_as_new():
    held = Memory(told_signal=Signal.LONG, held_at=T0, told_at={f"{Reason.SIGNAL_CHANGED}:BTC/USDT": T0 - 9 * STEP})
    back = Change(subject="BTC/USDT", reason=Reason.SIGNAL_CHANGED, at=T0 + STEP, before="NEUTRAL", after="LONG")
    verdicts, memory = judge([back], analysis(66, "LONG", at=T0 + STEP), held, RULES)
    assert outcome(verdicts) == [Suppression.KNOWN]
    assert memory.held_at is None
