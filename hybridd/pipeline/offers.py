"""Offers: what a message proposes to its recipient, and where it can be seen and answered."""

from hybridd.decisions.tokens import credential
from hybridd.delivery.links import HERE, alert_link, answer_link
from hybridd.delivery.offer import Offer
from hybridd.model.alert import Alert
from hybridd.model.delivery import Delivery
from hybridd.model.proposal import Proposal, ProposalState
from hybridd.store.store import Store


def offer_for(store: Store, alert: Alert, delivery: Delivery, public_url: str, key: bytes) -> tuple[Offer | None, str]:
    """The proposal that goes out with an alert while it is open, None without one, and the page to answer on.

    `key` is what codes and tokens are made from; without one nobody can answer by a message.
    """
    proposal = _proposal(store, alert)
    is_open = proposal is not None and proposal.state is ProposalState.OPEN
    return _offer(proposal if is_open else None, alert, delivery, public_url, key)


def ever_offered(
    store: Store, alert: Alert, delivery: Delivery, public_url: str, key: bytes
) -> list[tuple[Offer | None, str]]:
    """All that `offer_for` may have said of a delivery since its alert was made."""
    proposal = _proposal(store, alert)
    told = [None] if proposal is None else [None, proposal]
    return [_offer(one, alert, delivery, public_url, key) for one in told]


def _proposal(store: Store, alert: Alert) -> Proposal | None:
    return store.proposals.of_alert(alert.id) if alert.analysis is not None else None


def _offer(
    proposal: Proposal | None, alert: Alert, delivery: Delivery, public_url: str, key: bytes
) -> tuple[Offer | None, str]:
    here = delivery.channel in HERE
    plain = alert_link(public_url, alert.id, here=here)
    if proposal is None:
        return None, plain
    # What stays on this machine is read by many: no code and no token goes there.
    if here or not key:
        return Offer(proposal=proposal), plain
    made = credential(key, proposal, delivery.channel, delivery.recipient)
    return Offer(proposal=proposal, code=made.code), answer_link(public_url, made.token) or plain
