"""Decide: an answer to a proposal, checked at the moment it comes; the first valid one wins, in one transaction."""

import logging
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hybridd.decisions.answers import Objected, Objection, Scene, objections
from hybridd.decisions.tokens import code_hash, credential, same, token_hash
from hybridd.errors import DataError
from hybridd.model.alert import AlertEvent, AlertState
from hybridd.model.analysis import Analysis, Signal
from hybridd.model.proposal import Decision, Proposal, ProposalEvent, ProposalState
from hybridd.model.trade import Side, Target
from hybridd.pipeline.entering import disabled
from hybridd.pipeline.orders import MANUAL, order_entry, unfit
from hybridd.pipeline.propose import expire_due, post, sized
from hybridd.pipeline.quotes import fresh_quote, price_now
from hybridd.pipeline.standing import standing
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.proposals import Link
from hybridd.store.store import Store
from hybridd.trading.risk import refusal

log = logging.getLogger("hybridd.decide")

GUESSES = 5
"""Wrong codes after which a way to answer is closed: two hex digits are 256 codes."""


class Result(StrEnum):
    """What became of an answer."""

    DONE = "done"
    AGAIN = "again"  # it has to be approved again: `objections` say what is different, `renewed` what is asked now
    LOST = "lost"  # somebody, or the clock, was quicker: `decision` says who
    REFUSED = "refused"  # not from somebody who may answer, not with the right words, or (`objections`) impossible


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`decision` is the one that stands, whoever made it."""

    result: Result
    proposal: Proposal | None = None
    decision: Decision | None = None
    objections: tuple[Objected, ...] = field(default=())
    renewed: Proposal | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Who says what to a proposal: `event` is APPROVE, REJECT or HOLD; `shown` the hash of what the person saw."""

    proposal_id: int
    event: ProposalEvent
    actor: str
    channel: str
    reason: str = ""
    shown: str = ""


ANSWERS = frozenset({ProposalEvent.APPROVE, ProposalEvent.REJECT, ProposalEvent.HOLD})


def decide(store: Store, answer: Answer, rules: TradingRules, now: int) -> Answered:
    """Let an answer stand if it may. Raises DataError where there is no such proposal."""
    if answer.event not in ANSWERS:
        raise DataError(f"{answer.event} is no answer", remedy="approve, reject or hold")
    with store.transaction():
        proposal = store.proposals.get(answer.proposal_id)
        if proposal is None:
            raise DataError(f"there is no proposal {answer.proposal_id}", remedy="`hybridd proposals list` shows them")
        if proposal.state is ProposalState.OPEN and now >= proposal.expires_at:
            expire_due(store, now)
        decided = store.proposals.decision(proposal.id)
        if decided is not None:
            return _lost(store, answer, proposal, decided, now)
        if answer.event is ProposalEvent.APPROVE and (why := _impossible(store, proposal, rules)):
            return _cannot(store, answer, proposal, why, now)
        if answer.event is ProposalEvent.APPROVE and (again := _looked_at_again(store, answer, proposal, rules, now)):
            return again
        return _stands(store, answer, proposal, rules, now)


def by_token(
    store: Store, token: str, code: str, event: ProposalEvent, reason: str, rules: TradingRules, now: int
) -> Answered:
    """An answer by a link: the token from the address, the code typed by the person."""
    hashed = token_hash(token)
    with store.transaction():
        link = store.proposals.link(hashed)
        if link is None or not same(link.hash, hashed):
            return _refused(store, "a token that nobody was given", "link", now)
        if why := _closed(link):
            return _refused(store, why, f"{link.channel} {link.recipient}", now, link)
        if not same(link.code, code_hash(token, code)):
            store.proposals.guess(hashed)
            return _refused(store, "the code is not the one in the message", link.recipient, now, link)
        actor, shown = f"{link.channel}:{link.recipient}", link.content_hash
        answered = decide(
            store,
            Answer(proposal_id=link.proposal_id, event=event, actor=actor, channel="link", reason=reason, shown=shown),
            rules,
            now,
        )
        if answered.result is Result.DONE:
            store.proposals.use(hashed, now)
        return answered


