"""The history of alerts: each with all that led to it and all that became of it, found or read in order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from peewee import fn

from hybridd.model.alert import Alert, AlertState
from hybridd.model.change import Verdict
from hybridd.model.delivery import LOST, TOLD, Delivery, DeliveryState
from hybridd.store.attempts import Attempt, Attempts
from hybridd.store.audit import Audit, AuditEntry
from hybridd.store.changes import Changes
from hybridd.store.codec import read_as
from hybridd.store.database import Database, Record
from hybridd.store.outbox import Outbox
from hybridd.store.tables_watch import AlertRow, DeliveryRow

K = TypeVar("K")
V = TypeVar("V")
JOURNAL = "journal"
"""That an alert is written down there is not that somebody was told."""
PAGE = 200
AROUND_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """A delivery with its attempts, oldest first, and what the audit trail has of it. `told_at` in ms UTC."""

    delivery: Delivery
    told_at: int | None
    attempts: tuple[Attempt, ...]
    deeds: tuple[AuditEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An alert, the changes that it was made of, its deliveries, and what was done with it (`deeds`)."""

    alert: Alert
    changes: tuple[Verdict, ...]
    fates: tuple[Fate, ...]
    deeds: tuple[AuditEntry, ...]

    @property
    def told_at(self) -> int | None:
        """When somebody was first told, the journal not counted; None for never."""
        times = [f.told_at for f in self.fates if f.told_at is not None and f.delivery.channel != JOURNAL]
        return min(times, default=None)


class History:
    """Reads across the tables; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit, self._attempts, self._changes = Audit(database), Attempts(database), Changes(database)
        self._outbox = Outbox(database)

    def find(
        self,
        limit: int,
        *,
        state: AlertState | None = None,
        subject: str | None = None,
        since: int | None = None,
        missed: bool = False,
        before: int | None = None,
    ) -> list[Alert]:
        """The newest alerts, newest first: in a state, of a subject, made since (ms UTC), told to nobody in time.

        `before`: only those with an id below it.
        """
        query = AlertRow.select().order_by(AlertRow.id.desc()).limit(limit)
        if state is not None:
            query = query.where(AlertRow.state == str(state))
        if subject is not None:
            query = query.where(AlertRow.subject == subject)
        if since is not None:
            query = query.where(AlertRow.created_at >= since)
        if missed:
            query = query.where(_missed())
        if before is not None:
            query = query.where(AlertRow.id < before)
        return [_alert(row) for row in self._database.rows(query)]

    def story(self, alert: Alert) -> Story:
        """All that is known of an alert."""
        return self._stories([alert])[0]

    def stories(self, since: int = 0) -> Iterator[Story]:
        """All alerts made since `since` (ms UTC), oldest first, read a page at a time."""
        last = 0
        while page := self._page(last, since):
            yield from self._stories(page)
            last = page[-1].id

    def around(self, alert: Alert) -> list[Verdict]:
        """What was found of an alert's subject in the hour up to it and is not part of it, oldest first."""
        candle = alert.analysis.candle_close if alert.analysis else alert.created_at
        begin, end = min(candle, alert.created_at) - AROUND_MS, max(candle, alert.created_at)
        found = self._changes.between(alert.subject, begin, end)
        return [verdict for verdict, alert_id in found if alert_id != alert.id]

    def _page(self, last: int, since: int) -> list[Alert]:
        wanted = (AlertRow.id > last) & (AlertRow.created_at >= since)
        return [
            _alert(row)
            for row in self._database.rows(AlertRow.select().where(wanted).order_by(AlertRow.id).limit(PAGE))
        ]

    def _stories(self, alerts: Sequence[Alert]) -> list[Story]:
        """One question a table for all of them: a page costs little more than a single alert."""
        ids = [alert.id for alert in alerts]
        deliveries = self._outbox.of_alerts(ids)
        numbers = [delivery.id for delivery in deliveries]
        attempts = _grouped((a.delivery_id, a) for a in self._attempts.of_alerts(ids))
        done = _grouped((int(entry.subject), entry) for entry in self._audit.about("delivery", numbers))
        times = self._told_times(ids)
        fates = _grouped(
            (
                delivery.alert_id,
                Fate(
                    delivery=delivery,
                    told_at=times[delivery.id],
                    attempts=tuple(attempts.get(delivery.id, ())),
                    deeds=tuple(done.get(delivery.id, ())),
                ),
            )
            for delivery in deliveries
        )
        changes = _grouped((alert_id, verdict) for verdict, alert_id in self._changes.of_alerts(ids))
        deeds = _grouped((int(entry.subject), entry) for entry in self._audit.about("alert", ids))
        return [
            Story(
                alert=alert,
                changes=tuple(changes.get(alert.id, ())),
                fates=tuple(fates.get(alert.id, ())),
                deeds=tuple(deeds.get(alert.id, ())),
            )
            for alert in alerts
        ]

    def _told_times(self, alert_ids: Sequence[int]) -> dict[int, int | None]:
        query = DeliveryRow.select(DeliveryRow.id, DeliveryRow.told_at).where(DeliveryRow.alert.in_(list(alert_ids)))
        return {row["id"]: row["told_at"] for row in self._database.rows(query)}


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _missed() -> Any:  # noqa: ANN401 - peewee's expressions have no common type
    """Somebody was to be told, and nobody was: a delivery failed or came too late, and none arrived."""

    def any_in(states: frozenset[DeliveryState]) -> Any:  # noqa: ANN401 - as above
        rows = DeliveryRow.select(DeliveryRow.id).where(
            (DeliveryRow.alert == AlertRow.id)
            & (DeliveryRow.channel != JOURNAL)
            & DeliveryRow.state.in_(sorted(map(str, states)))
        )
        return fn.EXISTS(rows)

    return any_in(LOST - {DeliveryState.CANCELLED}) & ~any_in(TOLD)


def _alert(row: Record) -> Alert:
    return replace(read_as(Alert, row["facts"]), id=row["id"], state=AlertState(row["state"]))
