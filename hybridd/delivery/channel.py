"""The channel protocol: one way to reach a person. A channel file holds only what differs.

Retry, breaker, limits, rendering and the outbox live once, elsewhere: a channel sends one message once and says
honestly what came of it.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hybridd.model.delivery import Message, Outcome
from hybridd.model.inbound import Inbound, Receipt


class Channel(Protocol):
    """One way to reach a person. `idempotent`: sending the same key again does not make a second message."""

    name: str
    idempotent: bool

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses that this channel is set up for."""
        ...

    def send(self, message: Message) -> Outcome:
        """Send once, within the channel's time-outs; never raises for what the network or the provider does."""
        ...

    def find(self, message: Message) -> Outcome | None:
        """Ask the provider whether it has this message already; ABSENT where it says no, None where nobody can say."""
        ...

    def check(self) -> Outcome:
        """Whether the channel could send now: connect, authenticate, send nothing."""
        ...

    def close(self) -> None:
        """Let go of connections; safe to call twice."""
        ...


@runtime_checkable
class Listens(Protocol):
    """A channel by which people answer, where this machine must ask for what they said."""

    def poll(self) -> Sequence[Inbound]:
        """What has come since the last call, oldest first, within the channel's time-outs; raises ChannelError."""
        ...


@runtime_checkable
class Reports(Protocol):
    """A channel whose provider can be asked what became of a message after it was taken."""

    def receipts(self, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        """What is known of these for certain, nothing for those still under way; raises ChannelError."""
        ...


@runtime_checkable
class Illustrated(Protocol):
    """A channel that can show a chart beside the words: it is drawn only for those that want it."""

    wants_image: bool
