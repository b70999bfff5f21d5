"""Offers: what a message proposes to its recipient, and where it can be seen and answered."""

from hybridd.decisions.tokens import credential
from hybridd.delivery.links import HERE, alert_link, answer_link
from hybridd.delivery.offer import Offer
from hybridd.model.alert import Alert
from hybridd.model.delivery import Delivery
from hybridd.model.proposal import ProposalState
from hybridd.store.store import Store


def offer_for(store: Store, alert: Alert, delivery: Delivery, public_url: str, key: bytes) -> tuple[Offer | None, str]:
    """The proposal that goes out with an alert while it is open, None without one, and the page to answer on.

    `key` is what codes and tokens are made from; without one nobody can answer by a message.
    """
    here = delivery.channel in HERE
    plain = alert_link(public_url, alert.id, here=here)
    proposal = store.proposals.of_alert(alert.id) if alert.analysis is not None else None
    if proposal is None or proposal.state is not ProposalState.OPEN:
        return None, plain
    # What stays on this machine is read by many: no code and no token goes there.
    if here or not key:
        return Offer(proposal=proposal), plain
    made = credential(key, proposal, delivery.channel, delivery.recipient)
    return Offer(proposal=proposal, code=made.code), answer_link(public_url, made.token) or plain
