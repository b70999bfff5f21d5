"""The tables of trading: what was proposed, how it can be answered, what was bought and sold."""

import peewee

from hybridd.store.rows import Numbered, Row
from hybridd.store.tables_watch import AlertRow


class ProposalRow(Numbered):
    """A trade that is proposed to the person: open, then approved, rejected, held, expired or superseded."""

    alert = peewee.ForeignKeyField(AlertRow, column_name="alert", null=True)
    symbol = peewee.CharField(max_length=64, index=True)
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
