"""What must be remembered of a symbol between two analyses, so that nothing is told twice and nothing is forgotten."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from hybridd.model.analysis import Signal
from hybridd.model.change import Reason


class Held(Struct, frozen=True, kw_only=True):
    """News that nobody was told of yet: since when (ms UTC), and the value that the person still believes in."""

    at: int
    before: float
    after: float = 0.0


class Memory(Struct, frozen=True, kw_only=True):
    """What the person was last told of one symbol.

    `anchor_score`: the score of the last alert (the first analysis before there is one), `told_signal`: the signal
    that the person last heard of, `told_at`: when each reason was last told (ms UTC), `held_at`: since when a change
    of signal is held back, `held`: the same for other reasons, which are looked at again when they may be told, and
    for stops and targets that were touched unheard; `turns`: when the signal changed of late, `flapping_at`: since
    when it does so too often.
    """

    anchor_score: float | None = None
    told_signal: Signal = Signal.NEUTRAL
    told_at: Mapping[str, int] = field(default_factory=dict)
    held_at: int | None = None
    held: Mapping[str, Held] = field(default_factory=dict)
    turns: tuple[int, ...] = ()
    flapping_at: int | None = None

    def last_told(self, reason: Reason, subject: str) -> int | None:
        """When this reason was last told of this subject, ms UTC."""
        return self.told_at.get(told_key(reason, subject))

    def held_back(self, reason: Reason, subject: str) -> Held | None:
        """What is held back of this reason and subject."""
        return self.held.get(told_key(reason, subject)) if self.held else None

    def with_turns(self, turns: tuple[int, ...]) -> "Memory":
        """The same with other `turns`, written out: a replay asks for it at every turn."""
        return Memory(
            anchor_score=self.anchor_score,
            told_signal=self.told_signal,
            told_at=self.told_at,
            held_at=self.held_at,
            held=self.held,
            turns=turns,
            flapping_at=self.flapping_at,
        )

    def to_json(self) -> dict[str, object]:
        """Plain values for the state database."""
        return {
            "anchor_score": self.anchor_score,
            "told_signal": self.told_signal,
            "told_at": dict(self.told_at),
            "held_at": self.held_at,
            "held": {key: [held.at, held.before, held.after] for key, held in self.held.items()},
            "turns": list(self.turns),
            "flapping_at": self.flapping_at,
        }


def told_key(reason: Reason, subject: str) -> str:
    """Under which `told_at` and `held` have a reason and its subject."""
    return reason + ":" + subject


def memory_from_json(data: Mapping[str, Any]) -> Memory:
    """The Memory of what `to_json` gave, today or in an earlier version."""
    anchor, held_at, flapping = data.get("anchor_score"), data.get("held_at"), data.get("flapping_at")
    held = {
        str(key): Held(at=int(at), before=float(before), after=float(after))
        for key, (at, before, after) in (data.get("held") or {}).items()
    }
    return Memory(
        anchor_score=float(anchor) if isinstance(anchor, int | float) else None,
        told_signal=Signal(str(data.get("told_signal", Signal.NEUTRAL))),
        told_at={str(key): int(at) for key, at in (data.get("told_at") or {}).items()},
        held_at=int(held_at) if isinstance(held_at, int) else None,
        held=held,
        turns=tuple(int(at) for at in data.get("turns") or ()),
        flapping_at=int(flapping) if isinstance(flapping, int) else None,
    )
