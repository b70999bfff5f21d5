"""Who is told, who is not, and what is remembered."""

import pytest
from msgspec import structs

from hybridd.alerts.flapping import FlapRules
from hybridd.alerts.policy import PolicyRules, judge, objection, settled, verdict
from hybridd.model.analysis import Signal
from hybridd.model.change import Change, Reason, Suppression
from hybridd.model.memory import Held, Memory, memory_from_json
from hybridd.model.silence import Circumstances, Silence
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


def turn(at, before, after):
    return Change(subject="BTC/USDT", reason=Reason.SIGNAL_CHANGED, at=at, before=before, after=after)


def silence(**changes):
    facts = {"subject": "", "reason": None, "author": "me", "comment": "", "starts_at": T0, "ends_at": T0 + 99 * STEP}
    return Silence(**{**facts, "id": 3, **changes})


STALE = Circumstances(stale=True)


def test_candles_too_old_to_go_by_silence_the_market_and_not_what_happened_to_a_trade():
    stop = Change(subject="trade 42", reason=Reason.TRADE_STOP, at=T0, before=1.0, after=0.9, detail="BTC/USDT")
    verdicts, memory = judge([change(), stop], analysis(56), Memory(), RULES, STALE)
    assert outcome(verdicts) == [Suppression.INHIBITED, None]
    assert memory.told_at == {f"{Reason.TRADE_STOP}:trade 42": T0}


def test_a_signal_that_turned_on_stale_candles_is_held():
    _, memory = judge([turn(T0, "NEUTRAL", "LONG")], analysis(70, "LONG"), Memory(), RULES, STALE)
    assert (memory.held_at, memory.told_signal) == (T0, Signal.NEUTRAL)


@pytest.mark.parametrize(
    ("asked", "of", "silent"),
    [
        (silence(), change(), True),
        (silence(subject="BTC/USDT"), change(), True),
        (silence(subject="ETH/USDT"), change(), False),
        (silence(reason=Reason.SCORE_JUMP), change(), True),
        (silence(reason=Reason.SCORE_DRIFT), change(), False),
        (silence(subject="BTC/USDT", reason=Reason.SCORE_JUMP), change(), True),
        # money and hybridd's own health: only by name
        (silence(), Change(subject="trade 42", reason=Reason.TRADE_STOP, at=T0, before=1.0, after=0.9), False),
        (silence(), Change(subject="email", reason=Reason.CHANNEL_DOWN, at=T0, before=None, after=None), False),
        (
            silence(reason=Reason.TRADE_STOP, subject="BTC/USDT"),
            Change(subject="trade 42", reason=Reason.TRADE_STOP, at=T0, before=1.0, after=0.9, detail="BTC/USDT"),
            True,
        ),
        (
            silence(reason=Reason.CHANNEL_DOWN),
            Change(subject="email", reason=Reason.CHANNEL_DOWN, at=T0, before=None, after=None),
            True,
        ),
    ],
)
def test_a_silence_covers_what_it_names(asked, of, silent):
    found = verdict(of, Memory(), RULES, Circumstances(silences=(asked,)))
    assert (found.suppressed, found.because) == ((Suppression.SILENCED, "silence 3") if silent else (None, ""))


def test_a_stop_that_was_touched_in_silence_is_kept_and_its_waiting_is_no_further_verdict():
    stop = Change(subject="trade 42", reason=Reason.TRADE_STOP, at=T0, before=1.0, after=0.9, detail="BTC/USDT")
    quiet = Circumstances(silences=(silence(reason=Reason.TRADE_STOP),))
    verdicts, memory = judge([stop], analysis(50), Memory(), RULES, quiet)
    assert outcome(verdicts) == [Suppression.SILENCED]
    assert memory.held == {f"{Reason.TRADE_STOP}:trade 42": Held(at=T0, before=1.0, after=0.9)}
    again = Change(**{**fields(stop), "at": T0 + STEP, "deferred_from": T0})
    verdicts, memory = judge([again], analysis(50, at=T0 + STEP), memory, RULES, quiet)
    assert verdicts == ()
    assert memory.held
    verdicts, memory = judge([again], analysis(50, at=T0 + STEP), memory, RULES)
    assert outcome(verdicts) == [None]
    assert memory.held == {}


def fields(value):
    return {name: getattr(value, name) for name in value.__slots__}


