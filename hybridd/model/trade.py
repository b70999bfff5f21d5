"""A trade: a position that the person took, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from hybridd.model.state import Table


class TradeState(StrEnum):
    """Where a trade stands."""

    OPEN = "open"
    CLOSED = "closed"


class TradeEvent(StrEnum):
    """What can happen to a trade."""

    CLOSE = "close"


TRADE_TABLE: Table[TradeState, TradeEvent] = {(TradeState.OPEN, TradeEvent.CLOSE): TradeState.CLOSED}


class Side(StrEnum):
    """Which way a trade earns."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """+1 where a rising price earns, -1 where a falling one does."""
        return 1 if self is Side.LONG else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade. Prices in the quote currency, times in ms UTC, `fee_percent` for each of the two sides.

    `pnl_percent` is net of both fees and None while the trade is open; `simulated` marks one of a made-up market.
    """

    id: int
    symbol: str
    side: Side
    state: TradeState
    entry_price: float
    entry_at: int
    quantity: float = 0.0
    stop_price: float | None = None
    target_price: float | None = None
    exit_price: float | None = None
    exit_at: int | None = None
    exit_reason: str = ""
    fee_percent: float = 0.0
    pnl_percent: float | None = None
    simulated: bool = False
