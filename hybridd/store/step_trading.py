"""The steps that bring trading: fills, answers to proposals, orders."""

from decimal import Decimal

from hybridd.store.database import Database


def add_fills(database: Database) -> None:
    """Written out and not taken from tables.py: a step must do tomorrow what it does today."""
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


def add_proposals(database: Database) -> None:
    """As above."""
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


def add_orders(database: Database) -> None:
    """As above."""
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


def add_auto(database: Database) -> None:
    """As above."""
    database.engine.cursor().execute('ALTER TABLE "trades" ADD COLUMN "auto" INTEGER NOT NULL DEFAULT 0')
