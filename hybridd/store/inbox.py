"""The inbox: what came back is first kept as it came, then worked on once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hybridd.errors import DataError
from hybridd.model.state import Table, advance
from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Record
from hybridd.store.tables_back import InboxRow


class EntryState(StrEnum):
    """Where an entry stands."""

    NEW = "new"
    DONE = "done"  # it had its effect
    IGNORED = "ignored"  # it has none: a stranger's, not understood, too late


class EntryEvent(StrEnum):
    """What can happen to an entry."""

    OBEY = "obey"
    IGNORE = "ignore"


ENTRY_TABLE: Table[EntryState, EntryEvent] = {
    (EntryState.NEW, EntryEvent.OBEY): EntryState.DONE,
    (EntryState.NEW, EntryEvent.IGNORE): EntryState.IGNORED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that came back. `kind` says who speaks: "reply" for people's words by a channel that was asked for
    them, else a provider's hook; `provider_id` is never the same twice for a channel and kind; `data` is a
    hook as it came: its fields, signature and address; `received_at` ms UTC."""

    channel: str
    kind: str
    provider_id: str
    sender: str
    text: str
    received_at: int
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
    state: EntryState = EntryState.NEW
    outcome: str = ""


class Inbox:
    """The table of what came back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: Entry) -> int | None:
        """Keep what came and give its id; None when it is there already."""
        return self._database.insert(
            InboxRow,
            {
                "channel": entry.channel,
                "kind": entry.kind,
                "provider_id": entry.provider_id,
                "sender": entry.sender,
                "text": entry.text,
                "data": to_text(entry.data),
                "received_at": int(entry.received_at),
                "state": str(EntryState.NEW),
                "outcome": "",
            },
            unless=("channel", "kind", "provider_id"),
        )

    def get(self, entry_id: int) -> Entry | None:
        """The entry with this id."""
        found = self._database.row(InboxRow.select().where(InboxRow.id == entry_id))
        return None if found is None else _entry(found)

    def new(self, limit: int = 100) -> list[Entry]:
        """Those that nobody has worked on, oldest first."""
        query = InboxRow.select().where(InboxRow.state == str(EntryState.NEW)).order_by(InboxRow.id).limit(limit)
        return [_entry(row) for row in self._database.rows(query)]

    def list(self, limit: int = 50) -> list[Entry]:
        """The newest, newest first."""
        return [_entry(row) for row in self._database.rows(InboxRow.select().order_by(InboxRow.id.desc()).limit(limit))]

    def settle(self, entry_id: int, event: EntryEvent, outcome: str, now: int) -> Entry:
        """Write down what came of an entry. Raises DataError without one, IllegalTransition for one worked on."""
        with self._database.transaction():
            entry = self.get(entry_id)
            if entry is None:
                raise DataError(f"there is no inbox entry {entry_id}", remedy="nothing is left to do")
            state = advance(ENTRY_TABLE, entry.state, event)
            changes = {InboxRow.state: str(state), InboxRow.outcome: outcome, InboxRow.done_at: int(now)}
            self._database.run(InboxRow.update(changes).where(InboxRow.id == entry_id))
            settled = self.get(entry_id)
        assert settled is not None, "it was read in this very transaction"
        return settled


def _entry(row: Record) -> Entry:
    return Entry(
        id=row["id"],
        channel=row["channel"],
        kind=row["kind"],
        provider_id=row["provider_id"],
        sender=row["sender"],
        text=row["text"],
        data=from_text(row["data"]),
        received_at=row["received_at"],
        state=EntryState(row["state"]),
        outcome=row["outcome"],
    )
