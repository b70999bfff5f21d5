"""The events: what happened, in order, for whoever tails them (the dashboard, other processes)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import fn

from hybridd.store.codec import from_text, quick_text
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables import EventRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; `at` in ms UTC, `id` rises with time."""

    id: int
    kind: str
    subject: str
    data: Mapping[str, Any]
    at: int


_AFTER = Prepared(EventRow.select().where(EventRow.id > hole("seen")).order_by(EventRow.id).limit(hole("limit")))


class Events:
    """The table of events: only ever appended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, kind: str, subject: str, data: Mapping[str, object], at: int) -> int:
        """Add what happened at `at` ms UTC; gives its id. Seen by others when the caller's transaction ends."""
        row = {"kind": kind, "subject": subject, "data": quick_text(data), "at": int(at)}
        event_id = self._database.insert(EventRow, row)
        assert event_id is not None, "an insert without a condition always has an id"
        return event_id

    def after(self, event_id: int, limit: int = 100) -> list[Event]:
        """Those with a higher id, oldest first: what a reader who has seen `event_id` has not seen."""
        return [_event(row) for row in self._database.rows(_AFTER, seen=event_id, limit=limit)]

    def between(self, kind: str, start: int, end: int) -> list[Event]:
        """Those of one kind from `start` to before `end` (ms UTC), oldest first."""
        inside = (EventRow.kind == kind) & (EventRow.at >= start) & (EventRow.at < end)
        return [_event(row) for row in self._database.rows(EventRow.select().where(inside).order_by(EventRow.id))]

    def version(self) -> int:
        """A number that is another whenever somebody else has committed; each thread has its own."""
        return self._database.engine.version()

    def last_id(self) -> int:
        """The id of the newest, 0 without any: where a new reader begins."""
        return self._database.number(EventRow.select(fn.MAX(EventRow.id))) or 0


def _event(row: Record) -> Event:
    return Event(id=row["id"], kind=row["kind"], subject=row["subject"], data=from_text(row["data"]), at=row["at"])
