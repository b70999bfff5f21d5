"""The tables of the state: names, columns and indexes. Bound to no database: every query is given one to run on."""

import peewee

# Instants are ms UTC and need 64 bits; prices and scores need double precision, which PostgreSQL's REAL has not.
# JSON is kept as text: the same bytes on every engine, so that hashes and round trips are exact.


class Row(peewee.Model):
    """Base of all tables."""


class Numbered(Row):
    """Base of those whose rows have a number."""

    id = peewee.AutoField()


class AnalysisRow(Numbered):
    """What the brain concluded at one candle."""

    symbol = peewee.CharField(max_length=64)
    timeframe = peewee.CharField(max_length=8)
    candle_close = peewee.BigIntegerField()
    price = peewee.DoubleField(null=True)
    score = peewee.DoubleField()
    signal = peewee.CharField(max_length=16)
    candidate = peewee.CharField(max_length=16, null=True)
    streak = peewee.IntegerField()
    confidence = peewee.DoubleField()
    agreeing = peewee.IntegerField()
    answered = peewee.IntegerField()
    layer_count = peewee.IntegerField()
    degraded = peewee.BooleanField()
    missing = peewee.TextField()
    layers = peewee.TextField()
    odds = peewee.TextField(null=True)
    source = peewee.CharField(max_length=64)
    simulated = peewee.BooleanField()
    made_at = peewee.BigIntegerField()
    late = peewee.BooleanField()

    class Meta:
        table_name = "analyses"
        indexes = ((("symbol", "timeframe", "candle_close"), True), (("symbol", "candle_close"), False))


class AlertRow(Numbered):
    """What a person is told; `facts` is the whole alert, the other columns are there to be searched."""

    key = peewee.CharField(max_length=255, unique=True)
    subject = peewee.CharField(max_length=128)
    state = peewee.CharField(max_length=16)
    severity = peewee.CharField(max_length=16)
    reasons = peewee.TextField()
    created_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField()
    resolves = peewee.IntegerField()
    simulated = peewee.BooleanField()
    facts = peewee.TextField()

    class Meta:
        table_name = "alerts"
        indexes = ((("subject", "state"), False), (("state", "expires_at"), False))


class ChangeRow(Numbered):
    """Something that fired, and its alert or the reason why nobody was told."""

    analysis = peewee.ForeignKeyField(AnalysisRow, column_name="analysis", null=True, on_delete="SET NULL")
    alert = peewee.ForeignKeyField(AlertRow, column_name="alert", null=True)
    subject = peewee.CharField(max_length=128, index=True)
    reason = peewee.CharField(max_length=32)
    at = peewee.BigIntegerField()
    before = peewee.TextField()
    after = peewee.TextField()
    detail = peewee.TextField()
    deferred_from = peewee.BigIntegerField(null=True)
    suppressed = peewee.CharField(max_length=32, null=True)

    class Meta:
        table_name = "changes"


class DeliveryRow(Numbered):
    """The outbox: one alert on its way to one recipient by one channel at one step."""

    alert = peewee.ForeignKeyField(AlertRow, column_name="alert")
    channel = peewee.CharField(max_length=64)
    recipient = peewee.CharField(max_length=255)
    step = peewee.IntegerField()
    state = peewee.CharField(max_length=24)
    attempts = peewee.IntegerField()
    next_at = peewee.BigIntegerField()
    deadline = peewee.BigIntegerField()
    leased_at = peewee.BigIntegerField(null=True)
    told_at = peewee.BigIntegerField(null=True)
    provider_id = peewee.CharField(max_length=255)
    reason = peewee.TextField()

    class Meta:
        table_name = "deliveries"
        indexes = ((("alert", "channel", "recipient", "step"), True), (("channel", "state", "next_at"), False))


class ProposalRow(Numbered):
    """A trade that is proposed to the person: open, then approved, rejected, held, expired or superseded."""

    alert = peewee.ForeignKeyField(AlertRow, column_name="alert", null=True)
    symbol = peewee.CharField(max_length=64)
    side = peewee.CharField(max_length=8)
    state = peewee.CharField(max_length=16, index=True)
    created_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField()
    entry_price = peewee.DoubleField()
    stop_price = peewee.DoubleField(null=True)
    target_price = peewee.DoubleField(null=True)
    quantity = peewee.DoubleField()
    facts = peewee.TextField()
    content_hash = peewee.CharField(max_length=64)
    decided_at = peewee.BigIntegerField(null=True)
    decided_by = peewee.CharField(max_length=128, null=True)
    reason = peewee.TextField(null=True)
    decided_via = peewee.CharField(max_length=64, null=True)
    decided_price = peewee.TextField(null=True)

    class Meta:
        table_name = "proposals"


