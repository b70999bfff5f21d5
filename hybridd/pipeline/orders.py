"""The orders that approved proposals and open trades ask for, as they are written down before anything is sent."""

import secrets

from hybridd.errors import DataError
from hybridd.model.order import Leg, Order, OrderKind
from hybridd.model.proposal import Proposal
from hybridd.model.trade import Side, Trade, TradeState
from hybridd.store.orders import WAITING
from hybridd.store.store import Store
from hybridd.trading.ledger import held_of
from hybridd.trading.protect import Want

INSTALLATION = "installation"
MANUAL = "manual"


def mark_of(store: Store) -> str:
    """This installation's own sign in the client ids of its orders: two on one account must not meet."""
    kept = store.bot_state.get(INSTALLATION)
    if isinstance(kept, str):
        return kept
    with store.transaction():
        kept = store.bot_state.get(INSTALLATION)
        made = kept if isinstance(kept, str) else secrets.token_hex(3)
        store.bot_state.set(INSTALLATION, made)
    return made


def unfit(proposal: Proposal, broker: str, *, real: bool) -> str:
    """Why no order can come of a proposal at `broker`, "" where one can; `real` for one with real money."""
    if broker == MANUAL:
        return ""
    if proposal.quantity <= 0:
        return f"it has no size ({proposal.size_reason}), and nobody makes one up: set trading.account"
    if real and proposal.simulated:
        return "its market is made up: no real order comes of it"
    if real and proposal.side is Side.SHORT and ":" not in proposal.symbol:
        return "on spot nothing can be sold short: watch the perpetual, such as BTC/USDT:USDT"
    return ""


def order_entry(store: Store, proposal: Proposal, broker: str, now: int) -> Order:
    """Write down the order that an approved proposal asks for; within the transaction of the approval.

    Raises DataError for a proposal without a size: nobody makes one up.
    """
    if proposal.quantity <= 0:
        raise DataError(
            f"proposal {proposal.id} has no size ({proposal.size_reason})",
            remedy="set trading.account, or place the order yourself and record it: hybridd trades open",
        )
    order = Order(
        client_id=f"hyb-{mark_of(store)}-p{proposal.id}-e0",
        symbol=proposal.symbol,
        buy=proposal.side is Side.LONG,
        kind=OrderKind.MARKET,
        leg=Leg.ENTRY,
        quantity=proposal.quantity,
        proposal_id=proposal.id,
    )
    write_down(store, order, broker, now)
    return order


def order_exit(store: Store, trade_id: int, now: int) -> Order:
    """Write down an order at market for all that is left of a trade; raises DataError where nothing is."""
    with store.transaction():
        trade = store.trades.get(trade_id)
        if trade is None or trade.state is TradeState.CLOSED:
            what = "does not exist" if trade is None else "is closed already"
            raise DataError(f"trade {trade_id} {what}", remedy="`hybridd trades list --open` shows those there are")
        if trade.broker == MANUAL:
            raise DataError(
                f"trade {trade_id} is in your own hands", remedy="close it there, then: hybridd trades close"
            )
        if any(k.order.leg is Leg.EXIT and k.order.state in WAITING for k in store.orders.of_trade(trade_id)):
            raise DataError(f"trade {trade_id} is on its way out already", remedy="`hybridd orders list` shows how far")
        want = Want(leg=Leg.EXIT, kind=OrderKind.MARKET, quantity=held_of(trade), price=None)
        return order_for(store, trade, want, now)


def order_for(store: Store, trade: Trade, want: Want, now: int) -> Order:
    """Write down an order for a trade; its number makes its client id, and is that of no order of the trade before."""
    number = sum(1 for kept in store.orders.of_trade(trade.id) if kept.order.leg is want.leg)
    order = Order(
        client_id=f"hyb-{mark_of(store)}-t{trade.id}-{want.leg.value[0]}{number}",
        symbol=trade.symbol,
        buy=trade.side is Side.SHORT,
        kind=want.kind,
        leg=want.leg,
        quantity=want.quantity,
        price=want.price,
        reduce_only=True,
        trade_id=trade.id,
        number=number,
    )
    write_down(store, order, trade.broker, now)
    return order


def write_down(store: Store, order: Order, broker: str, now: int) -> None:
    if store.orders.add(order, broker, now):
        store.audit.append("hybridd", "order new", order.client_id, {**order_facts(order), "broker": broker}, now)
        store.events.append("order", order.symbol, {**order_facts(order), "state": order.state.value}, now)


def order_facts(order: Order) -> dict[str, object]:
    return {
        "client_id": order.client_id,
        "side": "buy" if order.buy else "sell",
        "kind": order.kind.value,
        "leg": order.leg.value,
        "quantity": str(order.quantity),
        "price": None if order.price is None else str(order.price),
        "trade": order.trade_id or None,
        "proposal": order.proposal_id or None,
    }


def order_words(order: Order) -> str:
    size = f"{order.quantity.normalize():f}"
    return f"the {order.leg} order to {'buy' if order.buy else 'sell'} {size} of {order.symbol}"
