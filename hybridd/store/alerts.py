"""The alerts: stored whole, found by key, subject and state, moved on only through their table."""

from collections.abc import Collection
from dataclasses import replace
from functools import reduce
from operator import or_

from peewee import Expression

from hybridd.errors import DataError
from hybridd.model.alert import ALERT_TABLE, Alert, AlertEvent, AlertState
from hybridd.model.change import Reason
from hybridd.model.state import advance
from hybridd.store.audit import Audit
from hybridd.store.codec import read_as, to_text
from hybridd.store.database import Database, Record
from hybridd.store.tables import AlertRow

OPEN = (AlertState.FIRING, AlertState.ACKED)


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
                "facts": to_text(alert),
            },
            unless=("key",),
        )

    def get(self, alert_id: int) -> Alert | None:
        """The alert with this id."""
        found = self._database.row(AlertRow.select().where(AlertRow.id == alert_id))
        return None if found is None else _alert(found)

    def find(self, key: str) -> Alert | None:
        """The alert with this key."""
        found = self._database.row(AlertRow.select().where(AlertRow.key == key))
        return None if found is None else _alert(found)

    def open_of(self, reason: Reason, subject: str) -> Alert | None:
        """The newest alert of this subject that has this reason and is firing or acked."""
        query = AlertRow.select().where(
            (AlertRow.subject == subject) & AlertRow.state.in_([str(state) for state in OPEN]) & _has(reason)
        )
        found = self._database.row(query.order_by(AlertRow.id.desc()).limit(1))
        return None if found is None else _alert(found)

    def advance(self, alert_id: int, event: AlertEvent, *, now: int, actor: str) -> Alert:
        """Let `event` happen to an alert, recorded in the audit trail; gives the alert as it is then.

        Raises DataError where there is no such alert, IllegalTransition where the table has no such step.
        """
        with self._database.transaction():
            alert = self.get(alert_id)
            if alert is None:
                raise DataError(f"there is no alert {alert_id}", remedy="`hybridd alerts list` shows them")
            moved = replace(alert, state=advance(ALERT_TABLE, alert.state, event))
            self._database.run(AlertRow.update({AlertRow.state: str(moved.state)}).where(AlertRow.id == alert_id))
            self._audit.append(actor, f"alert.{event}", str(alert_id), {"from": str(alert.state)}, now)
        return moved

    def expire_due(self, now: int) -> list[Alert]:
        """Expire those still firing at their end; gives them."""
        states = [str(state) for state, event in ALERT_TABLE if event is AlertEvent.EXPIRE]
        with self._database.transaction():
            due = AlertRow.select(AlertRow.id).where(AlertRow.state.in_(states) & (AlertRow.expires_at <= now))
            ids = [row["id"] for row in self._database.rows(due.order_by(AlertRow.id))]
            return [self.advance(alert_id, AlertEvent.EXPIRE, now=now, actor="hybridd") for alert_id in ids]

    def between(self, start: int, end: int) -> "list[Alert]":
        """Those made from `start` to before `end` (ms UTC), oldest first."""
        inside = (AlertRow.created_at >= start) & (AlertRow.created_at < end)
        return [_alert(row) for row in self._database.rows(AlertRow.select().where(inside).order_by(AlertRow.id))]

    def list(
        self, limit: int = 50, state: AlertState | None = None, reasons: Collection[Reason] | None = None
    ) -> list[Alert]:
        """The newest, newest first; in one state, or with one of some reasons, only if these are given."""
        query = AlertRow.select().order_by(AlertRow.id.desc()).limit(limit)
        if state is not None:
            query = query.where(AlertRow.state == str(state))
        if reasons is not None:
            query = query.where(reduce(or_, [_has(reason) for reason in reasons]))
        return [_alert(row) for row in self._database.rows(query)]


def _has(reason: Reason) -> Expression:
    return AlertRow.reasons.contains(f" {reason} ")


def _alert(row: Record) -> Alert:
    return replace(read_as(Alert, row["facts"]), id=row["id"], state=AlertState(row["state"]))
