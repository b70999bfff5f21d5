"""`hybridd proposals`, `approve`, `reject`, `hold`: what is asked of the person, and the answer."""

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from hybridd.cli.shared import AsJson, ConfigPath, price, print_json, say, settings_of, state_of, table, when
from hybridd.config.schema import Settings
from hybridd.errors import UsageError
from hybridd.model.proposal import Decision, Proposal, ProposalEvent
from hybridd.model.trade import Trade
from hybridd.pipeline.booking import book_entry, hold_trade
from hybridd.pipeline.decide import Answer, Answered, Result, decide
from hybridd.pipeline.heartbeat import clock_of
from hybridd.pipeline.page_words import DECIDED
from hybridd.pipeline.plan import entered_at
from hybridd.pipeline.trading_rules import trading_rules
from hybridd.store.codec import plain as as_json_values
from hybridd.store.store import Store
from hybridd.trading.plain import plain
from hybridd.trading.position import exact

app = typer.Typer(name="proposals", help="What was proposed, and what became of it.", no_args_is_help=True)

ProposalId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="As the message names it.")]
Reason = Annotated[str, typer.Option(help="Why, in your words; the journal reads it.")]


@app.command("list")
def list_command(
    config: ConfigPath = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
) -> None:
    """Proposals, newest first, and what a limit kept from being proposed."""
    with state_of(settings_of(config)) as store:
        found = [(p, store.proposals.decision(p.id)) for p in store.proposals.list(limit)]
        vetoes = store.proposals.vetoes(limit)
    if as_json:
        print_json({"proposals": [_facts(*row) for row in found], "vetoes": [asdict(veto) for veto in vetoes]})
        return
    columns = [" id", "made at", "market", "side", " price", "state", "answered by"]
    rows = [
        [p.id, when(p.created_at), p.symbol, p.side, price(float(p.price)), p.state, d.actor if d else ""]
        for p, d in found
    ]
    table("", columns, rows) if rows else say("no proposals yet")
    if vetoes:
        table(
            "not proposed", ["at", "market", "side", "why"], [[when(v.at), v.symbol, v.side, v.detail] for v in vetoes]
        )


