"""The step that brings logins which outlive the web process, and ways to find alerts and proposals without a search."""

from hybridd.store.database import Database


def add_logins(database: Database) -> None:
    """Written out and not taken from tables.py: a step must do tomorrow what it does today."""
    for statement in (
        'CREATE TABLE "sessions" ("hash" VARCHAR(64) NOT NULL PRIMARY KEY, "role" VARCHAR(16) NOT NULL, '
        '"proof" VARCHAR(64) NOT NULL, "address" VARCHAR(64) NOT NULL, "agent" VARCHAR(128) NOT NULL, '
        '"created_at" INTEGER NOT NULL, "seen_at" INTEGER NOT NULL, "ends_at" INTEGER NOT NULL)',
        'CREATE INDEX "sessionrow_ends_at" ON "sessions" ("ends_at")',
        'CREATE TABLE "login_askers" ("asker" VARCHAR(128) NOT NULL PRIMARY KEY, "known" INTEGER NOT NULL, '
        '"failures" INTEGER NOT NULL, "since" INTEGER NOT NULL, "locked_until" INTEGER NOT NULL)',
        'CREATE INDEX "askerrow_since" ON "login_askers" ("since")',
        'CREATE INDEX "alertrow_state" ON "alerts" ("state")',
        'CREATE INDEX "alertrow_subject" ON "alerts" ("subject")',
        'CREATE INDEX "proposalrow_symbol" ON "proposals" ("symbol")',
    ):
        database.engine.cursor().execute(statement)
