"""What pages show of a proposal and of an alert, in words: the same figures as in messages."""

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from hybridd.delivery.figures import clock_time, duration, percent, price, score, zone_of
from hybridd.delivery.sentences import headline, sentences, unreal
from hybridd.model.alert import Alert, AlertState
from hybridd.model.analysis import SIMULATED
from hybridd.model.proposal import Decision, Proposal, ProposalEvent, ProposalState
from hybridd.pipeline.quotes import fresh_quote, price_now
from hybridd.store.store import Store

DECIDED = {
    ProposalEvent.APPROVE: "approved",
    ProposalEvent.REJECT: "rejected",
    ProposalEvent.HOLD: "held",
    ProposalEvent.EXPIRE: "expired",
    ProposalEvent.SUPERSEDE: "superseded",
}

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalWords:
    """A proposal as a page shows it. `ends_at` (ms UTC) is its end; `decided` says what became of it, "" while open.

    `unreal` is that of the analysis which it was made of.
    """

    id: int
    title: str
    unreal: str
    is_open: bool
    facts: Rows
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]
    ends_at: int
    ends: str
    left: str
    decided: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWords:
    """An alert as a page shows it; `firing` while somebody may acknowledge it, `unreal` as in an analysis."""

    id: int
    title: str
    unreal: str
    state: str
    firing: bool
    sentences: tuple[str, ...]
    facts: Rows
    deliveries: tuple[tuple[str, str], ...]


def proposal_words(store: Store, proposal: Proposal, zone_name: str, now: int) -> ProposalWords:
    """The proposal as it was shown, beside the price of now."""
    zone = zone_of(zone_name)
    decision = store.proposals.decision(proposal.id)
    return ProposalWords(
        id=proposal.id,
        title=f"{proposal.side} {proposal.symbol} @ {price(float(proposal.price))}",
        unreal=_unreal(store, proposal),
        is_open=proposal.state is ProposalState.OPEN and now < proposal.expires_at,
        facts=(
            ("price then", f"{price(float(proposal.price))} at {clock_time(proposal.candle_close, zone, now)}"),
            ("price now", _price_now(store, proposal, now)),
            *trade_facts(proposal),
            ("score", score(proposal.score)),
            ("confidence", percent(proposal.confidence)),
            ("odds", _odds(proposal)),
        ),
        reasons_for=proposal.reasons_for,
        reasons_against=proposal.reasons_against,
        ends_at=proposal.expires_at,
        ends=clock_time(proposal.expires_at, zone, now),
        left=duration(proposal.expires_at - now),
        decided=decision_words(decision, zone, now) if decision else "",
    )


def _unreal(store: Store, proposal: Proposal) -> str:
    at = proposal.candle_close
    made_of = store.analyses.between(proposal.symbol, proposal.timeframe, at, at)
    return made_of[0].unreal if made_of else SIMULATED if proposal.simulated else ""


def trade_facts(proposal: Proposal) -> Rows:
    """Stop, targets, size and what is at stake."""
    money = _currency(proposal.symbol)
    targets = ", ".join(
        f"{price(float(t.price))} ({t.r.normalize():f} R, {percent(float(t.share))})" for t in proposal.targets
    )
    if not proposal.quantity:
        size: Rows = (("size", f"not said: {proposal.size_reason or 'unknown'}"),)
    else:
        size = (
            ("size", f"{proposal.quantity.normalize():f} = {_money(proposal.quantity * proposal.price)} {money}"),
            ("risk", f"{_money(proposal.risk_money)} {money} lost at the stop"),
        )
    distance = abs(proposal.price - proposal.stop) / proposal.price * 100
    stop = f"{price(float(proposal.stop))} ({distance:.2f} % away)"
    return (("stop", stop), ("targets", targets or "none"), *size)


def difference(then: Proposal, now: Proposal) -> tuple[tuple[str, str, str], ...]:
    """What is different about a proposal that is asked again: name, then, now."""
    before = dict((("price", price(float(then.price))), *trade_facts(then)))
    after = dict((("price", price(float(now.price))), *trade_facts(now)))
    names = [*before, *(name for name in after if name not in before)]
    return tuple((name, before.get(name, "–"), after.get(name, "–")) for name in names)


def decision_words(decision: Decision, zone: tzinfo, now: int) -> str:
    """"approved by email:a@example.org at 14:55 UTC: all agree"."""  # fmt: skip
    why = f": {decision.reason}" if decision.reason else ""
    return f"{DECIDED[decision.event]} by {decision.actor} at {clock_time(decision.at, zone, now)}{why}"


def alert_words(store: Store, alert: Alert, zone_name: str, now: int) -> AlertWords:
    """The alert as it was told, and what became of each delivery."""
    zone, a = zone_of(zone_name), alert.analysis
    facts = [
        ("made at", clock_time(alert.created_at, zone, now)),
        ("severity", alert.severity.value),
        ("why", ", ".join(reason.value for reason in alert.reasons)),
    ]
    if a is not None:
        facts += [
            ("price", price(a.price)),
            ("score", score(a.score)),
            ("signal", a.signal.value),
            ("confidence", percent(a.confidence)),
            ("layers that answered", f"{a.answered} of {a.layers}"),
        ]
    return AlertWords(
        id=alert.id,
        title=headline(alert),
        unreal=unreal(alert),
        state=alert.state.value,
        firing=alert.state is AlertState.FIRING,
        sentences=sentences(alert),
        facts=tuple(facts),
        deliveries=tuple(
            (f"{d.channel} to {d.recipient}", f"{d.state}{f': {d.reason}' if d.reason else ''}")
            for d in store.outbox.of_alert(alert.id)
        ),
    )


def _price_now(store: Store, proposal: Proposal, now: int) -> str:
    known, at = price_now(store, proposal, now)
    if known is None:
        return "unknown"
    moved = (known - proposal.price) / proposal.price * 100
    quote = fresh_quote(store, proposal.symbol, now)
    apart = f", buyers and sellers {quote.spread_percent:.2f} % apart" if quote else ""
    return f"{price(float(known))} ({moved:+.2f} %), {duration(now - at)} old{apart}"


def _odds(proposal: Proposal) -> str:
    odds = proposal.odds
    if odds is None:
        return "not measured"
    between = f"{percent(odds.low)} to {percent(odds.high)}"
    return f"{percent(odds.probability)} higher after the horizon ({between}, n {odds.n})"


def _money(value: Decimal) -> str:
    return f"{value:,.2f}"


def _currency(symbol: str) -> str:
    return symbol.partition("/")[2].partition(":")[0]
