"""What a courier's round comes to, and how a send can end without an answer."""

from dataclasses import dataclass

from hybridd.model.alert import Alert
from hybridd.model.delivery import Delivery, DeliveryEvent, Failure, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round came to: how many were sent, and when the next one is due (ms UTC), None with nothing to do.

    `hurried`: deliveries by other channels have become due, because this one reached nobody.
    """

    sent: int
    next_at: int | None
    hurried: bool = False


@dataclass(slots=True, kw_only=True)
class Sent:
    """A delivery that is under way, or has been sent and is not written down yet."""

    delivery: Delivery
    alert: Alert
    outcome: Outcome


BROKE_OFF = Outcome(failure=Failure.UNKNOWN, detail="the program failed while it was sending")
ANSWERED = Outcome(failure=Failure.UNKNOWN, detail="the alert was answered while the provider was asked for it")
HAPPENED = frozenset({DeliveryEvent.ACCEPT, DeliveryEvent.RECEIPT})
NOT_TWICE = Outcome(failure=Failure.UNKNOWN, detail="repeated once; whether either copy arrived is being found out")
ASKED_S = 900.0
"""The longest pause between two questions for a message of unknown fate that may not be sent a third time."""
SURE_MS = 20_000
"""A request that was broken off may still be on its way: so much later a provider knows that it has no such message."""
