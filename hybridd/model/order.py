"""An order to a broker, what came of it, and the fills that make a position."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hybridd.model.state import Table


class OrderState(StrEnum):
    """Where an order stands."""

    NEW = "new"  # written down, not sent
    SENT = "sent"  # may have arrived: to be asked for by its client id, never sent again
    OPEN = "open"  # the broker has it
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    SEND = "send"
    ACCEPT = "accept"
    FILL = "fill"  # whole
    CANCEL = "cancel"
    REJECT = "reject"
    MISS = "miss"  # the broker, asked, has never heard of it
    RETURN = "return"  # the broker certainly did not take it, for a reason that passes: it may be sent again


_S, _E = OrderState, OrderEvent
ORDER_TABLE: Table[OrderState, OrderEvent] = {
    (_S.NEW, _E.SEND): _S.SENT,
    (_S.NEW, _E.CANCEL): _S.CANCELLED,
    (_S.NEW, _E.REJECT): _S.REJECTED,
    (_S.SENT, _E.ACCEPT): _S.OPEN,
    (_S.SENT, _E.FILL): _S.FILLED,
    (_S.SENT, _E.REJECT): _S.REJECTED,
    (_S.SENT, _E.CANCEL): _S.CANCELLED,
    (_S.SENT, _E.MISS): _S.CANCELLED,
    (_S.SENT, _E.RETURN): _S.NEW,
    (_S.OPEN, _E.FILL): _S.FILLED,
    (_S.OPEN, _E.CANCEL): _S.CANCELLED,
    (_S.OPEN, _E.REJECT): _S.REJECTED,
}


class OrderKind(StrEnum):
    """How an order is to be filled."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class Leg(StrEnum):
    """What an order does for its trade."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a broker. `client_id` is made from what the order is for, so that the same order asked for
    twice is one order. `buy` or not; amounts exact, `quantity` in the base currency, `price` in the quote currency
    (limit or trigger), None at market. `reduce_only`: it may only close.
    """

    client_id: str
    symbol: str
    buy: bool
    kind: OrderKind
    leg: Leg
    quantity: Decimal
    price: Decimal | None = None
    reduce_only: bool = False
    trade_id: int = 0
    proposal_id: int = 0
    number: int = 0
    state: OrderState = OrderState.NEW
    broker_id: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A part of an order that was traded. `fee` in the quote currency; `id` is the broker's own and never twice."""

    id: str
    at: int
    buy: bool
    quantity: Decimal
    price: Decimal
    fee: Decimal = Decimal(0)
    leg: Leg = Leg.ENTRY


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a broker says of an order now: its state, and all fills of it so far."""

    client_id: str
    state: OrderState
    fills: tuple[Fill, ...] = ()
    broker_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """What a market takes: prices in steps of `tick`, amounts in steps of `lot`, nothing smaller than the minima."""

    tick: Decimal
    lot: Decimal
    least_quantity: Decimal = Decimal(0)
    least_money: Decimal = Decimal(0)
