"""The tables of what comes back: missed alerts, bad addresses, answers and reports."""

import peewee

from hybridd.store.rows import Numbered, Row


class MissedRow(Row):
    """An alert that reached nobody; `notice` is the alert that tells of it, `restored`: the watch has taken it back."""

    alert = peewee.IntegerField(primary_key=True)
    subject = peewee.CharField(max_length=128)
    at = peewee.BigIntegerField()
    notice = peewee.IntegerField(null=True)
    restored = peewee.BooleanField()

    class Meta:
        table_name = "missed"
        indexes = ((("restored", "subject"), False),)


class AddressRow(Numbered):
    """An address at which nobody was found, or was found again."""

    channel = peewee.CharField(max_length=64)
    address = peewee.CharField(max_length=255)
    kind = peewee.CharField(max_length=32)
    state = peewee.CharField(max_length=16)
    reason = peewee.TextField()
    since = peewee.BigIntegerField()

    class Meta:
        table_name = "addresses"
        indexes = ((("channel", "address"), True),)


class InboxRow(Numbered):
    """What came back, as it came: people's words and providers' reports, each worked on once."""

    channel = peewee.CharField(max_length=64)
    kind = peewee.CharField(max_length=32)
    provider_id = peewee.CharField(max_length=255)
    sender = peewee.CharField(max_length=255)
    text = peewee.TextField()
    data = peewee.TextField()
    received_at = peewee.BigIntegerField()
    state = peewee.CharField(max_length=16)
    outcome = peewee.TextField()
    done_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "inbox"
        indexes = ((("channel", "kind", "provider_id"), True), (("state", "id"), False))
