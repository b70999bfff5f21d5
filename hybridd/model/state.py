"""States are tables: `advance` is the only way a state changes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

Table = Mapping[tuple[S, E], S]


class IllegalTransition(ValueError):
    """The table has no such step: a defect of the program, never of its input."""


def advance(table: Table[S, E], state: S, event: E) -> S:
    """The state that follows `state` on `event`; raises IllegalTransition where the table has none."""
    try:
        return table[state, event]
    except KeyError:
        raise IllegalTransition(f"no step from {state} on {event}") from None


def final_states(table: Table[S, E], states: type[S]) -> frozenset[S]:
    """The states that nothing leaves."""
    left = {state for state, _ in table}
    return frozenset(state for state in states if state not in left)
