"""Lanes that break what a channel owes: the self-test must notice each of them."""

from dataclasses import replace

from hybridd.model.delivery import Outcome
from hybridd.selftest.lanes import LANES, Lane
from tests.unit.selftest.stand_in import StandIn


class Forgets(StandIn):
    """Says that every message was taken, and takes those of every second alert alone."""

    def send(self, message):
        return Outcome(provider_id="?") if int(message.key.partition(":")[0]) % 2 else super().send(message)


class Renames(StandIn):
    """Sends every message twice, under a new key the second time."""

    def send(self, message):
        super().send(message)
        return super().send(replace(message, key=f"{message.key}:again"))


class Repeats(StandIn):
    """Sends every message twice, and marks no copy."""

    def send(self, message):
        super().send(message)
        return super().send(message)


def lane(kind, name, *, takes_key):
    return Lane(
        name=name,
        takes_key=takes_key,
        key=lambda message: message.key,
        make=lambda _: kind(name, idempotent=takes_key),
    )


THAT_LIE = (
    *LANES,
    lane(Forgets, "forgets", takes_key=True),
    lane(Renames, "renames", takes_key=True),
    lane(Repeats, "repeats", takes_key=False),
)
