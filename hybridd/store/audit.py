"""The audit trail: who did what, each row sealed with a hash of itself and of the one before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Record
from hybridd.store.tables import AuditRow

_PAGE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did; `at` in ms UTC."""

    id: int
    actor: str
    action: str
    subject: str
    data: Mapping[str, Any]
    at: int


class Audit:
    """The table of the audit trail: only ever appended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, actor: str, action: str, subject: str, data: Mapping[str, object], at: int) -> int:
        """Add what somebody did, at `at` ms UTC; gives its id. Part of the caller's transaction, if there is one."""
        record = {"actor": actor, "action": action, "subject": subject, "data": to_text(data), "at": int(at)}
        with self._database.transaction():
            before = self._database.row(AuditRow.select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1))
            record["hash"] = seal("" if before is None else before["hash"], record)
            row = self._database.insert(AuditRow, record)
        assert row is not None, "an insert without a condition always has an id"
        return row

    def verify(self) -> int | None:
        """The id of the first row that is not what was written, or follows one that was removed; None if all are."""
        previous, last = "", 0
        while page := self._database.rows(
            AuditRow.select().where(AuditRow.id > last).order_by(AuditRow.id).limit(_PAGE)
        ):
            for row in page:
                if row["hash"] != seal(previous, row):
                    return int(row["id"])
                previous, last = row["hash"], row["id"]
        return None

    def subjects(self, action: str, start: int, end: int) -> set[str]:
        """To what something was done from `start` to before `end` (ms UTC)."""
        inside = (AuditRow.action == action) & (AuditRow.at >= start) & (AuditRow.at < end)
        return {row["subject"] for row in self._database.rows(AuditRow.select(AuditRow.subject).where(inside))}

    def list(self, limit: int, subject: str | None = None) -> list[AuditEntry]:
        """The newest, newest first; of one subject only if it is given."""
        query = AuditRow.select().order_by(AuditRow.id.desc()).limit(limit)
        if subject is not None:
            query = query.where(AuditRow.subject == subject)
        return [_entry(row) for row in self._database.rows(query)]


def seal(previous: str, record: Record) -> str:
    """SHA-256, in hexadecimal, of the hash before and of the record's five fields as one JSON text."""
    content = to_text({name: record[name] for name in ("actor", "action", "subject", "data", "at")})
    return hashlib.sha256((previous + content).encode()).hexdigest()


def _entry(row: Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        data=from_text(row["data"]),
        at=row["at"],
    )