def by_code(
    store: Store, proposal_id: int, code: str, event: ProposalEvent, sender: str, channel: str, rules: TradingRules,
    now: int, reason: str = "",
) -> Answered:  # fmt: skip
    """An answer in words ("YES 42 7F") from `sender` by `channel`; only who was sent the code may use it."""
    with store.transaction():
        proposal = store.proposals.get(proposal_id)
        link = next((x for x in store.proposals.links(proposal_id, channel) if x.recipient == sender), None)
        if proposal is None or link is None or not rules.key:
            return _refused(store, "from somebody who was not asked", f"{channel} {sender}", now)
        if why := _closed(link):
            return _refused(store, why, f"{channel} {sender}", now, link)
        if not same(credential(rules.key, proposal, channel, sender).code, code.strip().upper()):
            store.proposals.guess(link.hash)
            return _refused(store, "the code is not the one in the message", f"{channel} {sender}", now, link)
        answer = Answer(
            proposal_id=proposal_id, event=event, actor=f"{channel}:{sender}", channel=channel, reason=reason,
            shown=link.content_hash,
        )  # fmt: skip
        answered = decide(store, answer, rules, now)
        if answered.result is Result.DONE:
            store.proposals.use(link.hash, now)
        return answered


def _closed(link: Link) -> str:
    if link.used_at is not None:
        return "this link has answered already"
    return "too many wrong codes" if link.guesses >= GUESSES else ""


def _refused(store: Store, why: str, who: str, now: int, link: Link | None = None) -> Answered:
    subject = str(link.proposal_id) if link else ""
    store.audit.append(who[:128], "answer refused", subject, {"why": why}, now)
    log.warning("an answer was refused: %s (%s)", why, who)
    proposal = store.proposals.get(link.proposal_id) if link else None
    decided = store.proposals.decision(link.proposal_id) if link else None
    return Answered(result=Result.REFUSED, why=why, proposal=proposal, decision=decided)


def _lost(store: Store, answer: Answer, proposal: Proposal, decided: Decision, now: int) -> Answered:
    facts = {"event": answer.event, "stands": decided.event, "by": decided.actor}
    store.audit.append(answer.actor, "answer too late", str(proposal.id), facts, now)
    return Answered(result=Result.LOST, proposal=store.proposals.get(proposal.id), decision=decided)


def _impossible(store: Store, proposal: Proposal, rules: TradingRules) -> str:
    """Why no order can come of a yes, "" where one can, or where the person places it."""
    why = unfit(proposal, rules.broker, real=rules.real)
    return why or (disabled(store, proposal, rules.broker) if rules.broker != MANUAL else "")


def _cannot(store: Store, answer: Answer, proposal: Proposal, why: str, now: int) -> Answered:
    found = Objected(objection=Objection.BROKER, detail=why)
    why = f"proposal {proposal.id} cannot be carried out: {why}"
    store.audit.append(answer.actor, "approval refused", str(proposal.id), {"why": why}, now)
    return Answered(result=Result.REFUSED, proposal=proposal, objections=(found,), why=why)


