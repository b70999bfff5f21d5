"""What comes back: words that a person sent, and what a provider says became of a message."""

from dataclasses import dataclass

from hybridd.model.delivery import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A person's words, by a channel: `sender` is their address there, `id` the provider's own and never twice.

    `at` in ms UTC, as the provider tells it.
    """

    channel: str
    sender: str
    text: str
    id: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an accepted message: `failure` None means that it has reached the device. `at` in ms UTC."""

    provider_id: str
    at: int
    failure: Failure | None = None
    detail: str = ""
