"""Who is told of a change and who is not, and why: the order of policy is the order of the list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hybridd.model.analysis import Seen
from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRules:
    """`cooldown_ms`: how long the same reason for the same subject stays silent after it was told."""

    cooldown_ms: int = 900_000


def _duplicate(change: Change, memory: Memory, _: PolicyRules) -> Suppression | None:
    told = memory.last_told(change.reason, change.subject)
    return Suppression.DUPLICATE if told is not None and change.at <= told else None


def _known(change: Change, memory: Memory, _: PolicyRules) -> Suppression | None:
    back = change.reason is Reason.SIGNAL_CHANGED and change.after == memory.told_signal
    return Suppression.KNOWN if back and memory.held_at is not None else None


def _cool_down(change: Change, memory: Memory, rules: PolicyRules) -> Suppression | None:
    told = memory.last_told(change.reason, change.subject)
    return Suppression.COOL_DOWN if told is not None and change.at - told < rules.cooldown_ms else None


Stage = Callable[[Change, Memory, PolicyRules], Suppression | None]
STAGES: tuple[Stage, ...] = (_duplicate, _known, _cool_down)


def verdict(change: Change, memory: Memory, rules: PolicyRules) -> Verdict:
    """The first stage that objects decides; none objects: it is told."""
    for stage in STAGES:
        suppressed = stage(change, memory, rules)
        if suppressed is not None:
            return Verdict(change=change, suppressed=suppressed)
    return Verdict(change=change)


def settled(memory: Memory) -> bool:
    """Whether an analysis without changes leaves `memory` as it is, and brings to light nothing that is held back."""
    return memory.anchor_score is not None and memory.held_at is None


def judge(
    changes: Sequence[Change], now: Seen, memory: Memory, rules: PolicyRules
) -> tuple[tuple[Verdict, ...], Memory]:
    """A verdict for each change, and what to remember afterwards."""
    if not changes:
        return (), _unchanged(now, memory)
    verdicts = tuple([verdict(change, memory, rules) for change in changes])
    return verdicts, _after(now, verdicts, memory if settled(memory) else _unchanged(now, memory))


def _unchanged(now: Seen, memory: Memory) -> Memory:
    """Without news only two things move: the first score ever is the anchor, and a signal that came back is let go."""
    if memory.anchor_score is None:
        memory = replace(memory, anchor_score=now.score)
    if memory.held_at is not None and now.signal is memory.told_signal:
        memory = replace(memory, held_at=None)
    return memory


def _after(now: Seen, verdicts: Sequence[Verdict], memory: Memory) -> Memory:
    told = [v.change for v in verdicts if v.suppressed is None]
    turned = [change for change in told if change.reason is Reason.SIGNAL_CHANGED]
    if told:
        memory = Memory(
            anchor_score=now.score,
            told_signal=now.signal if turned else memory.told_signal,
            told_at=memory.with_told(told),
            held_at=None if turned else memory.held_at,
        )
    # News of another kind mentions the signal, but nobody reads from it that the signal has turned: that stays held.
    if not turned and memory.held_at is None and now.signal is not memory.told_signal and _hidden(verdicts):
        return replace(memory, held_at=now.candle_close)
    return memory


def _hidden(verdicts: Sequence[Verdict]) -> bool:
    return any(v.change.reason is Reason.SIGNAL_CHANGED and v.suppressed is Suppression.COOL_DOWN for v in verdicts)
