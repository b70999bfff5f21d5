"""When a send is tried again, and what each class of failure leads to: tables and pure functions."""

import hashlib
from dataclasses import dataclass

from hybridd.model.delivery import DeliveryEvent, Failure, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What a failure leads to: the delivery's `event`, and whether the owner hears of it by another channel."""

    event: DeliveryEvent
    tell_owner: bool


CONSEQUENCES: dict[Failure, Consequence] = {
    Failure.RETRY: Consequence(event=DeliveryEvent.RETRY, tell_owner=False),
    Failure.UNKNOWN: Consequence(event=DeliveryEvent.LOSE, tell_owner=False),
    Failure.ADDRESS: Consequence(event=DeliveryEvent.FAIL, tell_owner=True),
    Failure.MESSAGE: Consequence(event=DeliveryEvent.FAIL, tell_owner=True),
    # A password can be corrected while the alert is still worth sending: it waits behind the open breaker.
    Failure.ACCOUNT: Consequence(event=DeliveryEvent.RETRY, tell_owner=True),
}


LONGEST_S = 60.0


def event_of(outcome: Outcome) -> DeliveryEvent:
    """What the outcome of a send means for its delivery, which is LEASED at that moment."""
    if outcome.failure is None:
        return DeliveryEvent.RECEIPT if outcome.delivered else DeliveryEvent.ACCEPT
    return CONSEQUENCES[outcome.failure].event


def tells_owner(outcome: Outcome) -> bool:
    """Whether the outcome is worth a CHANNEL_DOWN alert: only a person can mend it."""
    return outcome.failure is not None and CONSEQUENCES[outcome.failure].tell_owner


def next_attempt(
    now_ms: int, attempts: int, *, key: str, base_s: float = 1.0, cap_s: float = LONGEST_S, retry_after: float = 0.0
) -> int:
    """When to try again (ms UTC) after `attempts` tries: exponential back-off with full jitter.

    The delay is uniform in (0, min(cap, base · 2^(attempts-1))] seconds (M. Brooker, "Exponential Backoff and Jitter",
    2015), drawn from `key` and `attempts` alone, so that the same past gives the same plan. `retry_after` (s), what
    the provider asked for, wins. Whether that is still before the delivery's deadline is for the caller to see.
    """
    if retry_after > 0:
        return now_ms + round(retry_after * 1000)
    ceiling_s = min(cap_s, base_s * 2.0 ** min(max(attempts - 1, 0), 60))
    return now_ms + max(1, round(ceiling_s * 1000 * _share(f"{key}:{attempts}")))


def _share(text: str) -> float:
    """A number in (0, 1] that looks random and depends on `text` only."""
    digest = hashlib.sha256(text.encode()).digest()
    return (int.from_bytes(digest[:8], "big") + 1) / 2**64
