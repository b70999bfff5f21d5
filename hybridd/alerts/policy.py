"""Who is told of a change and who is not, and why: the order of policy is the order of the list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hybridd.model.analysis import Analysis
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


def judge(
    changes: Sequence[Change], now: Analysis, memory: Memory, rules: PolicyRules
) -> tuple[tuple[Verdict, ...], Memory]:
    """A verdict for each change, and what to remember afterwards."""
    if not changes:
        return (), _unchanged(now, memory)
    verdicts = tuple(verdict(change, memory, rules) for change in changes)
    told = [v.change for v in verdicts if v.suppressed is None]
    return verdicts, _after(now, verdicts, told, memory)


def _unchanged(now: Analysis, memory: Memory) -> Memory:
    """Without news only two things move: the first score ever is the anchor, and a signal that came back is let go."""
    if memory.anchor_score is None:
        memory = replace(memory, anchor_score=now.score)
    if memory.held_at is not None and now.signal is memory.told_signal:
        memory = replace(memory, held_at=None)
    return memory


def _after(now: Analysis, verdicts: Sequence[Verdict], told: Sequence[Change], memory: Memory) -> Memory:
    memory = _unchanged(now, memory)
    if told:
        told_at = {**memory.told_at, **{f"{change.reason}:{change.subject}": change.at for change in told}}
        memory = replace(memory, anchor_score=now.score, told_at=told_at)
    if any(change.reason is Reason.SIGNAL_CHANGED for change in told):
        return replace(memory, told_signal=now.signal, held_at=None)
    # News of another kind mentions the signal, but nobody reads from it that the signal has turned: that stays held.
    hidden = any(v.change.reason is Reason.SIGNAL_CHANGED and v.suppressed is Suppression.COOL_DOWN for v in verdicts)
    if hidden and memory.held_at is None and now.signal is not memory.told_signal:
        return replace(memory, held_at=now.candle_close)
    return memory
