"""What the second watcher looks at in a state: a few small questions, nothing written, nothing migrated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import fn

from hybridd.clock import Clock
from hybridd.model.delivery import DELIVERY_TABLE, TOLD, DeliveryEvent, DeliveryState
from hybridd.store.bot_state import BotState
from hybridd.store.changes import Changes
from hybridd.store.database import Database, open_database
from hybridd.store.migrations import require_current
from hybridd.store.sqlite_errors import explained
from hybridd.store.tables_watch import AlertRow, AnalysisRow, DeliveryRow

BUSY_SECONDS = 2.0
_JOURNAL = "journal"
# By name: the model of alerts brings numpy with it, half of the start of a program that runs every minute.
FIRING, ACKED = "firing", "acked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Deliveries of a channel whose turn has come and that nobody takes; `since` the oldest's turn, ms UTC."""

    channel: str
    count: int
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What a state says. `last_close` maps each symbol asked for to its newest analysed candle, ms UTC, -1 for none;
    `missing` counts changes without a fate, `accounted` says up to which id there is none;
    `told` maps reason and subject of each open health alert that reached somebody to the alert's id."""

    service: Mapping[str, Any]
    last_close: Mapping[str, int]
    overdue: tuple[Overdue, ...]
    old_leases: tuple[int, ...]
    endless: tuple[int, ...]
    unaddressed: tuple[int, ...]
    missing: int
    accounted: int
    told: Mapping[tuple[str, str], int]


def glance(url: str, *, clock: Clock, patience_ms: int, service_key: str, accounted: int = 0) -> Glance:
    """Look at the state of `url`: what has waited for longer than `patience_ms`. Raises StoreUnusable or StoreBusy.

    `accounted`: up to which change an earlier glance at this state found none missing.
    """
    database = open_database(url, create=False, busy_seconds=BUSY_SECONDS)
    try:
        require_current(database)
        since = clock.now() - patience_ms
        kept = BotState(database, clock).get(service_key)
        service: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
        missing, sound = Changes(database).unaccounted(accounted)
        return Glance(
            service=service,
            last_close=_last_closes(database, service),
            overdue=_overdue(database, since),
            old_leases=_old_leases(database, since),
            endless=_firing(database, AlertRow.expires_at <= since),
            unaddressed=_unaddressed(database, since),
            missing=missing,
            accounted=sound,
            told=_told(database),
        )
    finally:
        database.close()


def damage(url: str) -> str:
    """The first thing that a quick check of the file finds wrong, "" when it is sound. Reads all of the file."""
    database = open_database(url, create=False, busy_seconds=BUSY_SECONDS)
    try:
        with explained(database.path):
            found = str(database.engine.cursor().execute("PRAGMA quick_check(1)").fetchone()[0])
    finally:
        database.close()
    return "" if found == "ok" else " ".join(found.split())


def _last_closes(database: Database, service: Mapping[str, Any]) -> dict[str, int]:
    def last(symbol: str) -> int:
        query = AnalysisRow.select(fn.MAX(AnalysisRow.candle_close)).where(
            (AnalysisRow.symbol == symbol) & (AnalysisRow.timeframe == str(service.get("timeframe")))
        )
        found = database.number(query)
        return -1 if found is None else found

    return {str(symbol): last(str(symbol)) for symbol in service.get("symbols", ())}


def _overdue(database: Database, since: int) -> tuple[Overdue, ...]:
    waiting = [str(state) for state, event in DELIVERY_TABLE if event is DeliveryEvent.LEASE]
    query = (
        DeliveryRow.select(
            DeliveryRow.channel, fn.COUNT(DeliveryRow.id).alias("count"), fn.MIN(DeliveryRow.next_at).alias("since")
        )
        .where(DeliveryRow.state.in_(waiting) & (DeliveryRow.next_at < since))
        .group_by(DeliveryRow.channel)
        .order_by(DeliveryRow.channel)
    )
    return tuple(Overdue(**row) for row in database.rows(query))


def _old_leases(database: Database, since: int) -> tuple[int, ...]:
    query = DeliveryRow.select(DeliveryRow.id).where(
        (DeliveryRow.state == str(DeliveryState.LEASED)) & (DeliveryRow.leased_at < since)
    )
    return tuple(row["id"] for row in database.rows(query.order_by(DeliveryRow.id)))


def _firing(database: Database, which: Any) -> tuple[int, ...]:  # noqa: ANN401 - peewee's expressions have no type
    query = AlertRow.select(AlertRow.id).where((AlertRow.state == FIRING) & which)
    return tuple(row["id"] for row in database.rows(query.order_by(AlertRow.id)))


def _unaddressed(database: Database, since: int) -> tuple[int, ...]:
    addressed = DeliveryRow.select(DeliveryRow.id).where(DeliveryRow.alert == AlertRow.id)
    return _firing(database, (AlertRow.created_at < since) & ~fn.EXISTS(addressed))


def _told(database: Database) -> dict[tuple[str, str], int]:
    """An alert that only the journal knows of has reached nobody."""
    query = (
        AlertRow.select(AlertRow.id, AlertRow.reasons, AlertRow.subject)
        .join(DeliveryRow, on=(DeliveryRow.alert == AlertRow.id))
        .where(
            AlertRow.state.in_([FIRING, ACKED])
            & (AlertRow.resolves == 0)
            & DeliveryRow.state.in_(sorted(map(str, TOLD)))
            & (DeliveryRow.channel != _JOURNAL)
        )
        .distinct()
    )
    return {(reason, row["subject"]): row["id"] for row in database.rows(query) for reason in row["reasons"].split()}
