"""Propose: in the transaction of its alert, a signal that turned becomes a proposal or a veto with its reason."""

from collections.abc import Iterable
from dataclasses import replace

from hybridd.decisions.fees import Burden, burden, with_fees_told
from hybridd.decisions.propose import draft, reward, sealed
from hybridd.decisions.tokens import code_hash, credential, token_hash
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis, Signal
from hybridd.model.change import Reason
from hybridd.model.proposal import Decision, Proposal, ProposalEvent
from hybridd.model.trade import Side
from hybridd.pipeline.standing import standing
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.proposals import Link, Vetoed
from hybridd.store.store import Store
from hybridd.trading.risk import Refusal, Veto, refusal
from hybridd.trading.sizing import size

HYBRIDD = "hybridd"


def propose(
    store: Store, alert: Alert, atr: float, rules: TradingRules, recipients: Iterable[tuple[str, str]], now: int
) -> Proposal | None:
    """The proposal that goes out with `alert`, None where its news asks for none or a limit forbids it.

    `atr`: the ATR(14) of the analysis' candle; `recipients`: the (channel, address) pairs that the alert goes to, each
    of which may answer. Within the caller's transaction.
    """
    analysis = alert.analysis
    if not rules.making or analysis is None or analysis.signal is Signal.NEUTRAL:
        return None
    if Reason.SIGNAL_CHANGED not in alert.reasons:
        return None
    side = Side(analysis.signal.value)
    if found := _refusal(store, analysis, side, atr, rules, now):
        _veto(store, alert, analysis, side, found, now)
        return None
    made = draft(analysis, atr, rules.propose, None, now)
    fees = burden(made, rules.size.fee_percent)
    if found := _eaten(fees, rules):
        _veto(store, alert, analysis, side, found, now)
        return None
    told = with_fees_told(sized(made, rules), fees)
    return post(store, replace(told, alert_id=alert.id), rules, recipients, now)


def post(
    store: Store, proposal: Proposal, rules: TradingRules, recipients: Iterable[tuple[str, str]], now: int
) -> Proposal:
    """Store a proposal, the ways to answer it, its audit record and its event. Within the caller's transaction."""
    stored = store.proposals.add(sealed(proposal))
    for channel, recipient in sorted(set(recipients)):
        if rules.key:
            _link(store, stored, rules.key, channel, recipient)
    facts = {
        "proposal": stored.id,
        "alert": stored.alert_id,
        "side": stored.side.value,
        "price": str(stored.price),
        "stop": str(stored.stop),
        "quantity": str(stored.quantity),
        "content_hash": stored.content_hash,
    }
    store.audit.append(HYBRIDD, "proposal", str(stored.id), facts, now)
    store.events.append("proposal", stored.symbol, facts, now)
    return stored


def supersede(store: Store, analysis: Analysis, now: int) -> list[Proposal]:
    """End the open proposals of a symbol whose signal is another by now: newer news takes their place."""
    gone = [p for p in store.proposals.open_ones(analysis.symbol) if p.side.value != analysis.signal.value]
    for proposal in gone:
        _end(store, proposal, ProposalEvent.SUPERSEDE, f"the signal is {analysis.signal} now", now)
    return gone


def expire_due(store: Store, now: int) -> list[Proposal]:
    """Count every proposal that nobody answered in time as a no."""
    due = [p for p in store.proposals.open_ones() if now >= p.expires_at]
    for proposal in due:
        with store.transaction():
            _end(store, proposal, ProposalEvent.EXPIRE, "nobody answered in time: that means no", now)
    return due


def sized(proposal: Proposal, rules: TradingRules) -> Proposal:
    """The proposal with the size that its stop, the odds and the account allow."""
    found = size(proposal.side, proposal.price, proposal.stop, reward(proposal), proposal.odds, rules.size)
    return replace(proposal, quantity=found.quantity, risk_money=found.risk, size_reason=found.why)


def _refusal(store: Store, analysis: Analysis, side: Side, atr: float, rules: TradingRules, now: int) -> Refusal | None:
    least = rules.propose.min_confidence
    if analysis.confidence < least:
        return Refusal(veto=Veto.CONFIDENCE, detail=f"confidence {analysis.confidence:.2f} is below {least:g}")
    if not atr > 0:
        return Refusal(veto=Veto.NO_RANGE, detail="the price has not moved: there is no distance for a stop")
    return refusal(analysis.symbol, side, standing(store, float(rules.size.account), rules.zone, now), rules.risk)


def _eaten(fees: Burden, rules: TradingRules) -> Refusal | None:
    most = rules.propose.most_fee_share
    if fees.share < most:
        return None
    detail = f"fees would take {fees.share:.0%} of the gain at the targets, the limit is {most:.0%}"
    return Refusal(veto=Veto.FEES, detail=detail)


def _veto(store: Store, alert: Alert, analysis: Analysis, side: Side, found: Refusal, now: int) -> None:
    store.proposals.veto(
        Vetoed(
            symbol=analysis.symbol,
            side=side.value,
            veto=found.veto.value,
            detail=found.detail,
            at=now,
            alert_id=alert.id,
        )
    )
    facts = {"side": side.value, "veto": found.veto.value, "detail": found.detail}
    store.audit.append(HYBRIDD, "veto", str(alert.id), facts, now)
    store.events.append("veto", analysis.symbol, facts, now)


def _link(store: Store, proposal: Proposal, key: bytes, channel: str, recipient: str) -> None:
    made = credential(key, proposal, channel, recipient)
    store.proposals.add_link(
        Link(
            hash=token_hash(made.token),
            proposal_id=proposal.id,
            channel=channel,
            recipient=recipient,
            code=code_hash(made.token, made.code),
            content_hash=proposal.content_hash,
            expires_at=proposal.expires_at,
        )
    )


def _end(store: Store, proposal: Proposal, event: ProposalEvent, why: str, now: int) -> None:
    decision = Decision(proposal_id=proposal.id, event=event, actor=HYBRIDD, channel="", at=now, reason=why)
    if store.proposals.decide(decision):
        store.audit.append(HYBRIDD, f"proposal.{event}", str(proposal.id), {"why": why}, now)
        store.events.append("decision", proposal.symbol, {"proposal": proposal.id, "event": event, "why": why}, now)
