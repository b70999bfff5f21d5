"""Whatever a broker and this process do in between: no order is taken twice, no fill lost, nothing oversold."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from hybridd.clock import ManualClock
from hybridd.errors import BrokerError
from hybridd.model.order import Fill, Leg, MarketRules, OrderReport, OrderState
from hybridd.model.trade import Side, TradeState
from hybridd.pipeline.booking import move_stop
from hybridd.pipeline.orders import order_entry, order_exit
from hybridd.pipeline.propose import post
from hybridd.pipeline.trade import UNHEARD_MS, Trader
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import open_store
from hybridd.trading.ledger import held_of
from tests.makers import T0, analysis
from tests.unit.pipeline.trade_house import proposal

D = Decimal
LOT = D("0.001")
FATES = ("take", "take", "take", "take and lose", "lose", "refuse", "return", "die before", "die after")
ASKING = ("answer", "answer", "answer", "down")


class Doubtful:
    """An exchange whose every answer the test draws. It gives a fill to nobody twice and knows what is really held."""

    name, live = "doubtful", True

    def __init__(self, draw, both):
        self.draw, self.both, self.calm = draw, both, False
        self.book, self.taken, self.fills = {}, [], {}

    def submit(self, order):
        fate = "take" if self.calm else self.draw(st.sampled_from(FATES))
        if fate == "die before":
            raise KeyboardInterrupt
        report = OrderReport(client_id=order.client_id, state=OrderState.OPEN, broker_id="b")
        if fate.startswith(("take", "die")):
            self.taken.append(order.client_id)
            self.book[order.client_id] = (order, report)
        if fate == "die after":
            raise KeyboardInterrupt
        states = {"refuse": OrderState.REJECTED, "return": OrderState.NEW, "lose": OrderState.SENT}
        state = OrderState.SENT if fate == "take and lose" else states.get(fate)
        return report if state is None else replace(report, state=state, broker_id="", detail=fate)

    def find(self, order):
        self._asked()
        found = self.book.get(order.client_id)
        return found[1] if found else None

    def cancel(self, order):
        self._asked()
        if order.client_id not in self.book:
            raise BrokerError("never heard of it")
        known, report = self.book[order.client_id]
        if report.state is OrderState.OPEN:
            self.book[order.client_id] = (known, replace(report, state=OrderState.CANCELLED))
        if not self.calm and self.draw(st.booleans()):
            raise BrokerError("the answer was lost")
        return self.book[order.client_id][1]

    def rules(self, symbol):
        return MarketRules(tick=D("0.01"), lot=LOT)

    def holds_both(self, symbol):
        return self.both

    def quote(self, symbol, now):
        self._asked()

    def held(self, symbol):
        return None

    def close(self):
        pass

    def fill(self, client_id, share):
        """Fill a part of an order, never more than the position where it only reduces."""
        order, report = self.book[client_id]
        left = order.quantity - sum((f.quantity for f in report.fills), D(0))
        part = max(LOT, (left * share / LOT).to_integral_value() * LOT)
        part = min(part, left, self.position if order.reduce_only else part)
        if part > 0 and report.state is OrderState.OPEN:
            number = len(report.fills)
            price = order.price or D(100)
            made = Fill(id=f"{client_id}/{number}", at=T0 + 1, buy=order.buy, quantity=part, price=price, fee=D("0.01"))
            state = OrderState.FILLED if part == left else OrderState.OPEN
            self.book[client_id] = (order, replace(report, state=state, fills=(*report.fills, made)))

    @property
    def position(self):
        fills = [f for _, report in self.book.values() for f in report.fills]
        return abs(sum(((1 if f.buy else -1) * f.quantity for f in fills), D(0)))

    def _asked(self):
        if not self.calm and self.draw(st.sampled_from(ASKING)) == "down":
            raise BrokerError("down")


@pytest.mark.parametrize("both", [True, False])
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_no_order_twice_no_fill_lost_nothing_sold_that_is_not_held(both, data):
    clock = ManualClock(T0)
    with closing(open_store("sqlite://:memory:", clock=clock)) as store:
        _live(data, both, clock, store)


def _live(data, both, clock, store):
    told = []
    broker = Doubtful(data.draw, both)
    side = data.draw(st.sampled_from(list(Side)))

    def a_trader():
        return Trader(store=store, broker=broker, clock=clock, tell=lambda *news: told.append(news), fee_percent=0.1)

    def around():
        nonlocal trader
        try:
            trader.round()
        except KeyboardInterrupt:
            trader = a_trader()

    trader = a_trader()
    with store.transaction():
        order_entry(store, post(store, proposal(side), TradingRules(), (), T0), broker.name, T0)
    for step in range(data.draw(st.integers(5, 30))):
        clock.advance(data.draw(st.sampled_from((1000, 1000, UNHEARD_MS + 1))))
        _happen(data.draw, store, broker, clock, step)
        around()
    broker.calm = True
    for _ in range(12):
        clock.advance(UNHEARD_MS * 400)
        trader.round()
    _check(store, broker)


def _happen(draw, store, broker, clock, step):
    what = draw(st.sampled_from(("nothing", "fill", "fill", "part", "stop", "exit", "price")))
    waiting = [name for name, (_, report) in broker.book.items() if report.state is OrderState.OPEN]
    trade = next(iter(store.trades.open_trades()), None)
    if what in {"fill", "part"} and waiting:
        broker.fill(draw(st.sampled_from(waiting)), D(1) if what == "fill" else D("0.4"))
    elif what == "stop" and trade:
        move_stop(store, trade.id, 100.0 - trade.side.sign * draw(st.integers(1, 9)), "me", clock.now())
    elif what == "exit" and trade and not any(k.order.leg is Leg.EXIT for k in store.orders.of_trade(trade.id)):
        order_exit(store, trade.id, clock.now())
    elif what == "price":
        price = 100.0 + draw(st.integers(-25, 25))
        store.analyses.add_many([structs.replace(analysis(50.0), candle_close=T0 + step + 1, price=price)])


def _check(store, broker):
    assert len(broker.taken) == len(set(broker.taken)), "an order was taken twice"
    made = [fill for _, report in broker.book.values() for fill in report.fills]
    trades = store.trades.list()
    kept = [fill for trade in trades for fill in store.fills.of(trade.id) if fill.id != "dust"]
    assert sorted(f.id for f in kept) == sorted(f.id for f in made), "a fill was lost, or booked twice"
    assert broker.position == sum((held_of(t) for t in trades if t.state is TradeState.OPEN), D(0))
    for trade in trades:
        if trade.state is TradeState.OPEN:
            asked = [k for k in store.orders.of_trade(trade.id) if k.order.state is OrderState.OPEN]
            covered = sum((k.order.quantity for k in asked if k.order.leg is Leg.STOP), D(0))
            leaving = [k for k in asked if k.order.leg in {Leg.ENTRY, Leg.EXIT, Leg.TARGET}]
            assert covered == held_of(trade) or leaving, "an open trade stands without its stop"
        else:
            waiting = [
                k for k in store.orders.of_trade(trade.id) if k.order.state in {OrderState.OPEN, OrderState.SENT}
            ]
            assert waiting == [], "an order of a closed trade is left behind"