@app.command("show")
def show(proposal_id: ProposalId, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """One proposal as it was made, and the answer."""
    with state_of(settings_of(config)) as store:
        decision = store.proposals.decision(proposal_id)
        proposal = store.proposals.get(proposal_id)
    assert proposal is not None, "a proposal without a row has no decision either"
    if as_json:
        print_json(_facts(proposal, decision))
        return
    for line in _lines(proposal, decision):
        say(line)


def approve(
    proposal_id: ProposalId,
    at_price: Annotated[str | None, typer.Option("--price", help="What you entered at: the trade is recorded.")] = None,
    quantity: Annotated[str | None, typer.Option(help="What you bought or sold, if not what was proposed.")] = None,
    reason: Reason = "",
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a proposal. You place the order, and --price records its entry at once; or your broker does both."""
    settings = settings_of(config)
    if at_price is not None and settings.trading.broker != "manual":
        raise UsageError(
            f'--price is for orders that you place yourself, but trading.broker is "{settings.trading.broker}"',
            remedy="leave it out: the broker says what you entered at",
        )
    if quantity is not None and at_price is None:
        raise UsageError("--quantity without --price", remedy="say what you entered at")
    with state_of(settings) as store, store.transaction():
        now = clock_of(store).now()
        answered = _answer(store, settings, proposal_id, ProposalEvent.APPROVE, reason, now)
        trade = None
        if answered.result is Result.DONE and answered.proposal and at_price is not None:
            trade = _enter(store, settings, answered.proposal, at_price, quantity, now)
    _report(answered, trade, as_json=as_json, broker=settings.trading.broker)


def reject(proposal_id: ProposalId, reason: Reason = "", config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Say no to a proposal."""
    _say(proposal_id, ProposalEvent.REJECT, reason, config, as_json=as_json)


def hold(
    proposal_id: Annotated[int, typer.Argument(metavar="[ID]", min=0, help="A proposal.", show_default=False)] = 0,
    trade_id: Annotated[int, typer.Option("--trade", min=0, help="Or an open trade that you keep.")] = 0,
    reason: Reason = "",
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Neither take a proposal nor turn it down; or keep an open trade against the signal. Kept as your decision."""
    if bool(proposal_id) == bool(trade_id):
        raise UsageError("hold what?", remedy="give the id of a proposal, or --trade with the id of an open trade")
    if proposal_id:
        _say(proposal_id, ProposalEvent.HOLD, reason, config, as_json=as_json)
        return
    with state_of(settings_of(config)) as store:
        kept = hold_trade(store, trade_id, f"cli:{getpass.getuser()}", reason, clock_of(store).now())
    if as_json:
        print_json(plain(kept))
        return
    typer.echo(f"trade {kept.id} is held")


def _say(proposal_id: int, event: ProposalEvent, reason: str, config: Any, *, as_json: bool) -> None:  # noqa: ANN401 - a path
    settings = settings_of(config)
    with state_of(settings) as store:
        answered = _answer(store, settings, proposal_id, event, reason, clock_of(store).now())
    _report(answered, None, as_json=as_json)


def _answer(
    store: Store, settings: Settings, proposal_id: int, event: ProposalEvent, reason: str, now: int
) -> Answered:
    answer = Answer(
        proposal_id=proposal_id, event=event, actor=f"cli:{getpass.getuser()}", channel="cli", reason=reason
    )
    return decide(store, answer, trading_rules(settings), now)


def _enter(
    store: Store, settings: Settings, proposal: Proposal, at_price: str, quantity: str | None, now: int
) -> Trade:
    entered = exact(at_price)
    size = None if quantity is None else exact(quantity)
    trade = entered_at(proposal, entered, quantity=size, at=now, fee_percent=settings.trading.fee_percent)
    return book_entry(store, trade, f"cli:{getpass.getuser()}", now)


def _report(answered: Answered, trade: Trade | None, *, as_json: bool, broker: str = "manual") -> None:
    proposal = answered.renewed or answered.proposal
    if as_json:
        facts = _facts(proposal, answered.decision) if proposal else {}
        objected = [as_json_values(one) for one in answered.objections]
        print_json(
            {
                "result": answered.result,
                "why": answered.why,
                "objections": objected,
                "trade": plain(trade) if trade else None,
                **facts,
            }
        )
    else:
        for line in _said(answered, trade, broker):
            say(line)
    if answered.result is not Result.DONE:
        raise typer.Exit(1)


def _said(answered: Answered, trade: Trade | None, broker: str) -> list[str]:
    proposal, decision = answered.proposal, answered.decision
    assert proposal is not None, "an answer from here names a proposal that is there"
    if answered.result is Result.LOST and decision is not None:
        return [f"proposal {proposal.id} is {proposal.state} already, by {decision.actor} at {when(decision.at)}"]
    if answered.result is Result.REFUSED:
        return [answered.why]
    if answered.result is Result.AGAIN:
        lines = [f"proposal {proposal.id} needs your approval again: {one.detail}" for one in answered.objections]
        if answered.renewed:
            lines += [
                *_lines(answered.renewed, None),
                f"to take it as it is now: hybridd approve {answered.renewed.id}",
            ]
        return lines
    lines = [f"proposal {proposal.id} is {proposal.state}"]
    if trade is not None:
        lines.append(f"Trade ID #{trade.id}, {trade.side} {trade.symbol}, Entry @ {price(trade.entry_price)}")
    elif proposal.state == "approved" and broker != "manual":
        lines.append(f"the {broker} broker carries it out; hybridd must be running, and tells you what became of it")
    elif proposal.state == "approved":
        lines.append(f"place the order yourself, then record it: {_record_by(proposal)}")
    return lines


def _record_by(proposal: Proposal) -> str:
    return f"hybridd trades open {proposal.symbol} {proposal.side} PRICE --proposal {proposal.id}"


def _lines(proposal: Proposal, decision: Decision | None) -> list[str]:
    simulated = "SIMULATED: " if proposal.simulated else ""
    entry, stop = price(float(proposal.price)), price(float(proposal.stop))
    size = f"{proposal.quantity.normalize():f}" if proposal.quantity else f"not said: {proposal.size_reason}"
    lines = [
        f"{simulated}proposal {proposal.id}, {proposal.state}: {proposal.side} {proposal.symbol} @ {entry}",
        f"stop {stop}, targets "
        + ", ".join(f"{price(float(t.price))} ({float(t.r):g} R, {float(t.share):.0%})" for t in proposal.targets),
        f"size {size}; at the stop you lose {float(proposal.risk_money):,.2f}" if proposal.quantity else f"size {size}",
        f"score {proposal.score:.1f}, confidence {proposal.confidence:.0%}, until {when(proposal.expires_at)}",
    ]
    lines += [f"for: {line}" for line in proposal.reasons_for] + [
        f"against: {line}" for line in proposal.reasons_against
    ]
    if decision is not None:
        why = f": {decision.reason}" if decision.reason else ""
        lines.append(f"{DECIDED[decision.event]} by {decision.actor} at {when(decision.at)}{why}")
    return lines


def _facts(proposal: Proposal, decision: Decision | None) -> dict[str, Any]:
    facts = as_json_values(proposal)
    assert isinstance(facts, dict), "a proposal is an object"
    return {**facts, "decision": as_json_values(decision)}
