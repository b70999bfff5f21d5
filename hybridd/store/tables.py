"""The tables of the state: names, columns and indexes. Bound to no database: every query is given one to run on."""

import peewee

from hybridd.store.rows import Numbered, Row
from hybridd.store.tables_back import AddressRow, InboxRow, MissedRow
from hybridd.store.tables_trade import FillRow, OrderRow, ProposalRow, TokenRow, TradeRow, VetoRow
from hybridd.store.tables_watch import AlertRow, AnalysisRow, AttemptRow, ChangeRow, ChargeRow, DeliveryRow, HoldRow
from hybridd.store.tables_web import AskerRow, SessionRow


class BotStateRow(Row):
    """What must survive a restart and has no table of its own; values are JSON."""

    key = peewee.CharField(max_length=255, primary_key=True)
    value = peewee.TextField()
    updated_at = peewee.BigIntegerField()

    class Meta:
        table_name = "bot_state"


class CandleRow(Row):
    """Closed candles as they came from the source."""

    symbol = peewee.CharField(max_length=64)
    timeframe = peewee.CharField(max_length=8)
    open_time = peewee.BigIntegerField()
    open = peewee.DoubleField()
    high = peewee.DoubleField()
    low = peewee.DoubleField()
    close = peewee.DoubleField()
    volume = peewee.DoubleField()

    class Meta:
        table_name = "candles"
        primary_key = peewee.CompositeKey("symbol", "timeframe", "open_time")


class QuarantineRow(Numbered):
    """Candles that were not believed, and why."""

    symbol = peewee.CharField(max_length=64)
    timeframe = peewee.CharField(max_length=8)
    open_time = peewee.BigIntegerField()
    detail = peewee.TextField()
    at = peewee.BigIntegerField()

    class Meta:
        table_name = "quarantine"


class ContextRow(Numbered):
    """What was known beyond candles: a value, the instant it describes, and when it became public."""

    name = peewee.CharField(max_length=32)
    symbol = peewee.CharField(max_length=64)
    at = peewee.BigIntegerField()
    known_at = peewee.BigIntegerField()
    value = peewee.DoubleField()

    class Meta:
        table_name = "context"
        indexes = ((("name", "symbol", "at"), True),)


class EventRow(Numbered):
    """What happened, in order: only ever appended, and tailed by whoever needs to know."""

    kind = peewee.CharField(max_length=64)
    subject = peewee.CharField(max_length=128)
    data = peewee.TextField()
    at = peewee.BigIntegerField()

    class Meta:
        table_name = "events"


class AuditRow(Numbered):
    """Who did what: only ever appended, each row's hash made of the one before."""

    actor = peewee.CharField(max_length=128)
    action = peewee.CharField(max_length=64)
    subject = peewee.CharField(max_length=128, index=True)
    data = peewee.TextField()
    at = peewee.BigIntegerField()
    hash = peewee.CharField(max_length=64, unique=True)

    class Meta:
        table_name = "audit"


class SilenceRow(Numbered):
    """A person's wish not to be told of a subject or a reason for a while; empty means any."""

    subject = peewee.CharField(max_length=128)
    reason = peewee.CharField(max_length=32)
    author = peewee.CharField(max_length=128)
    comment = peewee.TextField()
    created_at = peewee.BigIntegerField()
    starts_at = peewee.BigIntegerField()
    ends_at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "silences"


class SchemaRow(Row):
    """Which migrations this state has had; the highest version is its own."""

    version = peewee.IntegerField(primary_key=True)
    applied_at = peewee.BigIntegerField()

    class Meta:
        table_name = "schema_version"


TABLES: tuple[type[Row], ...] = (
    AnalysisRow, AlertRow, ChangeRow, DeliveryRow, AttemptRow, HoldRow, ChargeRow, MissedRow, AddressRow, InboxRow,
    ProposalRow, VetoRow, TokenRow, TradeRow, FillRow, OrderRow, BotStateRow,
    CandleRow, QuarantineRow, ContextRow, EventRow, AuditRow, SilenceRow, SessionRow, AskerRow, SchemaRow,
)  # fmt: skip
