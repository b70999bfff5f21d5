"""Makers of proposals and of what became of them, for the tests of the journal and of reports."""

from decimal import Decimal

from hybridd.model.candle import candles_from_rows
from hybridd.model.outcome import Outcome, Standing
from hybridd.model.proposal import Decision, Proposal, ProposalEvent, ProposalState
from hybridd.model.trade import Side, Target, Trade, TradeState
from hybridd.reports.journal import Case, Fate
from tests.makers import STEP, T0

D = Decimal
EVENTS = {
    Fate.TAKEN: ProposalEvent.APPROVE,
    Fate.UNRECORDED: ProposalEvent.APPROVE,
    Fate.REJECTED: ProposalEvent.REJECT,
    Fate.HELD: ProposalEvent.HOLD,
    Fate.EXPIRED: ProposalEvent.EXPIRE,
    Fate.SUPERSEDED: ProposalEvent.SUPERSEDE,
}
STATES = {
    Fate.TAKEN: ProposalState.APPROVED,
    Fate.UNRECORDED: ProposalState.APPROVED,
    **{fate: ProposalState(fate.value) for fate in Fate if fate not in {Fate.TAKEN, Fate.UNRECORDED}},
}


def proposal(side="LONG", **changes) -> Proposal:
    """Entry 100, stop 10 away, one target 2 R away."""
    sign = Side(side).sign
    made = {
        "id": 1, "symbol": "BTC/USDT", "timeframe": "5m", "candle_close": T0, "side": Side(side),
        "created_at": T0 + 3000, "expires_at": T0 + 900_000, "price": D(100), "stop": D(100 - 10 * sign),
        "targets": (Target(r=D(2), price=D(100 + 20 * sign), share=D(1)),), "quantity": D(1), "risk_money": D(10),
        "score": 80.0, "confidence": 0.8, "reasons_for": (), "reasons_against": (),
    }  # fmt: skip
    return Proposal(**(made | changes))


def candles(*rows, start=T0):
    """Five-minute candles of (open, high, low, close) from `start`; None leaves a gap."""
    table = [(start + i * STEP, *row, 1.0) for i, row in enumerate(rows) if row is not None]
    return candles_from_rows(STEP, table)


def final(r: float | None, standing=Standing.FINAL, fees: float = 0.0) -> Outcome:
    return Outcome(standing=standing, r=r, percent=None if r is None else r * 10, fees=fees, exits=("stop",))


def case(fate=Fate.REJECTED, rules=-1.0, *, made=None, waited=60_000, reason="", answer=100, **changes) -> Case:
    """`rules` in R, or an Outcome; `made` in R closes the trade of a taken one, None leaves it open."""
    p = proposal(state=STATES[fate], **changes)
    decision = None
    if fate is not Fate.OPEN:
        decision = Decision(
            proposal_id=p.id, event=EVENTS[fate], actor="cli:me", channel="cli", at=p.created_at + waited,
            reason=reason, price=D(answer),
        )  # fmt: skip
    trade = None
    if fate is Fate.TAKEN:
        trade = Trade(
            id=p.id, symbol=p.symbol, side=p.side, state=TradeState.OPEN if made is None else TradeState.CLOSED,
            entry_price=100.0, entry_at=p.created_at, proposal_id=p.id,
            pnl_percent=None if made is None else made * 10, exit_at=None if made is None else p.created_at + 1,
        )  # fmt: skip
    outcome = rules if isinstance(rules, Outcome) else final(rules)
    return Case(proposal=p, fate=fate, rules=outcome, decision=decision, trade=trade)
