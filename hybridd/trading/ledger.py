"""What a trade earns, and what can happen to it: it is opened, parts of it leave, it is closed."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal

from msgspec import structs

from hybridd.errors import DataError
from hybridd.model.order import Fill, Leg
from hybridd.model.state import advance
from hybridd.model.trade import TRADE_TABLE, Side, Target, Trade, TradeEvent, TradeState
from hybridd.trading.position import EXACT, Position, exact, position

_ROUNDED = Context(prec=60)


def pnl_percent(side: Side, entry_price: float, exit_price: float, fee_percent: float = 0.0) -> float:
    """What a trade earned, in percent of the money at its entry, net of the fee on each of its two sides.

    sign · (exit/entry − 1) · 100 − fee · (1 + exit/entry): each fee is a percentage of what is traded on its side.
    """
    ratio = exit_price / entry_price
    return side.sign * (ratio - 1) * 100 - fee_percent * (1 + ratio)


def open_trade(
    *,
    symbol: str,
    side: Side,
    entry_price: float,
    entry_at: int,
    quantity: float = 0.0,
    stop_price: float | None = None,
    target_price: float | None = None,
    fee_percent: float = 0.0,
    simulated: bool = False,
    targets: tuple[Target, ...] = (),
    proposal_id: int = 0,
    broker: str = "manual",
    auto: bool = False,
) -> Trade:
    """A trade that begins at `entry_at` (ms UTC), not stored yet (`id` 0). Prices in the quote currency.

    Raises DataError for a price that is none, a negative quantity or fee, and a stop or target on the wrong side.
    """
    _check_price("the entry price", entry_price)
    _check_amount("the quantity", quantity)
    _check_amount("the fee", fee_percent)
    _check_side("the stop", stop_price, entry_price, -side.sign, side)
    _check_side("the target", target_price, entry_price, side.sign, side)
    return Trade(
        id=0,
        symbol=symbol,
        side=side,
        state=TradeState.OPEN,
        entry_price=float(entry_price),
        entry_at=entry_at,
        quantity=float(quantity),
        stop_price=stop_price,
        target_price=target_price,
        fee_percent=float(fee_percent),
        simulated=simulated,
        targets=targets,
        proposal_id=proposal_id,
        broker=broker,
        auto=auto,
    )


def close_trade(trade: Trade, *, exit_price: float, exit_at: int, reason: str = "") -> Trade:
    """The trade as it is after an exit at `exit_at` (ms UTC), with what it earned.

    Raises DataError for a price that is none, a time before the entry, or a trade that is closed already.
    """
    _check_price("the exit price", exit_price)
    if trade.state is TradeState.CLOSED:
        raise DataError(f"trade {trade.id} is closed already", remedy="a trade is closed once")
    if exit_at < trade.entry_at:
        raise DataError(f"trade {trade.id} cannot end before it began", remedy="give the time of the exit")
    return structs.replace(
        trade,
        state=advance(TRADE_TABLE, trade.state, TradeEvent.CLOSE),
        exit_price=float(exit_price),
        exit_at=exit_at,
        exit_reason=reason,
        pnl_percent=pnl_percent(trade.side, trade.entry_price, exit_price, trade.fee_percent),
        remaining=Decimal(0),
    )


def size_of(trade: Trade) -> Decimal:
    """What was entered, in the base currency; a position of unknown size is 1, so that its fills are shares of it."""
    return exact(trade.quantity) if trade.quantity else Decimal(1)


def held_of(trade: Trade) -> Decimal:
    """What is still held, in the base currency. A third of three is one: the share is rounded far behind any lot."""
    return _ROUNDED.plus(EXACT.multiply(size_of(trade), trade.remaining))


def entry_fill(trade: Trade, *, fee: Decimal | None = None, key: str = "entry") -> Fill:
    """The fill that a trade begins with, where nobody told of it in parts; the fee is the trade's unless given."""
    return _fill(trade, trade.side is Side.LONG, size_of(trade), exact(trade.entry_price), trade.entry_at, key, fee)


def exit_fill(
    trade: Trade,
    *,
    price: Decimal,
    at: int,
    key: str,
    quantity: Decimal | None = None,
    leg: Leg = Leg.EXIT,
    fee: Decimal | None = None,
) -> Fill:
    """A fill that takes `quantity` out of a trade, all that is left where None is given.

    Raises DataError where that is nothing, or more than is left.
    """
    held = held_of(trade)
    wanted = held if quantity is None else quantity
    if not 0 < wanted <= held:
        raise DataError(f"{wanted} cannot leave trade {trade.id}", remedy=f"it holds {held.normalize():f}")
    return replace(_fill(trade, trade.side is not Side.LONG, wanted, price, at, key, fee), leg=leg)


def settled(trade: Trade, fills: Sequence[Fill], reason: str = "") -> Trade:
    """The trade as its fills make it: what is left, what it has earned, and closed once nothing is left.

    `reason` is why the last part left. Raises DataError for fills that cannot be.
    """
    found = position(trade.side, fills)
    trade = structs.replace(
        trade,
        entry_price=float(found.entry_price),
        quantity=float(found.entered) if trade.quantity else 0.0,
        remaining=found.share,
        realised=found.realised if trade.quantity else None,
        fees=found.fees if trade.quantity else None,
    )
    if found.exit_price is None:
        return trade
    last = max(fill.at for fill in fills)
    trade = structs.replace(trade, exit_price=float(found.exit_price))
    return _ended(trade, found, last, reason) if not found.quantity else trade


def with_stop(trade: Trade, price: float | None) -> Trade:
    """The trade with its stop moved, or without one; it may lie beyond the entry, where it protects a gain.

    Raises DataError for a price that is none and for a trade that is closed.
    """
    if trade.state is TradeState.CLOSED:
        raise DataError(f"trade {trade.id} is closed", remedy="only an open trade has a stop")
    if price is not None:
        _check_price("the stop", price)
    return structs.replace(trade, stop_price=price)


def _ended(trade: Trade, found: Position, at: int, reason: str) -> Trade:
    return structs.replace(
        trade,
        state=advance(TRADE_TABLE, trade.state, TradeEvent.CLOSE),
        exit_at=max(at, trade.entry_at),
        exit_reason=reason,
        pnl_percent=float(found.percent(found.realised)),
    )


def _fill(trade: Trade, buy: bool, quantity: Decimal, price: Decimal, at: int, key: str, fee: Decimal | None) -> Fill:
    _check_price("the price", float(price))
    paid = EXACT.multiply(EXACT.multiply(quantity, price), exact(trade.fee_percent))
    paid = EXACT.divide(paid, Decimal(100)) if fee is None else fee
    return Fill(id=key, at=at, buy=buy, quantity=quantity, price=price, fee=paid)


def _check_price(what: str, price: float) -> None:
    if not (math.isfinite(price) and price > 0):
        raise DataError(f"{what} is {price}", remedy="give a number above 0")


def _check_amount(what: str, amount: float) -> None:
    if not (math.isfinite(amount) and amount >= 0):
        raise DataError(f"{what} is {amount}", remedy="give 0 or a number above")


def _check_side(what: str, price: float | None, entry_price: float, sign: int, side: Side) -> None:
    if price is None:
        return
    _check_price(what, price)
    if (price - entry_price) * sign <= 0:
        where = "above" if sign > 0 else "under"
        raise DataError(f"{what} of a {side} trade entered at {entry_price} is {price}", remedy=f"it must be {where}")
