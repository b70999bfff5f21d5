"""Approved proposals become trades at a broker, whatever the broker and this process do in between."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hybridd.brokers.paper import PaperBroker
from hybridd.clock import ManualClock
from hybridd.errors import BrokerError, DataError
from hybridd.model.order import Fill, Leg, MarketRules, OrderReport, OrderState
from hybridd.model.proposal import Proposal
from hybridd.model.trade import Side, Target, TradeState
from hybridd.pipeline.booking import move_stop
from hybridd.pipeline.orders import order_entry, order_exit
from hybridd.pipeline.propose import post
from hybridd.pipeline.standing import set_pause
from hybridd.pipeline.trade import UNHEARD_MS, Trader
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from hybridd.trading.risk import Pause
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


class House:
    """A state, a clock, and a trader at a broker that the test makes."""

    def __init__(self, path):
        self.clock, self.told, self.candles = ManualClock(T0), [], []
        self.store = open_store(f"sqlite:///{path}", clock=self.clock)
        self.broker = self.paper()
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

        return PaperBroker(
            candles_since=lambda _, at: [c for c in self.candles if c[0] >= at], clock=self.clock, fee_percent=0.1,
            slippage_percent=slippage, made_at=made_at,
        )  # fmt: skip

    def approve(self, made=None):
        with self.store.transaction():
            stored = post(self.store, made or proposal(), TradingRules(), (), T0)
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


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state.db")
    yield made
    assert made.store.verify() == []
    made.store.close()


def test_a_paper_trade_from_the_yes_to_the_last_target(house):
    house.approve()
    house.trader.round()
    assert house.trade is None
    house.candle(101, 102, 99)
    assert (house.trade.entry_price, house.trade.stop_price, house.trade.quantity) == (101.0, 91.0, 0.3)
    assert house.orders() == [
        ("entry", "filled", None), ("stop", "open", D(91)), ("target", "open", D(111)), ("target", "open", D(121)),
    ]  # fmt: skip
    house.candle(110, 112, 108)
    assert (house.trade.reached, house.trade.remaining, house.trade.stop_price) == (1, D("0.5"), 101.0)
    house.candle(120, 122, 119)
    assert (house.trade.state, house.trade.remaining) == (TradeState.CLOSED, 0)
    earned = D("0.15") * (111 - 101) + D("0.15") * (121 - 101)
    fees = D("0.001") * (D("0.3") * 101 + D("0.15") * 111 + D("0.15") * 121)
    assert house.trade.realised == earned - fees
    assert {state for _, state, _ in house.orders()} == {"filled", "cancelled"}
    assert [what for what, _, _ in house.told] == ["TRADE_OPENED", "TRADE_CLOSED"]


def test_a_short_trade_ends_at_its_stop_and_its_targets_are_taken_back(house):
    house.approve(proposal(Side.SHORT))
    house.trader.round()
    house.candle(100, 100, 100)
    house.candle(105, 111, 104)
    assert (house.trade.state, house.trade.exit_price) == (TradeState.CLOSED, 110.0)
    targets = [o[1:] for o in house.orders() if o[0] == "target"]
    assert targets == [("cancelled", D(90)), ("cancelled", D(80))]


def test_slippage_and_gaps_cost_what_they_cost(house):
    house.broker = house.paper(slippage=1.0)
    house.restart()
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    assert house.trade.entry_price == 101.0
    house.candle(80, 82, 79)
    assert house.trade.exit_price == pytest.approx(79.2)


def test_the_persons_own_stop_replaces_the_order(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    move_stop(house.store, 1, 97.0, "cli:me", T0)
    house.trader.round()
    house.trader.round()
    stops = [o for o in house.orders() if o[0] == "stop"]
    assert stops == [("stop", "cancelled", D(90)), ("stop", "open", D(97))]


def test_an_exit_at_market_takes_everything_and_nothing_stays_behind(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    order_exit(house.store, 1, house.clock.now())
    house.trader.round()
    house.candle(104, 105, 103)
    assert (house.trade.state, house.trade.exit_price) == (TradeState.CLOSED, 104.0)
    house.trader.round()
    assert {state for _, state, _ in house.orders()} == {"filled", "cancelled"}
    with pytest.raises(DataError, match="closed already"):
        order_exit(house.store, 1, T0)


def test_a_proposal_without_a_size_is_no_order(house):
    with pytest.raises(DataError, match="has no size"):
        house.approve(proposal(quantity="0"))
    assert house.orders() == []


@pytest.mark.parametrize("pause", [Pause.KILLED, Pause.PAUSED, Pause.REDUCE_ONLY])
def test_nothing_new_is_sent_once_the_person_has_said_stop(house, pause):
    house.approve()
    set_pause(house.store, pause, "me", T0)
    house.candle(100, 100, 100)
    assert house.orders() == [("entry", "cancelled", None)]


def test_the_kill_switch_also_keeps_what_closes_from_being_sent(house):
    house.approve()
    house.trader.round()
    house.candle(100, 100, 100)
    set_pause(house.store, Pause.KILLED, "me", T0)
    order_exit(house.store, 1, house.clock.now())
    house.candle(100, 101, 99)
    assert house.orders()[-1] == ("exit", "new", None)
    set_pause(house.store, Pause.NONE, "me", T0)
    house.candle(100, 101, 99)
    house.candle(100, 101, 99)
    assert house.trade.state is TradeState.CLOSED


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

    def held(self, symbol):
        return self.account

    def close(self):
        pass


@pytest.fixture
def scripted(house):
    house.broker = Scripted()
    house.restart()
    return house.broker


def test_an_order_that_arrived_and_was_not_heard_of_is_found_and_never_sent_again(house, scripted):
    scripted.fate = "accept and drop"
    order = house.approve()
    for _ in range(3):
        house.trader.round()
    assert scripted.submitted == [order.client_id]
    assert house.orders()[0][1] == "open"
    scripted.fill(order.client_id, ("0.3", "100"))
    house.trader.round()
    assert house.trade.quantity == 0.3


def test_an_order_that_never_arrived_is_given_up_and_told_and_not_repeated(house, scripted):
    scripted.fate = "drop"
    order = house.approve()
    house.trader.round()
    house.clock.advance(UNHEARD_MS - 1)
    house.trader.round()
    assert house.orders() == [("entry", "sent", None)]
    house.clock.advance(1)
    house.trader.round()
    house.trader.round()
    assert house.orders() == [("entry", "cancelled", None)]
    assert scripted.submitted == [order.client_id]
    assert "never arrived" in house.told[0][2]


def test_a_broker_that_is_down_is_asked_again_later(house, scripted):
    scripted.fate = "drop"
    house.approve()
    house.trader.round()
    scripted.down = True
    house.clock.advance(10 * UNHEARD_MS)
    house.trader.round()
    assert house.trader.trouble == "scripted is down"
    assert house.orders() == [("entry", "sent", None)]


def test_a_refused_order_is_told_with_the_reason(house, scripted):
    scripted.fate = "refuse"
    house.approve()
    house.trader.round()
    assert house.orders() == [("entry", "rejected", None)]
    ((what, _, words),) = house.told
    assert (what, words) == (
        "ORDER_REJECTED",
        "the entry order to buy 0.3 of BTC/USDT was refused: too small (scripted)",
    )


def test_parts_are_booked_once_each_as_they_come(house, scripted):
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.1", "100"), state=OrderState.OPEN)
    house.trader.round()
    house.trader.round()
    assert house.trade.quantity == 0.1
    scripted.fill(order.client_id, ("0.1", "100"), ("0.2", "103"))
    house.trader.round()
    house.trader.round()
    assert (house.trade.quantity, house.trade.entry_price) == (0.3, 102.0)
    assert len(house.store.fills.of(1)) == 2
    assert [o[0] for o in house.orders()] == ["entry", "stop", "target", "target"]


def test_a_target_that_is_partly_filled_keeps_its_place_and_the_stop_shrinks(house, scripted):
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.3", "100"))
    house.trader.round()
    target = next(k.order for k in house.store.orders.of_trade(1) if k.order.leg is Leg.TARGET)
    scripted.fill(target.client_id, ("0.05", "110"), state=OrderState.OPEN)
    house.trader.round()
    house.trader.round()
    stops = [k.order for k in house.store.orders.of_trade(1) if k.order.leg is Leg.STOP]
    assert [(o.state.value, o.quantity) for o in stops] == [("cancelled", D("0.3")), ("open", D("0.25"))]
    assert sum(k.order.client_id == target.client_id for k in house.store.orders.of_trade(1)) == 1


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_death_while_sending_neither_doubles_nor_loses(house, scripted, point):
    order = house.approve()
    real = scripted.submit

    def die(sent):
        if point == "after":
            real(sent)
        raise KeyboardInterrupt

    scripted.submit = die
    with pytest.raises(KeyboardInterrupt):
        house.trader.round()
    scripted.submit = real
    house.restart()
    house.clock.advance(UNHEARD_MS)
    house.trader.round()
    assert scripted.submitted == ([order.client_id] if point == "after" else [])
    assert house.orders()[0][1] == ("open" if point == "after" else "cancelled")


def test_a_broker_that_holds_only_the_stop_leaves_at_market_where_a_target_was_reached(house, scripted):
    from tests.makers import analysis

    scripted.both = False
    order = house.approve()
    house.trader.round()
    scripted.fill(order.client_id, ("0.3", "100"))
    house.trader.round()
    house.trader.round()
    assert [o[:2] for o in house.orders()] == [("entry", "filled"), ("stop", "open")]
    house.store.analyses.add_many([replace(analysis(80.0), candle_close=T0 + 1, price=111.0)])
    house.trader.round()
    assert [o[:2] for o in house.orders()][1:] == [("stop", "cancelled"), ("target", "open")]
    target = house.store.orders.of_trade(1)[-1].order
    assert (target.quantity, target.price) == (D("0.15"), None)
    scripted.fill(target.client_id, ("0.15", "111"))
    house.trader.round()
    house.trader.round()
    assert house.trade.remaining == D("0.5")
    assert [o for o in house.orders() if o[0] == "stop"][-1] == ("stop", "open", D(100))
