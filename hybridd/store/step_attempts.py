"""The step of the schema that brings the attempts, and a count by which a cut-off audit trail is found."""

import json

from hybridd.store.database import Database

STATEMENTS = (
    'CREATE TABLE "attempts" ("id" INTEGER NOT NULL PRIMARY KEY, "delivery" INTEGER NOT NULL, '
    '"number" INTEGER NOT NULL, "started_at" INTEGER NOT NULL, "ended_at" INTEGER, "outcome" VARCHAR(24), '
    '"detail" TEXT NOT NULL, "provider_id" VARCHAR(255) NOT NULL, '
    'FOREIGN KEY ("delivery") REFERENCES "deliveries" ("id"))',
    'CREATE INDEX "attemptrow_delivery" ON "attempts" ("delivery")',
    'CREATE UNIQUE INDEX "attemptrow_delivery_number" ON "attempts" ("delivery", "number")',
    'CREATE INDEX "deliveryrow_channel_told_at" ON "deliveries" ("channel", "told_at")',
    'CREATE INDEX "auditrow_subject" ON "audit" ("subject")',
)


def add_attempts(database: Database) -> None:
    """Make the table and the indexes, and write down how long the audit trail is."""
    cursor = database.engine.cursor()
    for statement in STATEMENTS:
        cursor.execute(statement)
    count = cursor.execute('SELECT COUNT(*) FROM "audit"').fetchone()[0]
    if not count:
        return
    last, sealed, at = cursor.execute('SELECT "id", "hash", "at" FROM "audit" ORDER BY "id" DESC LIMIT 1').fetchone()
    # Written out, as every step: what it does must not change with the program.
    head = json.dumps({"count": count, "hash": sealed, "id": last}, separators=(",", ":"))
    cursor.execute('INSERT INTO "bot_state" ("key", "value", "updated_at") VALUES (?, ?, ?)', ("audit_head", head, at))
