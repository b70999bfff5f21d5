"""Who is told of a change and who is not, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from hybridd.alerts.flapping import FlapRules, follow
from hybridd.model.analysis import Seen
from hybridd.model.change import TRADE, Change, Reason, Suppression, Verdict
from hybridd.model.memory import Held, Memory, told_key
from hybridd.model.silence import NO_CIRCUMSTANCES, Circumstances


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRules:
    """`cooldown_ms`: how long the same reason for the same subject stays silent after it was told."""

    cooldown_ms: int = 900_000
    flapping: FlapRules = field(default_factory=FlapRules)


def verdict(
    change: Change, memory: Memory, rules: PolicyRules, circumstances: Circumstances = NO_CIRCUMSTANCES
) -> Verdict:
    """The first objection decides; there is none: it is told."""
    suppressed = objection(change, memory, rules, circumstances)
    silence = circumstances.silence_of(change) if suppressed is Suppression.SILENCED else None
    return Verdict(change=change, suppressed=suppressed, because=f"silence {silence.id}" if silence else "")


def objection(
    change: Change, memory: Memory, rules: PolicyRules, circumstances: Circumstances = NO_CIRCUMSTANCES
) -> Suppression | None:
    """Why nobody is to be told of this change. The order of the lines is the order of policy."""
    told, turn = memory.last_told(change.reason, change.subject), change.reason is Reason.SIGNAL_CHANGED
    if told is not None and change.at <= told:
        return Suppression.DUPLICATE
    if turn and memory.held_at is not None and change.after == memory.told_signal:
        return Suppression.KNOWN
    # A stop that old candles touched is still a stop that was touched.
    if circumstances.stale and change.reason not in TRADE:
        return Suppression.INHIBITED
    if circumstances.silences and circumstances.silence_of(change):
        return Suppression.SILENCED
    if turn and memory.flapping_at is not None:
        return Suppression.FLAPPING
    return Suppression.COOL_DOWN if told is not None and change.at - told < rules.cooldown_ms else None


def settled(memory: Memory) -> bool:
    """Whether an analysis without changes leaves `memory` as it is, and brings to light nothing that is held back."""
    return memory.anchor_score is not None and memory.held_at is None and not memory.held and memory.flapping_at is None


def judge(
    changes: Sequence[Change],
    now: Seen,
    memory: Memory,
    rules: PolicyRules,
    circumstances: Circumstances = NO_CIRCUMSTANCES,
) -> tuple[tuple[Verdict, ...], Memory]:
    """A verdict for each change, and what to remember afterwards."""
    if changes or memory.flapping_at is not None:
        changes, memory = follow(changes, now, memory, rules.flapping)
    if not changes:
        return (), _unchanged(now, memory, rules)
    told: list[Change] = []
    hidden: list[Change] = []
    verdicts: list[Verdict] = []
    for change in changes:
        one = verdict(change, memory, rules, circumstances)
        if one.suppressed is None:
            told.append(change)
        elif one.suppressed in HELD:
            hidden.append(change)
        # What is held back has its verdict; that it must wait longer is no further one.
        if one.suppressed is None or change.deferred_from is None:
            verdicts.append(one)
    return tuple(verdicts), _after(now, told, hidden, memory, rules)


def _unchanged(now: Seen, memory: Memory, rules: PolicyRules, waiting: Sequence[Change] = ()) -> Memory:
    """Without news three things move: the first score ever is the anchor, and what was held back is let go once it
    has come back, or no rule asks for it any more although it could be told."""
    if memory.anchor_score is None:
        memory = replace(memory, anchor_score=now.score)
    if memory.held_at is not None and now.signal is memory.told_signal:
        memory = replace(memory, held_at=None)
    if memory.held:
        asked = {told_key(change.reason, change.subject) for change in waiting}
        held = {key: held for key, held in memory.held.items() if key in asked or _cools(key, now, memory, rules)}
        memory = replace(memory, held=held) if len(held) < len(memory.held) else memory
    return memory


def _cools(key: str, now: Seen, memory: Memory, rules: PolicyRules) -> bool:
    told = memory.told_at.get(key)
    return told is not None and now.candle_close - told < rules.cooldown_ms


def _after(now: Seen, told: list[Change], hidden: list[Change], memory: Memory, rules: PolicyRules) -> Memory:
    """What is remembered once some changes are told and others wait to be."""
    if memory.held or memory.held_at is not None or memory.anchor_score is None:
        memory = _unchanged(now, memory, rules, hidden)
    anchor, told_at, held = memory.anchor_score, memory.told_at, memory.held
    if told:
        anchor, told_at = now.score, dict(told_at)
        for change in told:
            told_at[told_key(change.reason, change.subject)] = change.at
        # Any alert says the score: what was held back of it is known now.
        if held:
            held = {key: one for key, one in held.items() if key not in told_at and not key.startswith(_JUMP)}
        hidden = [change for change in hidden if change.reason is not Reason.SCORE_JUMP] if hidden else hidden
    if hidden:
        held = _hold(now, hidden, held)
    told_signal, held_at = memory.told_signal, memory.held_at
    # News of another kind mentions the signal, but nobody reads from it that the signal has turned: that stays held.
    if now.signal is not told_signal or held_at is not None:
        if _of_signal(told):
            told_signal, held_at = now.signal, None
        elif held_at is None and _of_signal(hidden):
            held_at = now.candle_close
    return Memory(
        anchor_score=anchor,
        told_signal=told_signal,
        told_at=told_at,
        held_at=held_at,
        held=held,
        turns=memory.turns,
        flapping_at=memory.flapping_at,
    )


def _of_signal(changes: Sequence[Change]) -> bool:
    # Not any(): it makes a generator for what mostly is one change, and a replay asks at every step.
    for change in changes:  # noqa: SIM110
        if change.reason is Reason.SIGNAL_CHANGED or change.reason is Reason.SIGNAL_CALM:
            return True
    return False


def _hold(now: Seen, hidden: Sequence[Change], held: Mapping[str, Held]) -> Mapping[str, Held]:
    """Keep what nobody was told of and what may still hold when it can be told."""
    fresh = {
        told_key(change.reason, change.subject): Held(at=now.candle_close, before=change.before, after=change.after)
        for change in hidden
        if change.reason in _KEPT and isinstance(change.before, float | int) and isinstance(change.after, float | int)
    }
    return {**fresh, **held} if fresh.keys() - held.keys() else held


HELD = frozenset({Suppression.INHIBITED, Suppression.SILENCED, Suppression.FLAPPING, Suppression.COOL_DOWN})
"""What ends, and after which a person is told of what still holds."""
_JUMP = f"{Reason.SCORE_JUMP}:"
# A drift is measured from the last alert and asks again by itself.
_KEPT = frozenset({Reason.SCORE_JUMP, Reason.CONFIDENCE_HIGH, Reason.TRADE_STOP, Reason.TRADE_TARGET})
