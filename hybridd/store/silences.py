"""The silences: who asked for quiet about what, and until when; made and ended with a record in the audit trail."""

from dataclasses import asdict

from hybridd.errors import DataError
from hybridd.model.change import Reason
from hybridd.model.silence import Silence
from hybridd.store.audit import Audit
from hybridd.store.database import Database, Prepared, Query, Record, hole
from hybridd.store.tables import SilenceRow

_IN_FORCE = Prepared(
    SilenceRow.select()
    .where((SilenceRow.ends_at > hole("now")) & (SilenceRow.starts_at <= hole("now")))
    .order_by(SilenceRow.id)
)


class Silences:
    """The table of silences."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database, self._audit = database, audit

    def add(self, silence: Silence, now: int) -> int:
        """Store a silence and give its id; `now` in ms UTC. Raises DataError for one that has no length."""
        if silence.ends_at <= silence.starts_at:
            raise DataError("this silence would end before it begins", remedy="give a later end")
        facts = {name: value for name, value in asdict(silence).items() if name != "id"}
        row = {**facts, "reason": str(silence.reason or ""), "created_at": int(now)}
        with self._database.transaction():
            silence_id = self._database.insert(SilenceRow, row)
            assert silence_id is not None, "an insert without a condition always has an id"
            self._audit.append(silence.author, "silence.add", str(silence_id), facts, now)
        return silence_id

    def end(self, silence_id: int, now: int, actor: str) -> Silence:
        """End one now; gives it as it is then. Raises DataError where there is none of that id, or it is over."""
        with self._database.transaction():
            silence = self.get(silence_id)
            if silence is None:
                raise DataError(f"there is no silence {silence_id}", remedy="`hybridd silence list` shows them")
            if silence.ends_at <= now:
                raise DataError(f"silence {silence_id} is over already", remedy="nothing is left to do")
            self._database.run(SilenceRow.update({SilenceRow.ends_at: now}).where(SilenceRow.id == silence_id))
            self._audit.append(actor, "silence.end", str(silence_id), {"would_have_ended_at": silence.ends_at}, now)
            ended = self.get(silence_id)
        assert ended is not None, "it was read in this very transaction"
        return ended

    def get(self, silence_id: int) -> Silence | None:
        """The silence with this id."""
        return next(iter(self._list(SilenceRow.select().where(SilenceRow.id == silence_id))), None)

    def active(self, now: int) -> tuple[Silence, ...]:
        """Those in force at `now`, ms UTC, in the order of their making."""
        return self._list(_IN_FORCE, now=int(now))

    def list(self, limit: int, ending_after: int = 0) -> tuple[Silence, ...]:
        """The newest, newest first; of those that end after an instant (ms UTC)."""
        query = SilenceRow.select().where(SilenceRow.ends_at > ending_after)
        return self._list(query.order_by(SilenceRow.id.desc()).limit(limit))

    def _list(self, query: Query, **values: object) -> tuple[Silence, ...]:
        return tuple(_silence(row) for row in self._database.rows(query, **values))


def _silence(row: Record) -> Silence:
    return Silence(
        id=row["id"],
        subject=row["subject"],
        reason=Reason(row["reason"]) if row["reason"] else None,
        author=row["author"],
        comment=row["comment"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
    )
