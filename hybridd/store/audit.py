"""The audit trail: who did what, each row sealed with a hash of itself and of the one before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from hybridd.errors import StoreUnusable
from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Prepared, Record
from hybridd.store.tables import AuditRow, BotStateRow

HEAD_KEY = "audit_head"
"""Where in `bot_state` the head is kept: without it, rows cut off at the end would leave a chain that holds."""
_HEAD = Prepared(BotStateRow.select(BotStateRow.value).where(BotStateRow.key == HEAD_KEY))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the trail ends: how many rows it has, the last one's id and its hash. Of an empty trail: 0, 0 and ""."""

    count: int = 0
    id: int = 0
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


class Audit:
    """The table of the audit trail: only ever appended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, actor: str, action: str, subject: str, data: Mapping[str, object], at: int) -> int:
        """Add what somebody did, at `at` ms UTC; gives its id. Part of the caller's transaction, if there is one."""
        record = {"actor": actor, "action": action, "subject": subject, "data": to_text(data), "at": int(at)}
        with self._database.transaction():
            head = self.head() or Head()
            record["hash"] = seal(head.hash, record)
            row = self._database.insert(AuditRow, record)
            assert row is not None, "an insert without a condition always has an id"
            value = to_text({"count": head.count + 1, "id": row, "hash": record["hash"]})
            columns = ("key", "value", "updated_at")
            self._database.put_all(BotStateRow, columns, [(HEAD_KEY, value, int(at))], key=("key",))
        return row

    def head(self) -> Head | None:
        """Where the trail ends, as it was written down with the last row; None where nothing was."""
        found = self._database.row(_HEAD)
        if found is None:
            return None
        try:
            return Head(**from_text(found["value"]))
        except (TypeError, ValueError):
            raise StoreUnusable(
                f"{HEAD_KEY} in bot_state is not what was written: the end of the audit trail is not known",
                remedy="restore a backup: hybridd restore FILE",
            ) from None

    def verify(self, pinned: str = "") -> str:
        """What is first found wrong with the trail, as one line; "" where every row is what was written.

        `pinned`: a head that somebody wrote down elsewhere ("COUNT:HASH"); a trail that was made anew lacks it.
        """
        seen = Head()
        wanted = pinned.strip().lower()
        found = not wanted or wanted == str(seen)
        head, page = self.head() or Head(), self._after(0)
        while page:
            for row in page:
                if row["hash"] != seal(seen.hash, row):
                    return f"audit row {row['id']} is not what was written, or a row before it was removed or put in"
                seen = Head(count=seen.count + 1, id=int(row["id"]), hash=row["hash"])
                found = found or wanted == str(seen)
            # In this order: a daemon that runs meanwhile can make the trail longer than the head, never shorter.
            head = self.head() or Head()
            page = self._after(seen.id)
        return _compared(seen, head) or ("" if found else f"the audit trail never had the head {pinned.strip()}")

    def about(self, kind: str, subject_ids: Sequence[int]) -> "list[AuditEntry]":
        """What was done with some alerts or deliveries, oldest first: `kind` is "alert" or "delivery"."""
        wanted = AuditRow.subject.in_(list(map(str, subject_ids))) & (fn.SUBSTR(AuditRow.action, 1, len(kind)) == kind)
        return [_entry(row) for row in self._database.rows(AuditRow.select().where(wanted).order_by(AuditRow.id))]

    def _after(self, row_id: int) -> list[Record]:
        return self._database.rows(AuditRow.select().where(AuditRow.id > row_id).order_by(AuditRow.id).limit(_PAGE))

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


def _compared(seen: Head, head: Head) -> str:
    """What the end of the rows and the head that was written down with them say of each other."""
    if seen == head:
        return ""
    if seen.id < head.id:
        return f"audit row {head.id} is missing at the end: {head.count} were written, {seen.count} are there"
    return f"audit row {seen.id} was put in at the end: {head.count} were written, {seen.count} are there"


def _entry(row: Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        data=from_text(row["data"]),
        at=row["at"],
    )
