"""Counts for the metrics page: only what an index answers at once, however much there is."""

from dataclasses import dataclass
from typing import Any

from peewee import fn

from hybridd.model.delivery import DELIVERY_TABLE, TOLD
from hybridd.model.proposal import ProposalState
from hybridd.model.trade import TradeState
from hybridd.store.database import Database
from hybridd.store.tables import AuditRow, EventRow
from hybridd.store.tables_trade import ProposalRow, TradeRow
from hybridd.store.tables_watch import AlertRow, AnalysisRow, ChangeRow, DeliveryRow

UNDER_WAY = tuple(sorted({str(state) for state, _ in DELIVERY_TABLE if state not in TOLD}))
"""Where somebody still waits to be told; of the others there are ever more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """Numbers of rows by state, and of rows ever written by table."""

    deliveries: dict[str, int]
    alerts: dict[str, int]
    open_proposals: int
    open_trades: int
    written: dict[str, int]


def gauges(database: Database) -> Gauges:
    """All of them."""
    return Gauges(
        deliveries=_by_state(database, DeliveryRow, UNDER_WAY),
        alerts=_by_state(database, AlertRow, ("firing", "acked")),
        open_proposals=_by_state(database, ProposalRow, (str(ProposalState.OPEN),))[str(ProposalState.OPEN)],
        open_trades=_by_state(database, TradeRow, (str(TradeState.OPEN),))[str(TradeState.OPEN)],
        written={
            name: database.number(row.select(fn.MAX(row.id))) or 0
            for name, row in (
                ("analyses", AnalysisRow), ("changes", ChangeRow), ("alerts", AlertRow), ("deliveries", DeliveryRow),
                ("proposals", ProposalRow), ("trades", TradeRow), ("events", EventRow), ("audit", AuditRow),
            )
        },
    )  # fmt: skip


def _by_state(database: Database, table: Any, states: tuple[str, ...]) -> dict[str, int]:  # noqa: ANN401 - a table with states
    query = table.select(table.state, fn.COUNT(table.id).alias("n")).where(table.state.in_(states))
    found = {row["state"]: int(row["n"]) for row in database.rows(query.group_by(table.state))}
    return {state: found.get(state, 0) for state in states}
