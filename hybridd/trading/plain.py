"""A trade as plain values, by the names that the library, the command line and exports share."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from msgspec import structs

from hybridd.model.trade import Trade, TradeState
from hybridd.trading.ledger import pnl_percent, size_of
from hybridd.trading.position import EXACT, exact

_EXACT = ("remaining", "realised", "fees")


def plain(trade: Trade, price: float | None = None) -> dict[str, Any]:
    """Names to numbers and text; exact amounts are decimal text, targets a list of such.

    At `price`, the newest there is, an open trade has `running_percent` and, where its size is known, `running_money`:
    what the part still held would earn if it left now, fees included. None without a price, and for a closed trade.
    """
    amounts = {name: _text(getattr(trade, name)) for name in _EXACT}
    targets = [{name: str(value) for name, value in asdict(target).items()} for target in trade.targets]
    words = {"side": str(trade.side), "status": str(trade.state), "state": str(trade.state), "targets": targets}
    return structs.asdict(trade) | amounts | words | running(trade, price)


def running(trade: Trade, price: float | None) -> dict[str, Any]:
    """What the open part of a trade earns at `price`, in percent of its own entry and in money."""
    if price is None or not price > 0 or trade.state is TradeState.CLOSED:
        return {"running_percent": None, "running_money": None}
    percent = pnl_percent(trade.side, trade.entry_price, price, trade.fee_percent)
    held = EXACT.multiply(EXACT.multiply(size_of(trade), trade.remaining), exact(trade.entry_price))
    money = EXACT.divide(EXACT.multiply(held, exact(percent)), Decimal(100)) if trade.quantity else None
    return {"running_percent": percent, "running_money": None if money is None else f"{money:.8f}"}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"
