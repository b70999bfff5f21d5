"""The step that brings what is held back: holds, charges, digests."""

from hybridd.store.database import Database


def add_restraint(database: Database) -> None:
    """Written out and not taken from tables.py: a step must do tomorrow what it does today."""
    for statement in (
        """ALTER TABLE "changes" ADD COLUMN "because" TEXT NOT NULL DEFAULT ''""",
        'ALTER TABLE "changes" ADD COLUMN "judged_at" INTEGER NOT NULL DEFAULT 0',
        'ALTER TABLE "deliveries" ADD COLUMN "digest" INTEGER',
        'CREATE INDEX "deliveryrow_digest" ON "deliveries" ("digest")',
        'CREATE INDEX "deliveryrow_channel_leased_at" ON "deliveries" ("channel", "leased_at")',
        'CREATE TABLE "holds" ("id" INTEGER NOT NULL PRIMARY KEY, "delivery" INTEGER NOT NULL, '
        '"reason" VARCHAR(32) NOT NULL, "because" TEXT NOT NULL, "at" INTEGER NOT NULL, "until" INTEGER NOT NULL, '
        'FOREIGN KEY ("delivery") REFERENCES "deliveries" ("id"))',
        'CREATE INDEX "holdrow_delivery" ON "holds" ("delivery")',
        'CREATE TABLE "charges" ("id" INTEGER NOT NULL PRIMARY KEY, "delivery" INTEGER NOT NULL, '
        '"channel" VARCHAR(64) NOT NULL, "at" INTEGER NOT NULL, "segments" INTEGER NOT NULL, '
        'FOREIGN KEY ("delivery") REFERENCES "deliveries" ("id"))',
        'CREATE INDEX "chargerow_delivery" ON "charges" ("delivery")',
        'CREATE INDEX "chargerow_channel_at" ON "charges" ("channel", "at")',
    ):
        database.engine.cursor().execute(statement)
