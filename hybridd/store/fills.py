"""The fills: what was bought and sold for a trade, each once."""

from decimal import Decimal

from hybridd.model.order import Fill, Leg
from hybridd.store.database import Database, Record
from hybridd.store.tables_trade import FillRow


class Fills:
    """The table of fills: only ever appended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, trade_id: int, fill: Fill) -> bool:
        """Store a fill of a trade; False where it is there already: who tells of it twice changes nothing."""
        row = {
            "trade": trade_id,
            "key": fill.id,
            "at": fill.at,
            "buy": fill.buy,
            "quantity": str(fill.quantity),
            "price": str(fill.price),
            "fee": str(fill.fee),
            "leg": fill.leg.value,
        }
        return self._database.insert(FillRow, row, unless=("trade", "key")) is not None

    def of(self, trade_id: int) -> list[Fill]:
        """Those of a trade, in the order in which they were stored."""
        query = FillRow.select().where(FillRow.trade == trade_id).order_by(FillRow.id)
        return [_fill(row) for row in self._database.rows(query)]


def _fill(row: Record) -> Fill:
    return Fill(
        id=row["key"],
        at=row["at"],
        buy=bool(row["buy"]),
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["fee"]),
        leg=Leg(row["leg"]),
    )
