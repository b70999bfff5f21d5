"""A proposal in words, and the answers to it that a message offers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from hybridd.delivery.answer_words import Answer, Words, ack, action
from hybridd.delivery.figures import clock_time, price
from hybridd.model.delivery import Action
from hybridd.model.proposal import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A proposal as one recipient is asked it: with the `code` of their answer, "" where none may come back."""

    proposal: Proposal
    code: str = field(default="", repr=False)


def offer_lines(offer: Offer, zone: tzinfo) -> tuple[str, ...]:
    """What is proposed, at which risk, until when; and the layers for and against it."""
    proposal = offer.proposal
    entry, stop = price(float(proposal.price)), price(float(proposal.stop))
    targets = ", ".join(price(float(target.price)) for target in proposal.targets)
    until = clock_time(proposal.expires_at, zone, proposal.created_at)
    lines = [
        f"Proposal {proposal.id}: {proposal.side} @ {entry}, stop {stop}, target {targets}.",
        f"{_size(proposal)} Nobody answering by {until} means no.",
    ]
    if offer.code:
        # Whoever opens the link is asked for it: a machine that follows links has not read it.
        lines.append(f"Your code, to be typed with your answer: {offer.code}.")
    lines += [f"For it: {line}" for line in proposal.reasons_for]
    lines += [f"Against it: {line}" for line in proposal.reasons_against]
    return tuple(lines)


def answers_to(offer: Offer, alert_id: int) -> Sequence[Action]:
    """Yes, no, and "I have seen it"; the last alone where no code may be given."""
    if not offer.code:
        return (ack(alert_id),)
    both = (Answer.YES, Answer.NO)
    decisions = [action(Words(answer=answer, id=offer.proposal.id, code=offer.code)) for answer in both]
    return (*decisions, ack(alert_id))


def _size(proposal: Proposal) -> str:
    if not proposal.quantity:
        return f"No size: {proposal.size_reason}."
    return f"Size {proposal.quantity.normalize():f}; the stop costs {float(proposal.risk_money):,.2f}."
