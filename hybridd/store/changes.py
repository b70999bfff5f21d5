"""The changes: each one told, pending, failed or suppressed with its reason, and never merely gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import Case, fn

from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.delivery import PENDING, TOLD
from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_watch import ChangeRow, DeliveryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """Where all changes went: changes = delivered + failed + suppressed + pending + missing, and missing must be 0."""

    changes: int
    delivered: int
    failed: int
    suppressed: int
    pending: int
    missing: int


_NEWEST = Prepared(ChangeRow.select(fn.MAX(ChangeRow.id)))
_UNACCOUNTED = Prepared(
    ChangeRow.select(fn.COUNT(ChangeRow.id).alias("n"), fn.MIN(ChangeRow.id).alias("first")).where(
        (ChangeRow.id > hole("after"))
        & (ChangeRow.id <= hole("upto"))
        & ChangeRow.alert.is_null()
        & ChangeRow.suppressed.is_null()
    )
)


class Changes:
    """The table of changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, verdict: Verdict, *, analysis_id: int | None, alert_id: int | None, now: int | None = None) -> int:
        """Store a change with what became of it: its alert, or the reason why nobody is told. Gives its id.

        `now` (ms UTC) is when that was decided; without it, when the change was found.
        """
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
                "because": verdict.because,
                "judged_at": int(change.at if now is None else now),
            },
        )
        assert row is not None, "an insert without a condition always has an id"
        return row

    def of_alert(self, alert_id: int) -> list[Verdict]:
        """What an alert was made of, in the order of finding."""
        return [verdict for verdict, _ in self.of_alerts([alert_id])]

    def of_alerts(self, alert_ids: Sequence[int]) -> "list[tuple[Verdict, int | None]]":
        """What some alerts were made of, in the order of finding, each with its alert's id."""
        query = ChangeRow.select().where(ChangeRow.alert.in_(list(alert_ids))).order_by(ChangeRow.id)
        return [(_verdict(row), row["alert"]) for row in self._database.rows(query)]

    def newest(self, reason: Reason, subject: str) -> Verdict | None:
        """The last change of a subject for a reason."""
        same = (ChangeRow.subject == subject) & (ChangeRow.reason == str(reason))
        row = self._database.row(ChangeRow.select().where(same).order_by(ChangeRow.id.desc()).limit(1))
        return None if row is None else _verdict(row)

    def conservation(self) -> Conservation:
        """Count where all changes went.

        Suppressed: a reason is stored. Delivered: its alert reached at least one recipient. Pending: not so, but some
        delivery may still do it. Failed: the alert has neither, or no delivery at all. Missing: none of these.
        What a digest tells of goes where the digest goes.
        """
        found = self._database.row(_conservation_query()) or {}
        counts = {name: int(found[name] or 0) for name in ("changes", "delivered", "failed", "suppressed", "pending")}
        missing = 2 * counts["changes"] - sum(counts.values())
        return Conservation(**counts, missing=missing)

    def unaccounted(self, after: int) -> tuple[int, int]:
        """How many of those with a higher id than `after` are missing, and up to which id none is.

        What an account of one says does not change later: who keeps the second number asks for the rest alone. Where
        there are fewer than that (of an older state that was put back) all are counted.
        """
        newest = self._database.number(_NEWEST) or 0
        after = after if after <= newest else 0
        found = self._database.row(_UNACCOUNTED, after=after, upto=newest) or {"n": 0, "first": None}
        return int(found["n"]), max(after, newest if found["first"] is None else int(found["first"]) - 1)

    def between(self, subject: str, begin: int, end: int) -> "list[tuple[Verdict, int | None]]":
        """What was found of a subject from `begin` to `end` (ms UTC, both included), each with its alert's id."""
        query = ChangeRow.select().where((ChangeRow.subject == subject) & ChangeRow.at.between(begin, end))
        return [
            (_verdict(row), row["alert"]) for row in self._database.rows(query.order_by(ChangeRow.at, ChangeRow.id))
        ]

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
    carrier = DeliveryRow.alias("carrier")
    state = fn.COALESCE(carrier.state, DeliveryRow.state)

    def any_in(states: frozenset[Any]) -> Any:  # noqa: ANN401
        return fn.MAX(Case(None, [(state.in_(sorted(map(str, states))), 1)], 0))

    same_way = (carrier.channel == DeliveryRow.channel) & (carrier.recipient == DeliveryRow.recipient)
    fate = (
        DeliveryRow.select(
            DeliveryRow.alert.alias("alert"), any_in(TOLD).alias("told"), any_in(PENDING).alias("pending")
        )
        .left_outer_join(carrier, on=((carrier.alert == DeliveryRow.digest) & same_way))
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
    suppressed = None if row["suppressed"] is None else Suppression(row["suppressed"])
    return Verdict(change=change, suppressed=suppressed, because=row["because"], judged_at=row["judged_at"])
