"""The step of the schema that brings what comes back: the inbox, bad addresses, missed alerts, repeats."""

from hybridd.store.database import Database

STATEMENTS = (
    'ALTER TABLE "deliveries" ADD COLUMN "repeated" INTEGER NOT NULL DEFAULT 0',
    'CREATE INDEX "deliveryrow_state_next_at" ON "deliveries" ("state", "next_at")',
    'CREATE INDEX "deliveryrow_channel_provider_id" ON "deliveries" ("channel", "provider_id")',
    'CREATE TABLE "missed" ("alert" INTEGER NOT NULL PRIMARY KEY, "subject" VARCHAR(128) NOT NULL, '
    '"at" INTEGER NOT NULL, "notice" INTEGER, "restored" INTEGER NOT NULL)',
    'CREATE INDEX "missedrow_restored_subject" ON "missed" ("restored", "subject")',
    'CREATE TABLE "addresses" ("id" INTEGER NOT NULL PRIMARY KEY, "channel" VARCHAR(64) NOT NULL, '
    '"address" VARCHAR(255) NOT NULL, "kind" VARCHAR(32) NOT NULL, "state" VARCHAR(16) NOT NULL, '
    '"reason" TEXT NOT NULL, "since" INTEGER NOT NULL)',
    'CREATE UNIQUE INDEX "addressrow_channel_address" ON "addresses" ("channel", "address")',
    'CREATE TABLE "inbox" ("id" INTEGER NOT NULL PRIMARY KEY, "channel" VARCHAR(64) NOT NULL, '
    '"kind" VARCHAR(32) NOT NULL, "provider_id" VARCHAR(255) NOT NULL, "sender" VARCHAR(255) NOT NULL, '
    '"text" TEXT NOT NULL, "data" TEXT NOT NULL, "received_at" INTEGER NOT NULL, "state" VARCHAR(16) NOT NULL, '
    '"outcome" TEXT NOT NULL, "done_at" INTEGER)',
    'CREATE UNIQUE INDEX "inboxrow_channel_kind_provider_id" ON "inbox" ("channel", "kind", "provider_id")',
    'CREATE INDEX "inboxrow_state_id" ON "inbox" ("state", "id")',
)


def add_answers(database: Database) -> None:
    """Make the tables, the column and the indexes."""
    for statement in STATEMENTS:
        database.engine.cursor().execute(statement)
