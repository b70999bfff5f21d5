"""What the layers say: each with its score, who is against the whole, who moved since the analysis before."""

from dataclasses import dataclass

from hybridd.delivery.figures import score
from hybridd.model.alert import Before
from hybridd.model.analysis import Analysis
from hybridd.model.said import Reading

MOST_MOVES = 4
LEAST_MOVE = 2.0
"""In points: below it a layer has not moved but breathed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One layer: its score as text and as a number in [0, 100], its sentence, whether it is against the whole."""

    layer: str
    score: str
    value: float
    reason: str
    against: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A layer that moved: from and to as text, by so many points."""

    layer: str
    was: str
    now: str
    by: float


def opinions(now: Analysis) -> tuple[Opinion, ...]:
    """The layers that answered: those that disagree with the whole first, then by how much they have to say."""
    spoken = [_opinion(reading, reading.score, now) for reading in now.readings if reading.score is not None]
    return tuple(sorted(spoken, key=lambda o: (not o.against, -abs(o.value - 50))))


def moves(now: Analysis, before: Before | None) -> tuple[Move, ...]:
    """The layers that moved most, the furthest first."""
    far = sorted(_moves(now, before), key=lambda move: -abs(move[3]))[:MOST_MOVES]
    return tuple(
        Move(layer=layer, was=score(was, value), now=score(value, was), by=by) for layer, was, value, by in far
    )


def silent(now: Analysis) -> tuple[tuple[str, str], ...]:
    """The layers without an answer, each with its reason."""
    known = {reading.layer: reading.reason for reading in now.readings if reading.score is None}
    return tuple({**dict.fromkeys(now.missing, "no answer"), **known}.items())


def _moves(now: Analysis, before: Before | None) -> list[tuple[str, float, float, float]]:
    """Layer, score before, score now, difference."""
    was = {r.layer: r.score for r in before.readings if r.score is not None} if before else {}
    both = [(r.layer, was[r.layer], r.score) for r in now.readings if r.score is not None and r.layer in was]
    return [(layer, old, new, new - old) for layer, old, new in both if abs(new - old) >= LEAST_MOVE]


def _opinion(reading: Reading, value: float, now: Analysis) -> Opinion:
    return Opinion(
        layer=reading.layer,
        score=score(value),
        value=value,
        reason=reading.reason,
        against=(value - 50) * (now.score - 50) < 0,
    )
