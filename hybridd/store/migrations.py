"""Brings a state to this program's schema: numbered steps, each in a transaction of its own, after a checked copy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import peewee

from hybridd.errors import HybriddError, StoreBusy, StoreFull, StoreUnusable
from hybridd.store.database import Database
from hybridd.store.sqlite_errors import explained
from hybridd.store.step_answers import add_answers
from hybridd.store.step_attempts import add_attempts
from hybridd.store.step_logins import add_logins
from hybridd.store.step_restraint import add_restraint
from hybridd.store.step_trading import add_auto, add_fills, add_orders, add_proposals
from hybridd.store.tables import TABLES, SchemaRow

FIRST = 1
"""The schema of the first release: an empty state gets today's tables at once, an older one goes step by step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step: `apply` changes a state of version `number` - 1 into one of `number`, inside a transaction."""

    number: int
    title: str
    apply: Callable[[Database], None]


def _add_context(database: Database) -> None:
    # Written out and not taken from tables.py: a step must do tomorrow what it does today.
    for statement in (
        'CREATE TABLE "context" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(32) NOT NULL, '
        '"symbol" VARCHAR(64) NOT NULL, "at" INTEGER NOT NULL, "known_at" INTEGER NOT NULL, "value" REAL NOT NULL)',
        'CREATE UNIQUE INDEX "contextrow_name_symbol_at" ON "context" ("name", "symbol", "at")',
    ):
        database.engine.cursor().execute(statement)


MIGRATIONS: tuple[Migration, ...] = (
    Migration(number=2, title="values beyond candles", apply=_add_context),
    Migration(number=3, title="what comes back", apply=add_answers),
    Migration(number=4, title="what is held back", apply=add_restraint),
    Migration(number=5, title="fills of trades", apply=add_fills),
    Migration(number=6, title="answers to proposals", apply=add_proposals),
    Migration(number=7, title="attempts to deliver", apply=add_attempts),
    Migration(number=8, title="orders", apply=add_orders),
    Migration(number=9, title="trades taken by itself", apply=add_auto),
    Migration(number=10, title="logins of the web", apply=add_logins),
)
"""Every step since FIRST, in order and without holes; a step is never changed once it has been released."""


def newest(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The version that this program reads and writes."""
    return FIRST + len(migrations)


def version_of(database: Database) -> int:
    """The version of a state, 0 for an empty one; raises StoreUnusable for a database that is somebody else's."""
    names = set(database.table_names())
    if not names:
        return 0
    if SchemaRow._meta.table_name not in names:
        raise StoreUnusable(
            f"{database.path} is a database, but not a state of hybridd", remedy="name another file in [database] url"
        )
    return database.number(SchemaRow.select(peewee.fn.MAX(SchemaRow.version))) or 0


def check_version(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The version of a state; raises StoreUnusable for one that a newer program has written."""
    version = version_of(database)
    if version > newest(migrations):
        raise StoreUnusable(
            f"the state {database.path} has schema {version}, this hybridd knows schemas up to {newest(migrations)}",
            remedy=f"install the newer hybridd again, or restore {database.path.name}.before-{newest(migrations) + 1}",
        )
    return version


def require_current(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Raises StoreUnusable unless the state has exactly this program's schema; changes nothing."""
    version = check_version(database, migrations)
    if version != newest(migrations):
        raise StoreUnusable(
            f"the state {database.path} has schema {version}, this hybridd needs schema {newest(migrations)}",
            remedy="run `hybridd db migrate`",
        )


def migrate(database: Database, now: int, migrations: Sequence[Migration] = MIGRATIONS) -> list[Path]:
    """Bring a state to the newest schema; gives the copies made on the way, one before each step.

    A step that fails leaves the state as it was before that step. Safe when two processes start at once.
    `now` in ms UTC. Raises StoreUnusable, StoreBusy or StoreFull.
    """
    if check_version(database, migrations) == 0:
        _create(database, now, migrations)
    copies = [_step(database, migration, now) for migration in migrations if version_of(database) < migration.number]
    return [copy for copy in copies if copy is not None]


def _create(database: Database, now: int, migrations: Sequence[Migration]) -> None:
    with database.transaction():
        if version_of(database) == 0:  # asked again: another process may have been first
            database.create(TABLES)
            database.insert_all(SchemaRow, ("version", "applied_at"), [(newest(migrations), now)])


def _step(database: Database, migration: Migration, now: int) -> Path | None:
    copy = database.path.with_name(f"{database.path.name}.before-{migration.number}")
    try:
        with database.engine.foreign_keys_off(), database.transaction():
            if version_of(database) >= migration.number:
                return None
            # Inside the transaction: nobody can have migrated between the copy and the step.
            database.engine.backup(copy)
            with explained(database.path):
                migration.apply(database)
            database.insert_all(SchemaRow, ("version", "applied_at"), [(migration.number, now)])
            if orphans := database.engine.orphans():
                raise StoreUnusable(orphans[0])
    except (StoreBusy, StoreFull):
        raise
    except (HybriddError, peewee.PeeweeException, ValueError) as error:
        raise StoreUnusable(
            f"migration {migration.number} ({migration.title}) of {database.path} failed: {error}",
            remedy="the state is unchanged; install the earlier hybridd again and report this",
        ) from error
    return copy
