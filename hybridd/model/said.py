"""What one layer said at one candle. Without arrays: whoever only reads analyses needs no numpy."""

from enum import IntEnum

from msgspec import Struct

from hybridd.model.members import plain_members


@plain_members
class Abstain(IntEnum):
    """Why a layer has no value at a candle; ANSWERS means that it has one."""

    ANSWERS = 0
    WARM_UP = 1  # fewer candles than the formula needs
    NO_DATA = 2  # an input is absent
    STALE = 3  # an input is too old
    UNDEFINED = 4  # the formula has no value here (a price that never moved, a volume of nothing)
    NOTHING_SEEN = 5  # the layer looks for events and none happened
    FAILED = 6  # the layer itself broke; the journal has the error


ABSTAINS = tuple(Abstain)
"""By their numbers: `Abstain(number)` takes a hundred times as long."""


class Reading(Struct, frozen=True, kw_only=True):
    """What one layer said at one candle: a score in [0, 100], or None and the reason."""

    layer: str
    score: float | None
    weight: float
    reason: str
    abstain: Abstain = Abstain.ANSWERS
