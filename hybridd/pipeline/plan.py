"""The plan of a trade in the person's own hands: told of a target, it goes on to the next, and its stop may follow."""

import re
from dataclasses import replace
from decimal import Decimal

from hybridd.model.alert import Alert
from hybridd.model.change import Reason
from hybridd.model.proposal import Proposal
from hybridd.model.trade import Trade, TradeState
from hybridd.pipeline.orders import MANUAL
from hybridd.pipeline.protection import reached
from hybridd.store.store import Store
from hybridd.trading.ledger import open_trade
from hybridd.trading.sizing import ANY

_TRADE = re.compile(r"trade (\d+)")


def entered_at(
    proposal: Proposal, price: Decimal, *, quantity: Decimal | None, at: int, fee_percent: float, broker: str = MANUAL
) -> Trade:
    """The trade that an entry at `price` makes of a proposal; `quantity` None is the one proposed, `at` in ms UTC.

    The distances are what was approved: they are measured from where the person really entered.
    """
    moved = price - proposal.price
    targets = tuple(replace(target, price=target.price + moved) for target in proposal.targets)
    return open_trade(
        symbol=proposal.symbol,
        side=proposal.side,
        entry_price=float(price),
        entry_at=at,
        quantity=float(proposal.quantity if quantity is None else quantity),
        stop_price=float(proposal.stop + moved),
        target_price=float(targets[0].price) if targets else None,
        fee_percent=fee_percent,
        simulated=proposal.simulated,
        targets=targets,
        proposal_id=proposal.id,
        broker=broker,
    )


def follow_plan(store: Store, alert: Alert, break_even_after: int, now: int) -> None:
    """Move on the trades of whose targets `alert` tells. Within the caller's transaction.

    What a broker holds moves on when the broker has filled it. Nothing leaves a trade here: the person says that with
    `hybridd trades close`.
    """
    for change in alert.changes:
        named = _TRADE.match(change.subject)
        trade = store.trades.get(int(named[1])) if named and change.reason is Reason.TRADE_TARGET else None
        if trade is None or trade.broker != MANUAL or trade.state is TradeState.CLOSED or len(trade.targets) < 2:
            continue
        moved = store.trades.update(reached(trade, None, ANY, break_even_after))
        facts = {"trade": trade.id, "reached": moved.reached, "stop": moved.stop_price, "target": moved.target_price}
        store.audit.append("hybridd", "target reached", str(trade.id), facts, now)
        store.events.append("trade", trade.symbol, {**facts, "what": "target reached"}, now)
