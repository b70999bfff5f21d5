"""A signal that changes too often: told once, held back until it keeps still, and then told how it came out."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hybridd.model.analysis import Seen
from hybridd.model.change import Change, Reason
from hybridd.model.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class FlapRules:
    """More than `turns` changes of signal in `window_ms` are too many (0: never), `calm_ms` without one is calm."""

    turns: int = 0
    window_ms: int = 3_600_000
    calm_ms: int = 1_800_000


def follow(changes: Sequence[Change], now: Seen, memory: Memory, rules: FlapRules) -> tuple[Sequence[Change], Memory]:
    """`changes`, with the news that the signal has begun or ceased to flap, and the memory that knows of it."""
    if not rules.turns and memory.flapping_at is None:
        return changes, memory
    if rules.turns and _turned(changes):
        since = now.candle_close - rules.window_ms
        memory = memory.with_turns((*[at for at in memory.turns if at > since], now.candle_close)[-rules.turns - 1 :])
        if memory.flapping_at is None and len(memory.turns) > rules.turns:
            memory = replace(memory, flapping_at=now.candle_close)
            changes = (_change(Reason.SIGNAL_FLAPPING, now, float(len(memory.turns))), *changes)
    elif memory.flapping_at is not None and (
        not rules.turns or not memory.turns or now.candle_close - memory.turns[-1] >= rules.calm_ms
    ):
        calm = _change(Reason.SIGNAL_CALM, now, memory.told_signal.value)
        # The held change of signal would say the same once more.
        rest = [c for c in changes if c.reason is not Reason.SIGNAL_CHANGED]
        changes, memory = (calm, *rest), replace(memory, flapping_at=None, turns=())
    return changes, memory


def _turned(changes: Sequence[Change]) -> bool:
    # Not any(): it makes a generator for what mostly is one change, and a replay asks at every step.
    for change in changes:  # noqa: SIM110
        if change.reason is Reason.SIGNAL_CHANGED and change.deferred_from is None:
            return True
    return False


def _change(reason: Reason, now: Seen, before: float | str) -> Change:
    return Change(subject=now.symbol, reason=reason, at=now.candle_close, before=before, after=now.signal.value)
