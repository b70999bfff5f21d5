"""The tables of the web: who is logged in, and who has tried to."""

import peewee

from hybridd.store.rows import Row


class SessionRow(Row):
    """A login, as the hash of its cookie: who reads this table cannot go in by it."""

    hash = peewee.CharField(max_length=64, primary_key=True)
    role = peewee.CharField(max_length=16)
    proof = peewee.CharField(max_length=64)
    address = peewee.CharField(max_length=64)
    agent = peewee.CharField(max_length=128)
    created_at = peewee.BigIntegerField()
    seen_at = peewee.BigIntegerField()
    ends_at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "sessions"


class AskerRow(Row):
    """Who has tried to log in: an address, a device that was in before, or everybody together."""

    asker = peewee.CharField(max_length=128, primary_key=True)
    known = peewee.BooleanField()
    failures = peewee.IntegerField()
    since = peewee.BigIntegerField(index=True)
    locked_until = peewee.BigIntegerField()

    class Meta:
        table_name = "login_askers"
