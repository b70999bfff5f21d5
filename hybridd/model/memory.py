"""What must be remembered of a symbol between two analyses, so that nothing is told twice and nothing is forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hybridd.model.analysis import Signal
from hybridd.model.change import Change, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the person was last told of one symbol.

    `anchor_score`: the score of the last alert (the first analysis before there is one), `told_signal`: the signal
    that the person last heard of, `told_at`: when each reason was last told (ms UTC), `held_at`: since when a change
    of signal is held back by the cool-down.
    """

    anchor_score: float | None = None
    told_signal: Signal = Signal.NEUTRAL
    told_at: Mapping[str, int] = field(default_factory=dict)
    held_at: int | None = None

    def last_told(self, reason: Reason, subject: str) -> int | None:
        """When this reason was last told of this subject, ms UTC."""
        return self.told_at.get(reason + ":" + subject)

    def with_told(self, changes: Sequence[Change]) -> Mapping[str, int]:
        """`told_at` after these were told."""
        return {**self.told_at, **{change.reason + ":" + change.subject: change.at for change in changes}}

    def to_json(self) -> dict[str, object]:
        """Plain values for the state database."""
        return {
            "anchor_score": self.anchor_score,
            "told_signal": self.told_signal,
            "told_at": dict(self.told_at),
            "held_at": self.held_at,
        }


def memory_from_json(data: Mapping[str, object]) -> Memory:
    """The Memory of what `to_json` gave."""
    anchor, told, held = data.get("anchor_score"), data.get("told_at"), data.get("held_at")
    return Memory(
        anchor_score=float(anchor) if isinstance(anchor, int | float) else None,
        told_signal=Signal(str(data.get("told_signal", Signal.NEUTRAL))),
        told_at={str(k): int(v) for k, v in told.items()} if isinstance(told, Mapping) else {},
        held_at=int(held) if isinstance(held, int) else None,
    )
