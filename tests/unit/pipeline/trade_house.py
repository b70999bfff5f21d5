"""A state with a trader at a broker that the test chooses, and a broker that does what the test says."""

from dataclasses import replace
from decimal import Decimal

from hybridd.brokers.paper import PaperBroker
from hybridd.clock import ManualClock
from hybridd.errors import BrokerError
from hybridd.model.order import Fill, MarketRules, OrderReport, OrderState
from hybridd.model.proposal import Proposal
from hybridd.model.trade import Side, Target
from hybridd.pipeline.orders import order_entry
from hybridd.pipeline.propose import post
from hybridd.pipeline.trade import Trader
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from hybridd.trading.ledger import held_of
from tests.makers import T0

D = Decimal
RULES = MarketRules(tick=D("0.01"), lot=D("0.001"))


def proposal(side=Side.LONG, quantity="0.3", shares=("0.5", "0.5")):
    sign = side.sign
    targets = tuple(
        Target(r=D(r), price=D(100 + sign * 10 * r), share=D(s)) for r, s in zip((1, 2), shares, strict=True)
    )
    return Proposal(
        symbol="BTC/USDT", timeframe="5m", candle_close=T0, side=side, created_at=T0, expires_at=T0 + 900_000,
        price=D(100), stop=D(100 - sign * 10), targets=targets, quantity=D(quantity), risk_money=D(3), score=80.0,
        confidence=0.9, reasons_for=(), reasons_against=(), size_reason="the account's size is not set",
    )  # fmt: skip


def wish(symbol="BTC/USDT", side=Side.LONG, quantity="0.3"):
    sign = side.sign
    targets = tuple(Target(r=D(k), price=D(30_000 + sign * 1000 * k), share=D("0.5")) for k in (1, 2))
    made = replace(proposal(side, quantity), symbol=symbol, price=D(30_000), stop=D(30_000 - sign * 1000))
    return replace(made, targets=targets)


class House:
    """A state, a clock, and a trader at a broker that the test makes."""

    def __init__(self, path, broker=None, now=T0):
        self.clock, self.told, self.candles = ManualClock(now), [], []
        self.store = open_store(f"sqlite:///{path}", clock=self.clock)
        self.broker = broker or self.paper()
        self.restart()

    def restart(self):
        self.trader = Trader(
            store=self.store, broker=self.broker, clock=self.clock, fee_percent=0.1,
            tell=lambda what, subject, words: self.told.append((what, subject, words)),
        )  # fmt: skip

    def paper(self, slippage=0.0):
        def made_at(order):
            kept = self.store.orders.get(order.client_id)
            return kept.sent_at or kept.created_at

        def left_of(order):
            trade = self.store.trades.get(order.trade_id) if order.reduce_only else None
            return order.quantity if trade is None else held_of(trade)

        return PaperBroker(
            candles_since=lambda _, at: [c for c in self.candles if c[0] >= at], clock=self.clock, fee_percent=0.1,
            slippage_percent=slippage, made_at=made_at, left_of=left_of,
        )  # fmt: skip

    def approve(self, made=None):
        with self.store.transaction():
            stored = post(self.store, made or proposal(), TradingRules(), (), self.clock.now())
            return order_entry(self.store, stored, self.broker.name, self.clock.now())

    def candle(self, first, high, low):
        self.clock.advance(60_000)
        self.candles.append((self.clock.now(), first, high, low))
        self.clock.advance(1)
        self.trader.round()
        self.trader.round()

    @property
    def trade(self):
        return self.store.trades.get(1)

    def orders(self):
        found = reversed(self.store.orders.list())
        return [(k.order.leg.value, k.order.state.value, k.order.price) for k in found]


class Scripted:
    """A broker of which the test says what it does with each order; `book` is what it really has."""

    name, live = "scripted", True

    def __init__(self):
        self.book, self.submitted, self.fate, self.down = {}, [], "accept", False
        self.both, self.account, self.the_rules = True, None, RULES

    def submit(self, order):
        self.submitted.append(order.client_id)
        if self.fate == "drop":
            return OrderReport(client_id=order.client_id, state=OrderState.SENT, detail="time-out")
        if self.fate == "return":
            return OrderReport(client_id=order.client_id, state=OrderState.NEW, detail="too busy")
        if self.fate == "refuse":
            return OrderReport(client_id=order.client_id, state=OrderState.REJECTED, detail="too small")
        self.book[order.client_id] = OrderReport(client_id=order.client_id, state=OrderState.OPEN, broker_id="b1")
        if self.fate == "accept and drop":
            return OrderReport(client_id=order.client_id, state=OrderState.SENT, detail="dropped")
        return self.book[order.client_id]

    def find(self, order):
        if self.down:
            raise BrokerError("scripted is down")
        return self.book.get(order.client_id)

    def cancel(self, order):
        report = self.book.get(order.client_id) or OrderReport(client_id=order.client_id, state=OrderState.OPEN)
        if report.state is not OrderState.FILLED:
            self.book[order.client_id] = replace(report, state=OrderState.CANCELLED)
        return self.book[order.client_id]

    def fill(self, client_id, *parts, state=OrderState.FILLED):
        fills = tuple(
            Fill(id=f"{client_id}/{i}", at=T0 + 1, buy=True, quantity=D(q), price=D(p))
            for i, (q, p) in enumerate(parts)
        )
        self.book[client_id] = replace(self.book[client_id], state=state, fills=fills)

    def rules(self, symbol):
        return self.the_rules

    def holds_both(self, symbol):
        return self.both

    def quote(self, symbol, now):
        return None

    def held(self, symbol):
        return self.account

    def close(self):
        pass
