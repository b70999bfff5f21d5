"""What a broker filled, into the ledger: entries begin trades, everything else takes from them; each fill once."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from hybridd.model.change import Reason
from hybridd.model.order import Fill, Leg, Order
from hybridd.model.trade import AUTO, BY_ITSELF, Target, Trade, TradeState
from hybridd.pipeline.booking import book_entry, book_exit, book_more
from hybridd.pipeline.orders import order_words
from hybridd.store.store import Store
from hybridd.trading.ledger import held_of, open_trade

Tell = Callable[[Reason, str, str], None]
"""Tells the person, within the transaction: what, of what ("trade 42"), in which words."""


def book(store: Store, order: Order, fill: Fill, broker: str, fee_percent: float, tell: Tell, now: int) -> Order:
    """Book one fill of `order`; gives the order with the trade that it belongs to. Within the caller's transaction."""
    fill = replace(fill, leg=order.leg)
    if order.leg is not Leg.ENTRY:
        _take(store, order, fill, broker, tell, now)
        return order
    actor = f"broker:{broker}"
    known = store.orders.get(order.client_id)
    trade_id = known.order.trade_id if known else 0
    begun = store.trades.get(trade_id) if trade_id else None
    if begun is not None and begun.state is TradeState.CLOSED:
        if _is_booked(store, order, fill):
            return order
        # The trade was left before its entry was whole: what still came is there, and a trade of its own.
        trade_id = 0
    if trade_id:
        book_more(store, trade_id, fill, actor, now)
        return replace(order, trade_id=trade_id)
    trade = book_entry(store, _begun(store, order, fill, broker, fee_percent), actor, now, fill)
    store.orders.belongs_to(order.client_id, trade.id)
    words = f"{trade.side} {trade.symbol}, {_plain(fill.quantity)} @ {_plain(fill.price)}{marks(trade)}"
    tell(Reason.TRADE_OPENED, f"trade {trade.id}", words)
    return replace(order, trade_id=trade.id)


def write_off(store: Store, trade: Trade, broker: str, tell: Tell, now: int) -> None:
    """Close a trade of which less than one step of the market is left: nobody can sell that, it counts as nothing."""
    left = held_of(trade)
    price = store.fills.of(trade.id)[-1].price
    closed = book_exit(
        store, trade.id, price=price, actor=f"broker:{broker}", now=now, at=max(now, trade.entry_at), quantity=left,
        reason=trade.exit_reason or "dust", key="dust", fee=left * price,
    )  # fmt: skip
    _tell_closed(closed, Leg.EXIT, price, tell)


def marks(trade: Trade) -> str:
    """ " (paper)" or " (binance), by itself (auto)": where a trade lives, and whether anybody was asked."""
    return f" ({trade.broker})" + (f", {BY_ITSELF}" if trade.auto else "")


def _is_booked(store: Store, order: Order, fill: Fill) -> bool:
    begun = [trade for trade in store.trades.list() if trade.proposal_id == order.proposal_id]
    return any(known.id == fill.id for trade in begun for known in store.fills.of(trade.id))


def _take(store: Store, order: Order, fill: Fill, broker: str, tell: Tell, now: int) -> None:
    if any(known.id == fill.id for known in store.fills.of(order.trade_id)):
        return
    trade = store.trades.get(order.trade_id)
    assert trade is not None, "an order that is no entry belongs to a trade"
    held = held_of(trade) if trade.state is TradeState.OPEN else Decimal(0)
    if fill.quantity > held:
        _tell_surplus(store, order, fill, held, trade, tell, now)
    if not held:
        return
    part = min(fill.quantity, held)
    after = book_exit(
        store, order.trade_id, price=fill.price, actor=f"broker:{broker}", now=now, at=max(fill.at, trade.entry_at),
        quantity=part, reason=order.leg.value, leg=order.leg, key=fill.id, fee=fill.fee * part / fill.quantity,
    )  # fmt: skip
    if after.state is TradeState.CLOSED:
        _tell_closed(after, order.leg, fill.price, tell)


def _tell_surplus(store: Store, order: Order, fill: Fill, held: Decimal, trade: Trade, tell: Tell, now: int) -> None:
    facts = {"fill": fill.id, "quantity": str(fill.quantity), "held": str(held), "order": order.client_id}
    store.audit.append("hybridd", "fill beyond trade", str(trade.id), facts, now)
    words = f"{order_words(order)} was filled with {_plain(fill.quantity)}, but trade {trade.id} held {_plain(held)}"
    tell(Reason.ORDER_REJECTED, f"order {order.client_id} {fill.id}", f"{words}: look at your account{marks(trade)}")


def _tell_closed(trade: Trade, leg: Leg, price: Decimal, tell: Tell) -> None:
    earned = f"{trade.pnl_percent:+.2f} %" if trade.pnl_percent is not None else "closed"
    words = f"{trade.side} {trade.symbol} left @ {_plain(price)} by its {leg}: {earned}{marks(trade)}"
    tell(Reason.TRADE_CLOSED, f"trade {trade.id}", words)


def _begun(store: Store, order: Order, fill: Fill, broker: str, fee_percent: float) -> Trade:
    """The trade that a first fill begins; stop and targets keep the distances that were approved."""
    proposal = store.proposals.get(order.proposal_id)
    assert proposal is not None, "an entry comes from a proposal"
    decision = store.proposals.decision(proposal.id)
    moved = fill.price - proposal.price
    targets = tuple(Target(r=t.r, price=t.price + moved, share=t.share) for t in proposal.targets)
    return open_trade(
        symbol=order.symbol,
        side=proposal.side,
        entry_price=float(fill.price),
        entry_at=fill.at,
        quantity=float(fill.quantity),
        stop_price=float(proposal.stop + moved),
        target_price=float(targets[0].price) if targets else None,
        fee_percent=fee_percent,
        simulated=proposal.simulated,
        targets=targets,
        proposal_id=proposal.id,
        broker=broker,
        auto=decision is not None and decision.actor == AUTO,
    )


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
