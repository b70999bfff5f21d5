"""The members of an enum, and their values, as plain attributes."""

from enum import Enum
from operator import attrgetter
from typing import TypeVar

AnyEnum = TypeVar("AnyEnum", bound=type[Enum])


def plain_members(enumeration: AnyEnum) -> AnyEnum:
    """A decorator of enums that are asked for at every step.

    Python 3.11 finds `Signal.LONG` by a call that looks it up, a third of a microsecond each time, and `.value` by
    another; a replay asks a million times. From 3.12 on members are attributes by themselves.
    """
    for member in enumeration:
        type.__setattr__(enumeration, member.name, member)
    type.__setattr__(enumeration, "value", property(attrgetter("_value_")))
    return enumeration
