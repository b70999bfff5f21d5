"""The orders: written down before they are sent, and what became of each."""

from dataclasses import dataclass
from decimal import Decimal

from peewee import ModelSelect

from hybridd.errors import DataError
from hybridd.model.order import ORDER_TABLE, Leg, Order, OrderEvent, OrderKind, OrderState
from hybridd.model.state import advance
from hybridd.store.database import Database, Record
from hybridd.store.tables_trade import OrderRow

WAITING = (OrderState.NEW, OrderState.SENT, OrderState.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An order with its times (ms UTC, 0 where it has not come to that), its broker, and the last word on it."""

    order: Order
    broker: str
    created_at: int
    sent_at: int
    detail: str


class Orders:
    """The table of orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, order: Order, broker: str, now: int) -> bool:
        """Write down a new order; False where one with its client id is there: the same order asked for again."""
        row = {
            "client_id": order.client_id,
            "broker": broker,
            "symbol": order.symbol,
            "buy": order.buy,
            "kind": str(order.kind),
            "leg": str(order.leg),
            "quantity": str(order.quantity),
            "price": None if order.price is None else str(order.price),
            "reduce_only": order.reduce_only,
            "trade": order.trade_id or None,
            "proposal": order.proposal_id or None,
            "number": order.number,
            "state": str(order.state),
            "broker_id": order.broker_id,
            "created_at": now,
            "sent_at": 0,
            "detail": "",
        }
        return self._database.insert(OrderRow, row, unless=("client_id",)) is not None

    def get(self, client_id: str) -> Kept | None:
        """The order with this client id."""
        return next(iter(self._read(OrderRow.select().where(OrderRow.client_id == client_id))), None)

    def waiting(self, broker: str) -> list[Kept]:
        """Those of a broker of which the end is not known, oldest first; stops before targets of the same moment."""
        states = [str(state) for state in WAITING]
        query = OrderRow.select().where((OrderRow.broker == broker) & OrderRow.state.in_(states))
        return self._read(query.order_by(OrderRow.id))

    def of_trade(self, trade_id: int) -> list[Kept]:
        """Those of a trade, oldest first."""
        return self._read(OrderRow.select().where(OrderRow.trade == trade_id).order_by(OrderRow.id))

    def of_proposal(self, proposal_id: int) -> list[Kept]:
        """Those of a proposal, oldest first."""
        return self._read(OrderRow.select().where(OrderRow.proposal == proposal_id).order_by(OrderRow.id))

    def advance(self, client_id: str, event: OrderEvent, *, now: int, broker_id: str = "", detail: str = "") -> Order:
        """Let `event` happen to an order; gives it as it is then. Raises IllegalTransition where the table has none."""
        kept = self.get(client_id)
        if kept is None:
            raise DataError(f"there is no order {client_id}", remedy="`hybridd orders list` shows them")
        state = advance(ORDER_TABLE, kept.order.state, event)
        changes: Record = {"state": str(state), "detail": detail or kept.detail}
        changes["broker_id"] = broker_id or kept.order.broker_id
        if event is OrderEvent.SEND:
            changes["sent_at"] = now
        self._database.run(OrderRow.update(changes).where(OrderRow.client_id == client_id))
        found = self.get(client_id)
        assert found is not None, "an order is never removed"
        return found.order

    def resize(self, client_id: str, quantity: Decimal) -> None:
        """Fit the amount of an order that was never sent."""
        unsent = (OrderRow.client_id == client_id) & (OrderRow.state == str(OrderState.NEW))
        self._database.run(OrderRow.update({OrderRow.quantity: str(quantity)}).where(unsent))

    def note(self, client_id: str, detail: str) -> None:
        """Keep the last word on an order without a change of its state."""
        self._database.run(OrderRow.update({OrderRow.detail: detail}).where(OrderRow.client_id == client_id))

    def entering(self) -> list[Kept]:
        """Entries on their way, of any broker, that have not begun a trade yet."""
        states = [str(state) for state in WAITING]
        query = OrderRow.select().where((OrderRow.leg == str(Leg.ENTRY)) & OrderRow.state.in_(states))
        return [kept for kept in self._read(query.order_by(OrderRow.id)) if not kept.order.trade_id]

    def belongs_to(self, client_id: str, trade_id: int) -> None:
        """Note which trade an order has begun."""
        self._database.run(OrderRow.update({OrderRow.trade: trade_id}).where(OrderRow.client_id == client_id))

    def _read(self, query: "ModelSelect[OrderRow]") -> list[Kept]:
        return [_kept(row) for row in self._database.rows(query)]

    def list(self, limit: int = 50) -> list[Kept]:
        """The newest, newest first."""
        return self._read(OrderRow.select().order_by(OrderRow.id.desc()).limit(limit))


def _kept(row: Record) -> Kept:
    order = Order(
        id=row["id"],
        client_id=row["client_id"],
        symbol=row["symbol"],
        buy=bool(row["buy"]),
        kind=OrderKind(row["kind"]),
        leg=Leg(row["leg"]),
        quantity=Decimal(row["quantity"]),
        price=None if row["price"] is None else Decimal(row["price"]),
        reduce_only=bool(row["reduce_only"]),
        trade_id=row["trade"] or 0,
        proposal_id=row["proposal"] or 0,
        number=row["number"],
        state=OrderState(row["state"]),
        broker_id=row["broker_id"],
    )
    return Kept(
        order=order, broker=row["broker"], created_at=row["created_at"], sent_at=row["sent_at"], detail=row["detail"]
    )
