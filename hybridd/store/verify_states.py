"""Whether the states that are stored are such as the tables of states lead to."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from hybridd.model.alert import ALERT_TABLE, AlertEvent, AlertState
from hybridd.model.delivery import DELIVERY_TABLE, DeliveryEvent, DeliveryState
from hybridd.model.state import Table
from hybridd.model.trade import TradeState
from hybridd.store.database import Database, Record
from hybridd.store.sqlite_errors import explained

MOST = 20
"""Findings of one kind that are told; a state that is thoroughly wrong needs no list of all its rows."""

_UNKNOWN = "SELECT id, state FROM {table} WHERE state NOT IN ({states}) ORDER BY id LIMIT {most}"
# The trail tells what was done with an alert: the last of it must be what made the state.
_LAST_DEED = (
    "SELECT alerts.id AS id, alerts.state AS state, (SELECT action FROM audit WHERE subject = CAST(alerts.id AS TEXT)"
    " AND action IN ({actions}) ORDER BY id DESC LIMIT 1) AS deed FROM alerts WHERE state <> '{begins}' ORDER BY id"
)
_UNTRIED = "SELECT id, state FROM deliveries WHERE attempts = 0 AND state IN ({states}) ORDER BY id LIMIT {most}"
_LAST_TRY = (
    "SELECT deliveries.id AS id, deliveries.state AS state, attempts.outcome AS outcome FROM attempts"
    " JOIN deliveries ON deliveries.id = attempts.delivery AND deliveries.attempts = attempts.number"
)
_TOO_MANY = (
    "SELECT delivery AS id, MAX(number) AS number FROM attempts GROUP BY delivery"
    " HAVING MAX(number) > (SELECT attempts FROM deliveries WHERE deliveries.id = attempts.delivery)"
    " ORDER BY delivery LIMIT {most}"
)


def alert_states(database: Database) -> Iterator[str]:
    """Alerts in a state that there is not, or that nothing in the audit trail led to."""
    yield from _unheard_of(database, "alerts", "alert", AlertState)
    deeds = {f"alert.{event}": event for event in AlertEvent}
    query = _LAST_DEED.format(actions=_quoted(deeds), begins=AlertState.FIRING)
    found = 0
    for row in _rows(database, query):
        deed = deeds.get(row["deed"] or "")
        ends = {str(state) for (_, event), state in ALERT_TABLE.items() if event is deed}
        if row["state"] in set(map(str, AlertState)) and row["state"] not in ends:
            yield f"alert {row['id']} is {row['state']}, but the audit trail does not say by whom"
            found += 1
        if found >= MOST:
            return


def delivery_states(database: Database) -> Iterator[str]:
    """Deliveries in a state that there is not, or that none comes to without having been tried."""
    yield from _unheard_of(database, "deliveries", "delivery", DeliveryState)
    tried = set(map(str, DeliveryState)) - reachable(DELIVERY_TABLE, DeliveryState.PLANNED, without=DeliveryEvent.LEASE)
    for row in _rows(database, _UNTRIED.format(states=_quoted(tried), most=MOST)):
        yield f"delivery {row['id']} is {row['state']}, but it was never tried"


def attempt_ends(database: Database) -> Iterator[str]:
    """Deliveries whose state does not follow from their last attempt."""
    found = 0
    after = {str(state): reachable(DELIVERY_TABLE, state, without=DeliveryEvent.LEASE) for state in DeliveryState}
    for row in _rows(database, _LAST_TRY):
        outcome = row["outcome"] or str(DeliveryState.LEASED)
        wrong = row["state"] not in ({outcome} if row["outcome"] is None else after.get(outcome, set()))
        if wrong and row["state"] in after:
            yield f"delivery {row['id']} is {row['state']}, but its last attempt left it {outcome}"
            found += 1
        if found >= MOST:
            return
    for row in _rows(database, _TOO_MANY.format(most=MOST)):
        yield f"delivery {row['id']} has an attempt {row['number']} that it does not know of"


def trade_states(database: Database) -> Iterator[str]:
    """Trades in a state that there is not."""
    yield from _unheard_of(database, "trades", "trade", TradeState)


def reachable(table: Table[DeliveryState, DeliveryEvent], start: DeliveryState, *, without: DeliveryEvent) -> set[str]:
    """The states that `start` can come to, itself among them, when one event never happens."""
    found, new = {start}, {start}
    while new:
        new = {after for (state, event), after in table.items() if state in new and event is not without} - found
        found |= new
    return set(map(str, found))


def _unheard_of(database: Database, table: str, noun: str, states: type[StrEnum]) -> Iterator[str]:
    for row in _rows(database, _UNKNOWN.format(table=table, states=_quoted(states), most=MOST)):
        yield f'{noun} {row["id"]} is in the state "{row["state"]}", which there is not'


def _quoted(names: type[StrEnum] | Mapping[str, object] | set[str]) -> str:
    """Names of our own as a list in SQL; none of them holds a quotation mark."""
    return ", ".join(f"'{name}'" for name in sorted(map(str, names)))


def _rows(database: Database, query: str) -> Iterator[Record]:
    with explained(database.path):
        cursor = database.engine.cursor().execute(query)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))
