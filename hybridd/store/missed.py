"""The alerts that reached nobody: each is told of later, and the watch takes back that it was told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from peewee import JOIN, ModelSelect

from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis
from hybridd.store.alerts import has_reason, read_alert
from hybridd.store.database import Database, Prepared, Query, Record
from hybridd.store.tables_back import MissedRow
from hybridd.store.tables_watch import AlertRow

_SUBJECTS = Prepared(
    MissedRow.select(MissedRow.subject).where(MissedRow.restored == False).distinct()  # noqa: E712 - SQL's comparison, not Python's
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One of them: since when it is certain (ms UTC), and the id of the alert that tells of it, if there is one."""

    alert: Alert
    at: int
    notice: int | None


class MissedAlerts:
    """The table of missed alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, alert: Alert, now: int, *, restored: bool = False) -> bool:
        """Note that an alert reached nobody; False when that is known. `restored`: the watch need not take it back."""
        row = {"alert": alert.id, "subject": alert.subject, "at": int(now), "notice": None, "restored": restored}
        return self._database.insert(MissedRow, row, unless=("alert",)) is not None

    def untold(self) -> list[Missed]:
        """Those that no alert tells of yet, oldest first."""
        return self._list(_UNTOLD)

    def told_in(self, notice: int) -> list[Missed]:
        """Those that one alert tells of."""
        return self._list(_missing(MissedRow.notice == notice))

    def since(self, at: int) -> list[Missed]:
        """Those of the time from `at` (ms UTC) on, oldest first."""
        return self._list(_missing(MissedRow.at >= at))

    def tell(self, alert_ids: Sequence[int], notice: int) -> None:
        """Note which alert tells of these."""
        self._database.run(MissedRow.update({MissedRow.notice: notice}).where(MissedRow.alert.in_(list(alert_ids))))

    def to_restore(self, subject: str) -> list[Alert]:
        """Those of a subject that the watch still takes for told, oldest first."""
        of_it = (MissedRow.restored == False) & (MissedRow.subject == subject)  # noqa: E712 - as above
        return [missed.alert for missed in self._list(_missing(of_it))]

    def subjects(self) -> frozenset[str]:
        """Whose alerts the watch still takes for told."""
        return frozenset(row["subject"] for row in self._database.rows(_SUBJECTS))

    def restored(self, alert_ids: Collection[int]) -> None:
        """The watch has taken these back."""
        self._database.run(MissedRow.update({MissedRow.restored: True}).where(MissedRow.alert.in_(list(alert_ids))))

    def last_heard(self, subject: str, reason: str = "") -> Analysis | None:
        """The analysis of the newest alert of a subject, with this reason if one is given, that was not missed."""
        query = (
            AlertRow.select(AlertRow)
            .join(MissedRow, JOIN.LEFT_OUTER, on=(MissedRow.alert == AlertRow.id))
            .where((AlertRow.subject == subject) & MissedRow.alert.is_null())
            .order_by(AlertRow.id.desc())
            .limit(20)
        )
        if reason:
            query = query.where(has_reason(reason))
        alerts = (read_alert(row) for row in self._database.rows(query))
        return next((alert.analysis for alert in alerts if alert.analysis is not None), None)

    def _list(self, query: Query) -> list[Missed]:
        return [_missed(row) for row in self._database.rows(query)]


def _missing(which: object) -> "ModelSelect[MissedRow]":
    columns = (AlertRow, MissedRow.at.alias("missed_at"), MissedRow.notice.alias("notice"))
    found = MissedRow.select(*columns).join(AlertRow, on=(MissedRow.alert == AlertRow.id))
    return found.where(which).order_by(MissedRow.alert)


_UNTOLD = Prepared(_missing(MissedRow.notice.is_null()))


def _missed(row: Record) -> Missed:
    return Missed(alert=read_alert(row), at=row["missed_at"], notice=row["notice"])
