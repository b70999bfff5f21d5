"""The tables of the watch: what was found, what was told, and what was held back."""

import peewee

from hybridd.store.rows import Numbered


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
    subject = peewee.CharField(max_length=128, index=True)
    state = peewee.CharField(max_length=16, index=True)
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
    because = peewee.TextField()
    judged_at = peewee.BigIntegerField()

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
    repeated = peewee.BooleanField(constraints=[peewee.SQL("DEFAULT 0")])
    digest = peewee.IntegerField(null=True, index=True)

    class Meta:
        table_name = "deliveries"
        indexes = (
            (("alert", "channel", "recipient", "step"), True),
            (("channel", "state", "next_at"), False),
            (("state", "next_at"), False),
            (("channel", "provider_id"), False),
            (("channel", "leased_at"), False),
            (("channel", "told_at"), False),
        )


class AttemptRow(Numbered):
    """One try to send a delivery; without an end while it is under way."""

    delivery = peewee.ForeignKeyField(DeliveryRow, column_name="delivery")
    number = peewee.IntegerField()
    started_at = peewee.BigIntegerField()
    ended_at = peewee.BigIntegerField(null=True)
    outcome = peewee.CharField(max_length=24, null=True)
    detail = peewee.TextField()
    provider_id = peewee.CharField(max_length=255)

    class Meta:
        table_name = "attempts"
        indexes = ((("delivery", "number"), True),)


class HoldRow(Numbered):
    """Why a delivery was held back, when, and until when."""

    delivery = peewee.ForeignKeyField(DeliveryRow, column_name="delivery")
    reason = peewee.CharField(max_length=32)
    because = peewee.TextField()
    at = peewee.BigIntegerField()
    until = peewee.BigIntegerField()

    class Meta:
        table_name = "holds"


class ChargeRow(Numbered):
    """What a try to send cost: SMS segments that have gone out, or may have."""

    delivery = peewee.ForeignKeyField(DeliveryRow, column_name="delivery")
    channel = peewee.CharField(max_length=64)
    at = peewee.BigIntegerField()
    segments = peewee.IntegerField()

    class Meta:
        table_name = "charges"
        indexes = ((("channel", "at"), False),)
