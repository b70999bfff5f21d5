"""Book: every step of a trade, in one transaction with its fill, its audit record and its event."""

from decimal import Decimal

from hybridd.errors import DataError
from hybridd.model.order import Fill, Leg
from hybridd.model.trade import Trade
from hybridd.store.store import Store
from hybridd.trading.ledger import entry_fill, exit_fill, settled, with_stop


def book_entry(store: Store, trade: Trade, actor: str, now: int, fill: Fill | None = None) -> Trade:
    """Open a trade: `fill` is how it was entered, by default whole and at its own price. Gives it with its id.

    `actor` is who did it, `now` ms UTC. Raises DataError for a fill that cannot be.
    """
    fill = fill or entry_fill(trade)
    trade = settled(trade, [fill])
    with store.transaction():
        trade_id = store.trades.open(trade)
        store.fills.add(trade_id, fill)
        stored = _get(store, trade_id)
        _say(store, "trade opened", stored, fill, actor, now)
    return stored


def book_more(store: Store, trade_id: int, fill: Fill, actor: str, now: int) -> Trade:
    """Add a further part of a trade's entry; one that is booked already changes nothing."""
    with store.transaction():
        trade = _get(store, trade_id)
        if not store.fills.add(trade_id, fill):
            return trade
        trade = store.trades.update(settled(trade, store.fills.of(trade_id)))
        _say(store, "trade enlarged", trade, fill, actor, now)
    return trade


def book_exit(
    store: Store,
    trade_id: int,
    *,
    price: Decimal,
    actor: str,
    now: int,
    at: int | None = None,
    quantity: Decimal | None = None,
    reason: str = "",
    leg: Leg = Leg.EXIT,
    key: str = "",
    fee: Decimal | None = None,
) -> Trade:
    """Take `quantity` (all that is left if None) out of a trade; it is closed once nothing is left.

    `at` (ms UTC) is when that was, now if not given; `fee` what it cost, by the trade's own rate if not given;
    `key` names the exit, so that who tells of it twice books it once.
    Raises DataError for a trade that is not there or not open, a time before the entry, and for more than is left.
    """
    with store.transaction():
        trade = _get(store, trade_id)
        fills = store.fills.of(trade_id)
        if any(known.id == key for known in fills):
            return trade
        moment = max(now, trade.entry_at) if at is None else at
        _check_open(trade, moment)
        name = key or f"{leg.value} {len(fills)}"
        fill = exit_fill(trade, price=price, at=moment, key=name, quantity=quantity, leg=leg, fee=fee)
        store.fills.add(trade_id, fill)
        settled_now = store.trades.update(settled(trade, [*fills, fill], reason))
        _say(store, "trade closed" if settled_now.exit_at else "trade reduced", settled_now, fill, actor, now)
    return settled_now


def move_stop(store: Store, trade_id: int, price: float | None, actor: str, now: int) -> Trade:
    """Move the stop of an open trade; None takes it away."""
    with store.transaction():
        trade = store.trades.update(with_stop(_get(store, trade_id), price))
        facts = {"trade": trade.id, "stop": price}
        store.audit.append(actor, "stop moved", str(trade.id), facts, now)
        store.events.append("trade", trade.symbol, {**facts, "what": "stop moved"}, now)
    return trade


def hold_trade(store: Store, trade_id: int, actor: str, reason: str, now: int) -> Trade:
    """Keep as a decision that the person stays in an open trade."""
    with store.transaction():
        trade = _get(store, trade_id)
        _check_open(trade, max(now, trade.entry_at))
        last = next((a for a in store.analyses.latest() if a.symbol == trade.symbol), None)
        facts = {"trade": trade.id, "reason": reason, "price": last.price if last else None}
        facts |= {"signal": last.signal.value if last else None}
        store.audit.append(actor, "trade held", str(trade.id), facts, now)
        store.events.append("trade", trade.symbol, {**facts, "what": "trade held"}, now)
    return trade


def _get(store: Store, trade_id: int) -> Trade:
    trade = store.trades.get(trade_id)
    if trade is None:
        raise DataError(f"there is no trade {trade_id}", remedy="`hybridd trades list` shows those there are")
    return trade


def _check_open(trade: Trade, at: int) -> None:
    if trade.exit_at is not None:
        raise DataError(f"trade {trade.id} is closed already", remedy="a trade is closed once")
    if at < trade.entry_at:
        raise DataError(f"trade {trade.id} cannot end before it began", remedy="give the time of the exit")


def _say(store: Store, what: str, trade: Trade, fill: Fill, actor: str, now: int) -> None:
    facts = {
        "trade": trade.id,
        "side": trade.side.value,
        "price": str(fill.price),
        "quantity": str(fill.quantity) if trade.quantity else None,
        "leg": fill.leg.value,
        "at": fill.at,
    }
    store.audit.append(actor, what, str(trade.id), facts, now)
    store.events.append("trade", trade.symbol, {**facts, "what": what}, now)
