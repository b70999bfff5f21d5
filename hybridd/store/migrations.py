"""Brings a state to this program's schema: numbered steps, each in a transaction of its own, after a checked copy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import peewee

from hybridd.errors import HybriddError, StoreBusy, StoreFull, StoreUnusable
from hybridd.store.database import Database
from hybridd.store.sqlite import explained
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


def _add_fills(database: Database) -> None:
    cursor = database.engine.cursor()
    for statement in (
        'ALTER TABLE "trades" ADD COLUMN "remaining" TEXT NOT NULL DEFAULT \'1\'',
        'ALTER TABLE "trades" ADD COLUMN "realised" TEXT',
        'ALTER TABLE "trades" ADD COLUMN "fees" TEXT',
        'ALTER TABLE "trades" ADD COLUMN "targets" TEXT NOT NULL DEFAULT \'[]\'',
        'ALTER TABLE "trades" ADD COLUMN "reached" INTEGER NOT NULL DEFAULT 0',
        'ALTER TABLE "trades" ADD COLUMN "proposal_id" INTEGER NOT NULL DEFAULT 0',
        'ALTER TABLE "trades" ADD COLUMN "broker" VARCHAR(32) NOT NULL DEFAULT \'manual\'',
        'CREATE INDEX "traderow_proposal_id" ON "trades" ("proposal_id")',
        'UPDATE "trades" SET "remaining" = \'0\' WHERE "state" = \'closed\'',
        'CREATE TABLE "fills" ("id" INTEGER NOT NULL PRIMARY KEY, "trade" INTEGER NOT NULL, '
        '"key" VARCHAR(128) NOT NULL, "at" INTEGER NOT NULL, "buy" INTEGER NOT NULL, '
        '"quantity" TEXT NOT NULL, "price" TEXT NOT NULL, "fee" TEXT NOT NULL, "leg" VARCHAR(16) NOT NULL, '
        'FOREIGN KEY ("trade") REFERENCES "trades" ("id"))',
        'CREATE INDEX "fillrow_trade" ON "fills" ("trade")',
        'CREATE UNIQUE INDEX "fillrow_trade_key" ON "fills" ("trade", "key")',
    ):
        cursor.execute(statement)
    _fill_earlier_trades(database)


def _fill_earlier_trades(database: Database) -> None:
    """Trades from before fills were kept get the two that they amount to."""
    cursor = database.engine.cursor()
    columns = '"id", "side", "entry_price", "entry_at", "quantity", "fee_percent", "exit_price", "exit_at"'
    cursor.execute(f'SELECT {columns} FROM "trades"')  # noqa: S608 - names of columns
    for trade, side, entry, entered, quantity, percent, left, ended in cursor.fetchall():
        size = repr(quantity) if quantity else "1"
        legs = [("entry", entered, side == "LONG", entry), ("exit", ended, side != "LONG", left)]
        for leg, at, buy, price in legs:
            if price is None:
                continue
            fee = str(Decimal(size) * Decimal(repr(price)) * Decimal(repr(percent)) / 100)
            cursor.execute(
                'INSERT INTO "fills" ("trade", "key", "at", "buy", "quantity", "price", "fee", "leg") '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (trade, leg, at, int(buy), size, repr(price), fee, leg),
            )


def _add_answers(database: Database) -> None:
    for statement in (
        'ALTER TABLE "proposals" ADD COLUMN "decided_via" VARCHAR(64)',
        'ALTER TABLE "proposals" ADD COLUMN "decided_price" TEXT',
        'CREATE TABLE "vetoes" ("id" INTEGER NOT NULL PRIMARY KEY, "symbol" VARCHAR(64) NOT NULL, '
        '"side" VARCHAR(8) NOT NULL, "veto" VARCHAR(32) NOT NULL, "detail" TEXT NOT NULL, "alert" INTEGER, '
        '"at" INTEGER NOT NULL, FOREIGN KEY ("alert") REFERENCES "alerts" ("id"))',
        'CREATE INDEX "vetorow_alert" ON "vetoes" ("alert")',
        'CREATE INDEX "vetorow_at" ON "vetoes" ("at")',
        'CREATE TABLE "answer_tokens" ("hash" VARCHAR(64) NOT NULL PRIMARY KEY, "proposal" INTEGER NOT NULL, '
        '"channel" VARCHAR(64) NOT NULL, "recipient" VARCHAR(255) NOT NULL, "code" VARCHAR(64) NOT NULL, '
        '"content_hash" VARCHAR(64) NOT NULL, "expires_at" INTEGER NOT NULL, "used_at" INTEGER, '
        '"guesses" INTEGER NOT NULL, FOREIGN KEY ("proposal") REFERENCES "proposals" ("id"))',
        'CREATE INDEX "tokenrow_proposal" ON "answer_tokens" ("proposal")',
    ):
        database.engine.cursor().execute(statement)


def _add_orders(database: Database) -> None:
    for statement in (
        'CREATE TABLE "orders" ("id" INTEGER NOT NULL PRIMARY KEY, "client_id" VARCHAR(64) NOT NULL, '
        '"broker" VARCHAR(32) NOT NULL, "symbol" VARCHAR(64) NOT NULL, "buy" INTEGER NOT NULL, '
        '"kind" VARCHAR(16) NOT NULL, "leg" VARCHAR(16) NOT NULL, "quantity" TEXT NOT NULL, "price" TEXT, '
        '"reduce_only" INTEGER NOT NULL, "trade" INTEGER, "proposal" INTEGER, "number" INTEGER NOT NULL, '
        '"state" VARCHAR(16) NOT NULL, "broker_id" VARCHAR(128) NOT NULL, "created_at" INTEGER NOT NULL, '
        '"sent_at" INTEGER NOT NULL, "detail" TEXT NOT NULL, FOREIGN KEY ("trade") REFERENCES "trades" ("id"), '
        'FOREIGN KEY ("proposal") REFERENCES "proposals" ("id"))',
        'CREATE UNIQUE INDEX "orderrow_client_id" ON "orders" ("client_id")',
        'CREATE INDEX "orderrow_trade" ON "orders" ("trade")',
        'CREATE INDEX "orderrow_proposal" ON "orders" ("proposal")',
        'CREATE INDEX "orderrow_broker_state" ON "orders" ("broker", "state")',
    ):
        database.engine.cursor().execute(statement)


def _add_auto(database: Database) -> None:
    database.engine.cursor().execute('ALTER TABLE "trades" ADD COLUMN "auto" INTEGER NOT NULL DEFAULT 0')


MIGRATIONS: tuple[Migration, ...] = (
    Migration(number=2, title="values beyond candles", apply=_add_context),
    Migration(number=3, title="fills of trades", apply=_add_fills),
    Migration(number=4, title="answers to proposals", apply=_add_answers),
    Migration(number=5, title="orders", apply=_add_orders),
    Migration(number=6, title="trades taken by itself", apply=_add_auto),
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