def _stands(store: Store, answer: Answer, proposal: Proposal, rules: TradingRules, now: int) -> Answered:
    decision = Decision(
        proposal_id=proposal.id,
        event=answer.event,
        actor=answer.actor,
        channel=answer.channel,
        at=now,
        reason=answer.reason,
        price=price_now(store, proposal, now)[0],
    )
    if not store.proposals.decide(decision):
        stands = store.proposals.decision(proposal.id)
        assert stands is not None, "what is not open was decided"
        return _lost(store, answer, proposal, stands, now)
    facts = {"proposal": proposal.id, "event": answer.event, "reason": answer.reason, "via": answer.channel}
    store.audit.append(answer.actor, f"proposal.{answer.event}", str(proposal.id), facts, now)
    store.events.append("decision", proposal.symbol, {**facts, "actor": answer.actor}, now)
    _hush(store, proposal, answer.actor, now)
    if answer.event is ProposalEvent.APPROVE and rules.broker != MANUAL:
        # In the same transaction: there is no approval without its order, and no order without its approval.
        order_entry(store, proposal, rules.broker, now)
    return Answered(result=Result.DONE, proposal=store.proposals.get(proposal.id), decision=decision)


def _hush(store: Store, proposal: Proposal, actor: str, now: int) -> None:
    """Who has decided has seen the alert: nothing more of it is sent."""
    alert = store.alerts.get(proposal.alert_id) if proposal.alert_id else None
    if alert is not None and alert.state is AlertState.FIRING:
        store.alerts.advance(alert.id, AlertEvent.ACK, now=now, actor=actor)
        store.outbox.cancel_for(alert.id, now, f"decided by {actor}")


def _looked_at_again(
    store: Store, answer: Answer, proposal: Proposal, rules: TradingRules, now: int
) -> Answered | None:
    if answer.shown and answer.shown != proposal.content_hash:
        why = Objected(objection=Objection.PRICE, detail="it is not what was shown")
        return Answered(result=Result.AGAIN, proposal=proposal, objections=(why,))
    found = objections(proposal, _scene(store, proposal, rules, now), rules.answer)
    if not found:
        return None
    facts = {"objections": [one.detail for one in found], "reason": answer.reason}
    store.audit.append(answer.actor, "approval needed again", str(proposal.id), facts, now)
    renewed = _renewed(store, proposal, rules, now) if {one.objection for one in found} == {Objection.PRICE} else None
    return Answered(result=Result.AGAIN, proposal=proposal, objections=found, renewed=renewed)


def _renewed(store: Store, proposal: Proposal, rules: TradingRules, now: int) -> Proposal:
    """The same at today's price, in place of the one shown; stop and targets keep their distances and so the risk."""
    last, (price, _) = _newest(store, proposal), price_now(store, proposal, now)
    assert last is not None, "a signal that still stands comes from an analysis"
    assert price is not None, "a price that moved is known"
    moved = price - proposal.price
    fresh = replace(
        proposal,
        id=0,
        created_at=now,
        price=price,
        stop=proposal.stop + moved,
        targets=tuple(Target(r=t.r, price=t.price + moved, share=t.share) for t in proposal.targets),
        score=last.score,
        confidence=last.confidence,
        odds=last.odds,
        candle_close=last.candle_close,
    )
    why = "the price moved: it is asked again"
    ended = Decision(
        proposal_id=proposal.id, event=ProposalEvent.SUPERSEDE, actor="hybridd", channel="", at=now, reason=why
    )
    store.proposals.decide(ended)
    recipients = [(link.channel, link.recipient) for link in store.proposals.links(proposal.id)]
    return post(store, sized(fresh, rules), rules, recipients, now)


def _scene(store: Store, proposal: Proposal, rules: TradingRules, now: int) -> Scene:
    last, quote = _newest(store, proposal), fresh_quote(store, proposal.symbol, now)
    price, price_at = price_now(store, proposal, now)
    stands = standing(store, float(rules.size.account), rules.zone, now)
    forbidden = refusal(proposal.symbol, Side(proposal.side), stands, rules.risk)
    return Scene(
        now=now,
        price=price,
        price_at=price_at,
        signal=last.signal if last else Signal.NEUTRAL,
        spread_percent=quote.spread_percent if quote else None,
        limit=forbidden.detail if forbidden else "",
    )


def _newest(store: Store, proposal: Proposal) -> Analysis | None:
    return store.analyses.last(proposal.symbol, proposal.timeframe)
