"""The alerts: stored whole, found by key, subject and state, moved on only through their table."""

from collections.abc import Collection
from dataclasses import replace
from functools import cache, reduce
from operator import or_

from peewee import Expression

from hybridd.errors import DataError
from hybridd.model.alert import ALERT_TABLE, Alert, AlertEvent, AlertState
from hybridd.model.change import Reason
from hybridd.model.state import advance
from hybridd.store.audit import Audit
from hybridd.store.codec import quick_text, read_as
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_watch import AlertRow

OPEN = (AlertState.FIRING, AlertState.ACKED)
_BY_ID = Prepared(AlertRow.select().where(AlertRow.id == hole("id")))
_DUE = Prepared(
    AlertRow.select(AlertRow.id)
    .where(
        AlertRow.state.in_([str(state) for state, event in ALERT_TABLE if event is AlertEvent.EXPIRE])
        & (AlertRow.expires_at <= hole("now"))
    )
    .order_by(AlertRow.id)
)


class Alerts:
    """The table of alerts."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def add(self, alert: Alert) -> int | None:
        """Store a new alert and give its id; None when one with its key is there already."""
        return self._database.insert(
            AlertRow,
            {
                "key": alert.key,
                "subject": alert.subject,
                "state": str(alert.state),
                "severity": str(alert.severity),
                # Between spaces, so that one reason is found in several and never as a part of another.
                "reasons": f" {' '.join(alert.reasons)} ",
                "created_at": int(alert.created_at),
                "expires_at": int(alert.expires_at),
                "resolves": int(alert.resolves),
                "simulated": bool(alert.simulated),
                "facts": quick_text(alert),
            },
            unless=("key",),
        )

    def get(self, alert_id: int) -> Alert | None:
        """The alert with this id."""
        found = self._database.row(_BY_ID, id=alert_id)
        return None if found is None else read_alert(found)

    def fire_until(self, alert_id: int, until: int) -> None:
        """Let an alert fire until `until` (ms UTC) at least; what it says of its own end stays."""
        later = (AlertRow.id == alert_id) & (AlertRow.expires_at < until)
        self._database.run(AlertRow.update({AlertRow.expires_at: int(until)}).where(later))

    def find(self, key: str) -> Alert | None:
        """The alert with this key."""
        found = self._database.row(AlertRow.select().where(AlertRow.key == key))
        return None if found is None else read_alert(found)

    def open_of(self, reason: Reason, subject: str) -> Alert | None:
        """The newest alert of this subject that has this reason and is firing or acked."""
        query = AlertRow.select().where(
            (AlertRow.subject == subject) & AlertRow.state.in_([str(state) for state in OPEN]) & has_reason(reason)
        )
        found = self._database.row(query.order_by(AlertRow.id.desc()).limit(1))
        return None if found is None else read_alert(found)

    def advance(self, alert_id: int, event: AlertEvent, *, now: int, actor: str) -> Alert:
        """Let `event` happen to an alert, recorded in the audit trail; gives the alert as it is then.

        Raises DataError where there is no such alert, IllegalTransition where the table has no such step.
        """
        with self._database.transaction():
            alert = self.get(alert_id)
            if alert is None:
                raise DataError(f"there is no alert {alert_id}", remedy="`hybridd alerts list` shows them")
            moved = replace(alert, state=advance(ALERT_TABLE, alert.state, event))
            self._database.change(AlertRow, alert_id, {"state": str(moved.state)})
            self._audit.append(actor, f"alert.{event}", str(alert_id), {"from": str(alert.state)}, now)
        return moved

    def expire_due(self, now: int) -> list[Alert]:
        """Expire those still firing at their end; gives them."""
        if not self._database.rows(_DUE, now=now):  # as nearly always: nobody is kept from writing meanwhile
            return []
        with self._database.transaction():
            ids = [row["id"] for row in self._database.rows(_DUE, now=now)]
            return [self.advance(alert_id, AlertEvent.EXPIRE, now=now, actor="hybridd") for alert_id in ids]

    def between(self, start: int, end: int) -> "list[Alert]":
        """Those made from `start` to before `end` (ms UTC), oldest first."""
        inside = (AlertRow.created_at >= start) & (AlertRow.created_at < end)
        return [read_alert(row) for row in self._database.rows(AlertRow.select().where(inside).order_by(AlertRow.id))]

    def list(
        self, limit: int = 50, state: AlertState | None = None, reasons: Collection[Reason] | None = None
    ) -> list[Alert]:
        """The newest, newest first; in one state, or with one of some reasons, only if these are given."""
        query = _listing(state is not None, None if reasons is None else frozenset(reasons))
        return [read_alert(row) for row in self._database.rows(query, limit=limit, state=str(state))]


@cache
def _listing(in_state: bool, reasons: frozenset[Reason] | None) -> Prepared:
    query = AlertRow.select().order_by(AlertRow.id.desc()).limit(hole("limit"))
    if in_state:
        query = query.where(AlertRow.state == hole("state"))
    if reasons is not None:
        query = query.where(reduce(or_, [has_reason(reason) for reason in sorted(reasons)]))
    return Prepared(query)


def has_reason(reason: str) -> Expression:
    """Whether an alert has this reason, as a condition of a query."""
    return AlertRow.reasons.contains(f" {reason} ")


def read_alert(row: Record) -> Alert:
    """The alert of a row of its table."""
    return replace(read_as(Alert, row["facts"]), id=row["id"], state=AlertState(row["state"]))
