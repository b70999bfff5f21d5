"""The changes: each one told, pending, failed or suppressed with its reason, and never merely gone."""

from dataclasses import dataclass
from typing import Any

from peewee import Case, fn

from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.delivery import PENDING, TOLD
from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Record
from hybridd.store.tables import ChangeRow, DeliveryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """Where all changes went: changes = delivered + failed + suppressed + pending + missing, and missing must be 0."""

    changes: int
    delivered: int
    failed: int
    suppressed: int
    pending: int
    missing: int


class Changes:
    """The table of changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, verdict: Verdict, *, analysis_id: int | None, alert_id: int | None) -> int:
        """Store a change with what became of it: its alert, or the reason why nobody is told. Gives its id."""
        change = verdict.change
        row = self._database.insert(
            ChangeRow,
            {
                "analysis": analysis_id,
                "alert": alert_id,
                "subject": change.subject,
                "reason": str(change.reason),
                "at": int(change.at),
                "before": to_text(change.before),
                "after": to_text(change.after),
                "detail": change.detail,
                "deferred_from": change.deferred_from,
                "suppressed": None if verdict.suppressed is None else str(verdict.suppressed),
            },
        )
        assert row is not None, "an insert without a condition always has an id"
        return row

    def of_alert(self, alert_id: int) -> list[Verdict]:
        """What an alert was made of, in the order of finding."""
        query = ChangeRow.select().where(ChangeRow.alert == alert_id).order_by(ChangeRow.id)
        return [_verdict(row) for row in self._database.rows(query)]

    def conservation(self) -> Conservation:
        """Count where all changes went.

        Suppressed: a reason is stored. Delivered: its alert reached at least one recipient. Pending: not so, but some
        delivery may still do it. Failed: the alert has neither, or no delivery at all. Missing: none of these.
        """
        found = self._database.row(_conservation_query()) or {}
        counts = {name: int(found[name] or 0) for name in ("changes", "delivered", "failed", "suppressed", "pending")}
        missing = 2 * counts["changes"] - sum(counts.values())
        return Conservation(**counts, missing=missing)

    def suppressed(self, start: int, end: int) -> dict[Suppression, int]:
        """How many were told to nobody from `start` to before `end` (ms UTC), by the reason why not."""
        inside = ChangeRow.suppressed.is_null(False) & (ChangeRow.at >= start) & (ChangeRow.at < end)
        query = ChangeRow.select(ChangeRow.suppressed, fn.COUNT(ChangeRow.id).alias("n")).where(inside)
        rows = self._database.rows(query.group_by(ChangeRow.suppressed))
        return {Suppression(row["suppressed"]): int(row["n"]) for row in rows}

    def list(self, limit: int, subject: str | None = None) -> list[Verdict]:
        """The newest, newest first; of one subject only if it is given."""
        query = ChangeRow.select().order_by(ChangeRow.id.desc()).limit(limit)
        if subject is not None:
            query = query.where(ChangeRow.subject == subject)
        return [_verdict(row) for row in self._database.rows(query)]


def _conservation_query() -> Any:  # noqa: ANN401 - peewee's queries have no common type that its stubs know
    def any_in(states: frozenset[Any]) -> Any:  # noqa: ANN401
        return fn.MAX(Case(None, [(DeliveryRow.state.in_(sorted(map(str, states))), 1)], 0))

    fate = (
        DeliveryRow.select(
            DeliveryRow.alert.alias("alert"), any_in(TOLD).alias("told"), any_in(PENDING).alias("pending")
        )
        .group_by(DeliveryRow.alert)
        .alias("fate")
    )
    where = Case(
        None,
        [
            (ChangeRow.suppressed.is_null(False), "suppressed"),
            (ChangeRow.alert.is_null(), "missing"),
            (fate.c.told == 1, "delivered"),
            (fate.c.pending == 1, "pending"),
        ],
        "failed",
    )

    def how_many(name: str) -> Any:  # noqa: ANN401
        return fn.SUM(Case(None, [(where == name, 1)], 0)).alias(name)

    return ChangeRow.select(
        fn.COUNT(ChangeRow.id).alias("changes"),
        *(how_many(name) for name in ("delivered", "failed", "suppressed", "pending")),
    ).left_outer_join(fate, on=(ChangeRow.alert == fate.c.alert))


def _verdict(row: Record) -> Verdict:
    change = Change(
        subject=row["subject"],
        reason=Reason(row["reason"]),
        at=row["at"],
        before=from_text(row["before"]),
        after=from_text(row["after"]),
        detail=row["detail"],
        deferred_from=row["deferred_from"],
    )
    return Verdict(change=change, suppressed=None if row["suppressed"] is None else Suppression(row["suppressed"]))
