"""Answers by a link: what it still shows, and where it leads when the same has to be asked again."""

import secrets

from hybridd.decisions.tokens import TOKEN_BYTES, code_hash, token_hash
from hybridd.model.proposal import Proposal, ProposalEvent
from hybridd.pipeline.decide import GUESSES, Answered, by_token
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.proposals import Link
from hybridd.store.store import Store


def shown_by(store: Store, token: str, now: int) -> Proposal | None:
    """The proposal that a link shows; None where it does not answer (any more). Changes nothing."""
    link = store.proposals.link(token_hash(token))
    if link is None or link.used_at is not None or link.guesses >= GUESSES or now >= link.expires_at:
        return None
    return store.proposals.get(link.proposal_id)


def answer_by_link(
    store: Store, token: str, code: str, event: ProposalEvent, reason: str, rules: TradingRules, now: int
) -> tuple[Answered, str]:
    """The answer, and the token of the link by which it can be given (again)."""
    with store.transaction():
        answered = by_token(store, token, code, event, reason, rules, now)
        return answered, _again(store, token, code, answered.renewed) if answered.renewed else token


def _again(store: Store, token: str, code: str, renewed: Proposal) -> str:
    # Whoever is asked again gets a link of their own, bound to what is shown now, and the code of the message, which
    # has to be typed anew. No key is needed for it: a process that has none can ask again.
    old = store.proposals.link(token_hash(token))
    assert old is not None, "who is asked again had a link"
    fresh = secrets.token_urlsafe(TOKEN_BYTES)
    store.proposals.add_link(
        Link(
            hash=token_hash(fresh),
            proposal_id=renewed.id,
            channel=old.channel,
            recipient=old.recipient,
            code=code_hash(fresh, code),
            content_hash=renewed.content_hash,
            expires_at=renewed.expires_at,
        )
    )
    return fresh
