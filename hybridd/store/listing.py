"""Pages of what there is, newest first, each found by an index: as quick with ten million rows as with ten."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.store.analyses import symbols
from hybridd.store.database import Database, Record
from hybridd.store.rows import Row
from hybridd.store.tables import CandleRow
from hybridd.store.tables_trade import ProposalRow, TradeRow
from hybridd.store.tables_watch import AlertRow, AnalysisRow

Place = tuple[int, ...]
"""Where a page ended: what its last row is sorted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows: `where` column to value, times from `start` to `end` (ms UTC, both included), `limit` of them.

    `before` is the place at which the page before ended.
    """

    where: Mapping[str, object]
    start: int | None = None
    end: int | None = None
    before: Place | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table, the columns that it is sorted by, the last of them unique, and the one that is its time."""

    row: type[Row]
    order: tuple[str, ...]
    time: str = ""


ANALYSES = _Table(row=AnalysisRow, order=("candle_close", "id"), time="candle_close")
ALERTS = _Table(row=AlertRow, order=("id",), time="created_at")
PROPOSALS = _Table(row=ProposalRow, order=("id",), time="created_at")
TRADES = _Table(row=TradeRow, order=("entry_at", "id"), time="entry_at")
CANDLES = _Table(row=CandleRow, order=("open_time",), time="open_time")


class Listing:
    """Reads pages; rows as the database keeps them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, table: _Table, wanted: Wanted) -> tuple[list[Record], Place | None]:
        """A page, newest first, and where the next begins; None where this is the last."""
        whole = table is ANALYSES and "symbol" not in wanted.where
        rows = self._database.rows(_of_all_symbols(wanted) if whole else _query(table, table.row, wanted))
        more = len(rows) > wanted.limit
        rows = rows[: wanted.limit]
        return rows, tuple(int(rows[-1][name]) for name in table.order) if more else None


def _query(table: _Table, row: Any, wanted: Wanted) -> Any:  # noqa: ANN401 - peewee's expressions have no common type
    fields = {name: getattr(row, field.name) for name, field in table.row._meta.columns.items()}
    query = row.select().order_by(*(fields[name].desc() for name in table.order)).limit(wanted.limit + 1)
    for name, value in wanted.where.items():
        query = query.where(fields[name] == value)
    if wanted.start is not None:
        query = query.where(fields[table.time] >= wanted.start)
    if wanted.end is not None:
        query = query.where(fields[table.time] <= wanted.end)
    if wanted.before is not None:
        query = query.where(_before([fields[name] for name in table.order], wanted.before))
    return query


def _of_all_symbols(wanted: Wanted) -> Any:  # noqa: ANN401 - as above
    """No index has the candles of all symbols in order: the newest of each, of which the newest of all are some."""
    names = symbols()
    each = AnalysisRow.alias()
    newest = _query(ANALYSES, each, wanted).where(each.symbol == names.c.symbol)
    newest = newest.select(each.id)
    query = AnalysisRow.select().join(names, on=AnalysisRow.id.in_(newest)).with_cte(names)
    order = (AnalysisRow.candle_close.desc(), AnalysisRow.id.desc())
    return query.order_by(*order).limit(wanted.limit + 1)


def _before(fields: list[Any], place: Place) -> Any:  # noqa: ANN401 - peewee's expressions have no common type
    first, *rest = fields
    if not rest:
        return first < place[0]
    # The first half alone leads into the index; the second keeps rows of the same instant apart.
    return (first <= place[0]) & ((first < place[0]) | _before(rest, place[1:]))
