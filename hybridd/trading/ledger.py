"""What a trade earns, and the two things that can happen to it: it is opened, it is closed."""

import math
from dataclasses import replace

from hybridd.errors import DataError
from hybridd.model.state import advance
from hybridd.model.trade import TRADE_TABLE, Side, Trade, TradeEvent, TradeState


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
    return replace(
        trade,
        state=advance(TRADE_TABLE, trade.state, TradeEvent.CLOSE),
        exit_price=float(exit_price),
        exit_at=exit_at,
        exit_reason=reason,
        pnl_percent=pnl_percent(trade.side, trade.entry_price, exit_price, trade.fee_percent),
    )


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