class VetoRow(Numbered):
    """A proposal that was not made, or an approval that did not count, and the limit that forbade it."""

    symbol = peewee.CharField(max_length=64)
    side = peewee.CharField(max_length=8)
    veto = peewee.CharField(max_length=32)
    detail = peewee.TextField()
    alert = peewee.ForeignKeyField(AlertRow, column_name="alert", null=True)
    at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "vetoes"


class TokenRow(Row):
    """A link to one proposal for one recipient, as the hash of its token: who reads this table cannot answer."""

    hash = peewee.CharField(max_length=64, primary_key=True)
    proposal = peewee.ForeignKeyField(ProposalRow, column_name="proposal")
    channel = peewee.CharField(max_length=64)
    recipient = peewee.CharField(max_length=255)
    code = peewee.CharField(max_length=64)
    content_hash = peewee.CharField(max_length=64)
    expires_at = peewee.BigIntegerField()
    used_at = peewee.BigIntegerField(null=True)
    guesses = peewee.IntegerField(default=0)

    class Meta:
        table_name = "answer_tokens"


class TradeRow(Numbered):
    """A position that the person took, and what came of it."""

    symbol = peewee.CharField(max_length=64, index=True)
    side = peewee.CharField(max_length=8)
    state = peewee.CharField(max_length=16, index=True)
    entry_price = peewee.DoubleField()
    entry_at = peewee.BigIntegerField(index=True)
    quantity = peewee.DoubleField()
    stop_price = peewee.DoubleField(null=True)
    target_price = peewee.DoubleField(null=True)
    exit_price = peewee.DoubleField(null=True)
    exit_at = peewee.BigIntegerField(null=True)
    exit_reason = peewee.TextField()
    fee_percent = peewee.DoubleField()
    pnl_percent = peewee.DoubleField(null=True)
    simulated = peewee.BooleanField()
    remaining = peewee.TextField(default="1")
    realised = peewee.TextField(null=True)
    fees = peewee.TextField(null=True)
    targets = peewee.TextField(default="[]")
    reached = peewee.IntegerField(default=0)
    proposal_id = peewee.IntegerField(default=0, index=True)
    broker = peewee.CharField(max_length=32, default="manual")
    auto = peewee.BooleanField(default=False)

    class Meta:
        table_name = "trades"


class FillRow(Numbered):
    """A part of a trade that was bought or sold; amounts are decimal text, because money is exact."""

    trade = peewee.ForeignKeyField(TradeRow, column_name="trade")
    key = peewee.CharField(max_length=128)
    at = peewee.BigIntegerField()
    buy = peewee.BooleanField()
    quantity = peewee.TextField()
    price = peewee.TextField()
    fee = peewee.TextField()
    leg = peewee.CharField(max_length=16)

    class Meta:
        table_name = "fills"
        indexes = ((("trade", "key"), True),)


class OrderRow(Numbered):
    """What was asked of a broker; amounts are decimal text."""

    client_id = peewee.CharField(max_length=64, unique=True)
    broker = peewee.CharField(max_length=32)
    symbol = peewee.CharField(max_length=64)
    buy = peewee.BooleanField()
    kind = peewee.CharField(max_length=16)
    leg = peewee.CharField(max_length=16)
    quantity = peewee.TextField()
    price = peewee.TextField(null=True)
    reduce_only = peewee.BooleanField()
    trade = peewee.ForeignKeyField(TradeRow, column_name="trade", null=True)
    proposal = peewee.ForeignKeyField(ProposalRow, column_name="proposal", null=True)
    number = peewee.IntegerField()
    state = peewee.CharField(max_length=16)
    broker_id = peewee.CharField(max_length=128)
    created_at = peewee.BigIntegerField()
    sent_at = peewee.BigIntegerField()
    detail = peewee.TextField()

    class Meta:
        table_name = "orders"
        indexes = ((("broker", "state"), False),)


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
    subject = peewee.CharField(max_length=128)
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
    AnalysisRow, AlertRow, ChangeRow, DeliveryRow, ProposalRow, VetoRow, TokenRow, TradeRow, FillRow, OrderRow,
    BotStateRow, CandleRow, QuarantineRow, ContextRow, EventRow, AuditRow, SilenceRow, SchemaRow,
)  # fmt: skip
