"""The trades: opened once, closed once."""

from decimal import Decimal

from peewee import ModelSelect

from hybridd.clock import Clock
from hybridd.errors import DataError
from hybridd.model.trade import Side, Target, Trade, TradeState
from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_trade import TradeRow

_COLUMNS = tuple(name for name in Trade.__struct_fields__ if name != "id")
_EXACT = ("remaining", "realised", "fees")
_FLAGS = ("simulated", "auto")
_DAY_MS = 86_400_000
_OPEN_OF = Prepared(
    TradeRow.select()
    .where((TradeRow.state == str(TradeState.OPEN)) & (TradeRow.symbol == hole("symbol")))
    .order_by(TradeRow.entry_at, TradeRow.id)
)


class Trades:
    """The table of trades."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def open(self, trade: Trade) -> int:
        """Store a trade as it was made (its `id` is ignored) and give its id."""
        row = self._database.insert(TradeRow, _record(trade))
        assert row is not None, "an insert without a condition always has an id"
        return row

    def update(self, trade: Trade) -> Trade:
        """Store how a trade stands now, in place of how it stood while it was open.

        Raises DataError where it is not open (any more).
        """
        query = TradeRow.update(_record(trade)).where(
            (TradeRow.id == trade.id) & (TradeRow.state == str(TradeState.OPEN))
        )
        if not self._database.run(query):
            what = "does not exist" if self.get(trade.id) is None else "is closed already"
            raise DataError(f"trade {trade.id} {what}", remedy="`hybridd trades list` shows those there are")
        return trade

    def get(self, trade_id: int) -> Trade | None:
        """The trade with this id."""
        found = self._database.row(TradeRow.select().where(TradeRow.id == trade_id))
        return None if found is None else read_trade(found)

    def open_trades(self, symbol: str | None = None) -> list[Trade]:
        """Those that are open, oldest first; of one symbol only if it is given."""
        if symbol is not None:  # asked for each symbol at each candle
            return [read_trade(row) for row in self._database.rows(_OPEN_OF, symbol=symbol)]
        return self._read(TradeRow.select().where(TradeRow.state == str(TradeState.OPEN)))

    def _read(self, query: "ModelSelect[TradeRow]") -> list[Trade]:
        return [read_trade(row) for row in self._database.rows(query.order_by(TradeRow.entry_at, TradeRow.id))]

    def list(self, days: float | None = None, symbol: str | None = None) -> list[Trade]:
        """Those opened or closed in the last `days` days, all if it is None, in the order of their entries."""
        query = TradeRow.select()
        if days is not None:
            since = self._clock.now() - round(days * _DAY_MS)
            query = query.where((TradeRow.entry_at >= since) | (TradeRow.exit_at >= since))
        return self._read(query if symbol is None else query.where(TradeRow.symbol == symbol))


def _record(trade: Trade) -> Record:
    record: Record = {name: getattr(trade, name) for name in _COLUMNS}
    exact = {name: None if record[name] is None else str(record[name]) for name in _EXACT}
    targets = [[str(target.r), str(target.price), str(target.share)] for target in trade.targets]
    return record | exact | {"side": str(trade.side), "state": str(trade.state), "targets": to_text(targets)}


def read_trade(row: Record) -> Trade:
    """The trade of a row of its table."""
    exact = {name: None if row[name] is None else Decimal(row[name]) for name in _EXACT}
    targets = tuple(
        Target(r=Decimal(r), price=Decimal(price), share=Decimal(share))
        for r, price, share in from_text(row["targets"])
    )
    words = {"side": Side(row["side"]), "state": TradeState(row["state"])}
    flags = {name: bool(row[name]) for name in _FLAGS}
    return Trade(**(row | exact | words | flags | {"targets": targets}))
