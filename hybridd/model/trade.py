"""A trade: a position that the person took, and what came of it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from hybridd.model.members import plain_members
from hybridd.model.state import Table


class TradeState(StrEnum):
    """Where a trade stands."""

    OPEN = "open"
    CLOSED = "closed"


class TradeEvent(StrEnum):
    """What can happen to a trade."""

    CLOSE = "close"


AUTO = "auto"
"""Who approved where nobody was asked, and what every message about such a trade says."""
BY_ITSELF = "by itself (auto)"
TRADE_TABLE: Table[TradeState, TradeEvent] = {(TradeState.OPEN, TradeEvent.CLOSE): TradeState.CLOSED}


@plain_members
class Side(StrEnum):
    """Which way a trade earns."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """+1 where a rising price earns, -1 where a falling one does."""
        return 1 if self is Side.LONG else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A partial exit: at `price`, `r` distances of the stop away, `share` (0–1) of the position is closed."""

    r: Decimal
    price: Decimal
    share: Decimal


class Trade(Struct, frozen=True, kw_only=True):
    """A trade. Prices in the quote currency, times in ms UTC, `fee_percent` for each of the two sides.

    `pnl_percent` is net of both fees and None while the trade is open; `simulated` marks one of a made-up market.
    `quantity` 0 is a position of unknown size: such a trade earns percent and no money. `exit_price` is the average of
    all exits. Exact figures in the quote currency come from the fills: `remaining` is the share (0–1) still open,
    `realised` what the exits earned so far, net of all fees. `targets` are taken in their order, `reached` counts them.
    `auto`: nobody was asked before it.
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
    remaining: Decimal = Decimal(1)
    realised: Decimal | None = None
    fees: Decimal | None = None
    targets: tuple[Target, ...] = ()
    reached: int = 0
    proposal_id: int = 0
    broker: str = "manual"
    auto: bool = False