def test_of_several_objections_the_first_in_the_order_of_policy_is_named():
    """Everything objects; what objected is taken away, and the next one is heard."""
    turned, told_at = turn(T0, "NEUTRAL", "LONG"), {"SIGNAL_CHANGED:BTC/USDT": T0}
    memory = Memory(told_at=told_at, told_signal=Signal.LONG, held_at=T0 - STEP, flapping_at=T0 - STEP)
    around, later = Circumstances(stale=True, silences=(silence(),)), structs.replace(turned, at=T0 + 1)
    unknown, calm = (
        structs.replace(memory, told_signal=Signal.SHORT),
        structs.replace(memory, told_signal=Signal.SHORT, flapping_at=None),
    )
    found = [
        objection(turned, memory, RULES, around),
        objection(later, memory, RULES, around),
        objection(later, unknown, RULES, around),
        objection(later, unknown, RULES, structs.replace(around, stale=False)),
        objection(later, unknown, RULES),
        objection(later, calm, RULES),
        objection(later, structs.replace(calm, told_at={}), RULES),
    ]
    assert found == [
        Suppression.DUPLICATE, Suppression.KNOWN, Suppression.INHIBITED, Suppression.SILENCED, Suppression.FLAPPING,
        Suppression.COOL_DOWN, None,
    ]  # fmt: skip


FLAPS = PolicyRules(cooldown_ms=0, flapping=FlapRules(turns=3, window_ms=10 * STEP, calm_ms=4 * STEP))


def flap(signals, rules=FLAPS):
    """What is told and what is not, candle by candle, where the signal takes these values."""
    memory, before, found = Memory(), "NEUTRAL", []
    for k, signal in enumerate(signals):
        at = T0 + k * STEP
        changes = [turn(at, before, signal)] if signal != before else []
        verdicts, memory = judge(changes, analysis(70, signal, at=at), memory, rules)
        found.append([f"{v.change.reason}{'-' + v.suppressed if v.suppressed else ''}" for v in verdicts])
        before = signal
    return found, memory


def test_a_signal_that_flaps_is_told_once_and_then_its_outcome():
    found, memory = flap(["LONG", "NEUTRAL", "LONG", "NEUTRAL", "LONG", "LONG", "LONG", "LONG", "LONG", "LONG"])
    told, held = ["SIGNAL_CHANGED"], ["SIGNAL_CHANGED-FLAPPING"]
    known = ["SIGNAL_CHANGED-KNOWN"]
    assert found == [told, told, told, ["SIGNAL_FLAPPING", *held], known, [], [], [], ["SIGNAL_CALM"], []]
    assert (memory.told_signal, memory.flapping_at, memory.held_at) == (Signal.LONG, None, None)
    assert settled(memory)


def test_the_outcome_is_told_also_where_it_is_what_was_last_told():
    found, memory = flap(["LONG", "NEUTRAL", "LONG", "NEUTRAL", "LONG"] + ["LONG"] * 4)
    assert found[-1] == ["SIGNAL_CALM"]
    assert memory.told_signal is Signal.LONG


def test_turns_that_lie_far_apart_are_no_flapping():
    spread = [signal for word in ("LONG", "NEUTRAL") * 4 for signal in [word] * 5]
    found, _ = flap(spread)
    assert not [name for names in found for name in names if name != "SIGNAL_CHANGED"]


def test_without_a_limit_nothing_flaps():
    found, _ = flap(["LONG", "NEUTRAL"] * 9, PolicyRules(cooldown_ms=0))
    assert all(names == ["SIGNAL_CHANGED"] for names in found)


def test_a_limit_that_was_taken_away_ends_the_flapping():
    _, memory = flap(["LONG", "NEUTRAL", "LONG", "NEUTRAL"])
    verdicts, memory = judge([], analysis(50, at=T0 + 4 * STEP), memory, PolicyRules())
    assert [v.change.reason for v in verdicts] == [Reason.SIGNAL_CALM]
    assert memory.flapping_at is None


def test_a_memory_of_an_earlier_version_is_understood():
    old = {"anchor_score": 50.0, "told_signal": "LONG", "told_at": {"a:b": 5}, "held_at": None}
    assert memory_from_json(old) == Memory(anchor_score=50.0, told_signal=Signal.LONG, told_at={"a:b": 5})
    full = Memory(held={"a:b": Held(at=1, before=2.0, after=3.0)}, turns=(1, 2), flapping_at=2)
    assert memory_from_json(full.to_json()) == full
