"""Lanes that break what a channel owes: the self-test must notice each of them."""

from dataclasses import replace

from hybridd.model.delivery import Outcome
from hybridd.selftest.lanes import LANES, Lane
from hybridd.selftest.sinks import HOST
from hybridd.selftest.stand_in import StandIn


def stand_in(name, ports, *, idempotent):
    # Whoever can be asked is not waited for in vain where two lives ended in the middle of one message.
    return StandIn(
        name=name, url=f"http://{HOST}:{ports['http']}/{name}", idempotent=idempotent, askable=not idempotent
    )


class Forgets:
    """Says that every message was taken, and takes those of every second alert alone."""

    def __init__(self, ports):
        self._channel = stand_in("forgets", ports, idempotent=True)

    def __getattr__(self, name):
        return getattr(self._channel, name)

    def send(self, message):
        return Outcome(provider_id="?") if int(message.key.partition(":")[0]) % 2 else self._channel.send(message)


class Renames:
    """Sends every message twice, under a new key the second time."""

    def __init__(self, ports):
        self._channel = stand_in("renames", ports, idempotent=True)

    def __getattr__(self, name):
        return getattr(self._channel, name)

    def send(self, message):
        self._channel.send(message)
        return self._channel.send(replace(message, key=f"{message.key}:again"))


class Repeats:
    """Sends every message twice, and marks no copy."""

    def __init__(self, ports):
        self._channel = stand_in("repeats", ports, idempotent=False)

    def __getattr__(self, name):
        return getattr(self._channel, name)

    def send(self, message):
        self._channel.send(message)
        return self._channel.send(message)


THAT_LIE = (
    *LANES,
    Lane(name="forgets", takes_key=True, stand_in=Forgets),
    Lane(name="renames", takes_key=True, stand_in=Renames),
    Lane(name="repeats", takes_key=False, stand_in=Repeats),
)
