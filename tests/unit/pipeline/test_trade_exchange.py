"""The trader at the exchange broker and a local account: no order twice, none lost, and every coin accounted for."""

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from hybridd.model.order import OrderState
from hybridd.model.trade import Side, TradeState
from hybridd.pipeline.booking import move_stop
from hybridd.pipeline.orders import order_exit
from hybridd.pipeline.trade import UNHEARD_MS
from hybridd.trading.ledger import held_of
from tests.fakes.binance_orders import Account, Resting
from tests.fakes.faults import FaultKind
from tests.makers import analysis
from tests.unit.brokers.exchange_house import SPOT, SWAP, D, an_exchange, broker_at
from tests.unit.pipeline.trade_house import House, wish


@pytest.fixture(scope="module")
def exchange():
    with an_exchange() as made:
        yield made


@pytest.fixture
def account(exchange):
    exchange[0].heal()
    exchange[0].account = Account()
    return exchange[0].account


@pytest.fixture
def house(exchange, account, tmp_path):
    fake, feeds = exchange
    made = House(tmp_path / "state.db", now=fake.time())
    made.broker = broker_at(fake, feeds, made.clock, timeout=2.0)
    made.restart()
    yield made
    assert made.store.verify() == []
    made.broker.close()
    made.store.close()


def rounds(house, count=3):
    for _ in range(count):
        house.clock.advance(1000)
        house.trader.round()


def price(house, account, value, symbol=SPOT):
    account.move("BTCUSDT", value)
    now = house.clock.now()
    house.store.analyses.add_many([replace(analysis(80.0), symbol=symbol, candle_close=now, price=float(value))])
    rounds(house, 4)


def worth(account):
    return account.balances["USDT"] + account.balances["BNB"] * 600


@pytest.mark.parametrize("fee_in", ["quote", "base", "BNB"])
def test_a_spot_trade_from_the_yes_to_the_last_target_leaves_the_cash_that_the_ledger_says(house, account, fee_in):
    account.fee_in = fee_in
    before = worth(account)
    house.approve(wish())
    rounds(house)
    assert [o[:2] for o in house.orders()] == [("entry", "filled"), ("stop", "open")]
    price(house, account, 31_000)
    assert house.trade.stop_price == house.trade.entry_price
    price(house, account, 32_000)
    assert (house.trade.state, house.trade.exit_reason) == (TradeState.CLOSED, "target")
    left = account.balances["BTC"]
    assert 0 <= left < D("0.00001")
    assert house.trade.realised == pytest.approx(worth(account) - before, abs=D("0.0000001"))
    assert len({o.client_id for o in account.orders}) == len(account.orders) == len(account.posts)
    assert not [o for o in account.orders if o.status == "NEW"]


@pytest.mark.parametrize("side", list(Side))
def test_a_perpetual_has_its_stop_and_targets_at_the_exchange(house, account, side):
    house.approve(wish(SWAP, side))
    rounds(house)
    assert [o[:2] for o in house.orders()] == [
        ("entry", "filled"),
        ("stop", "open"),
        ("target", "open"),
        ("target", "open"),
    ]
    price(house, account, 30_000 + side.sign * 1000, SWAP)
    assert (house.trade.reached, house.trade.remaining, account.positions["BTCUSDT"]) == (
        1, D("0.5"), side.sign * D("0.15"),
    )  # fmt: skip
    assert [(o.quantity, o.trigger) for o in account.orders if o.aside and o.status == "NEW"] == [(D("0.15"), 30_000)]
    price(house, account, 30_000 - side.sign, SWAP)
    assert (house.trade.state, house.trade.exit_reason, account.positions["BTCUSDT"]) == (TradeState.CLOSED, "stop", 0)
    assert not [o for o in account.orders if o.status == "NEW"]
    before = D(100_000)
    assert house.trade.realised == pytest.approx(account.balances["USDT"] + pnl(account) - before, abs=D("0.0000001"))


def pnl(account):
    """Money of perpetuals: what was sold minus what was bought."""
    return sum(((-1 if o.buy else 1) * o.money for o in account.orders), D(0))


FAULTS = [
    *({"kind": kind} for kind in (FaultKind.DROP, FaultKind.HALF, FaultKind.GARBAGE, FaultKind.HTML, 500, 502, 503)),
    {"kind": FaultKind.SLOW, "seconds": 4.0},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: str(f["kind"]))
def test_an_entry_with_an_unclear_outcome_is_neither_doubled_nor_lost(house, account, exchange, fault):
    exchange[0].fail(**fault, method="POST", path="/order", times=1)
    order = house.approve(wish())
    rounds(house, 4)
    assert account.posts.count(order.client_id) == len(account.of(order.client_id)) == 1
    assert (house.trade.quantity, house.orders()[0][1]) == (0.3, "filled")


def test_an_entry_that_never_arrived_is_given_up_and_not_sent_again(house, account):
    account.refuse(0, "", status=0)
    order = house.approve(wish())
    rounds(house)
    house.clock.advance(UNHEARD_MS)
    rounds(house)
    assert (account.orders, account.posts) == ([], [order.client_id])
    assert house.orders() == [("entry", "cancelled", None)]


@pytest.mark.parametrize(
    ("code", "status", "posts", "accepted"),
    [(-1021, 400, 2, 1), (-1003, 429, 1, 0), (-1013, 400, 1, 0), (-2010, 400, 1, 0), (-2015, 401, 1, 0)],
)
def test_what_was_certainly_not_taken_is_sent_again_at_most_once(house, account, code, status, posts, accepted):
    account.refuse(code, "No.", status=status)
    order = house.approve(wish())
    rounds(house, 4)
    assert (account.posts.count(order.client_id), len(account.of(order.client_id))) == (posts, accepted)


def test_a_clock_that_cannot_be_set_right_ends_the_entry_after_the_second_try(house, account):
    account.refuse(-1021, "Timestamp for this request is outside of the recvWindow.", times=99)
    order = house.approve(wish())
    rounds(house, 6)
    assert account.posts == [order.client_id] * 2
    assert house.orders() == [("entry", "rejected", None)]


def test_an_entry_after_a_pause_that_the_exchange_asked_for_is_sent_once_more(house, account):
    account.refuse(-1003, "Too many requests.", status=429)
    order = house.approve(wish())
    rounds(house, 4)
    house.clock.advance(31_000)
    rounds(house)
    assert account.posts.count(order.client_id) == 2
    assert house.trade.quantity == 0.3


@pytest.mark.parametrize(("price", "words"), [(30_500, "30000 then, "), (29_500, "30000 then, ")])
def test_a_price_that_ran_away_between_the_yes_and_the_order_needs_a_new_yes(house, account, price, words):
    order = house.approve(wish())
    account.prices["BTCUSDT"] = D(price)
    rounds(house)
    assert (account.posts, house.orders()) == ([], [("entry", "cancelled", None)])
    assert words in house.told[0][2]
    assert house.told[0][2].endswith("it needs your approval again (binance)")
    assert house.store.orders.get(order.client_id).sent_at == 0


def test_an_exchange_that_tells_no_price_is_sent_no_entry(house, account, exchange):
    order = house.approve(wish())
    exchange[0].fail(500, path="/depth")
    rounds(house)
    assert (account.posts, house.trader.trouble != "") == ([], True)
    exchange[0].heal()
    rounds(house)
    assert account.posts[0] == order.client_id


def test_parts_of_an_entry_are_protected_once_it_is_whole(house, account):
    account.part = D("0.4")
    order = house.approve(wish())
    rounds(house)
    assert (house.trade.quantity, len(house.orders())) == (0.12, 1)
    account.fill(order.client_id, price=30_100)
    rounds(house)
    assert (house.trade.quantity, house.trade.entry_price) == (0.3, pytest.approx(30_060))
    assert [k.order.quantity for k in house.store.orders.of_trade(1)][1:] == [D("0.3")]


def test_an_exit_on_spot_takes_the_stop_back_first(house, account):
    house.approve(wish())
    rounds(house)
    order_exit(house.store, 1, house.clock.now())
    rounds(house)
    assert (house.trade.state, account.balances["BTC"]) == (TradeState.CLOSED, 0)
    assert [o.status for o in account.orders] == ["FILLED", "CANCELED", "FILLED"]


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.GARBAGE, 502])
def test_a_stop_is_moved_also_where_the_answers_are_lost(house, account, exchange, kind):
    house.approve(wish())
    rounds(house)
    exchange[0].fail(kind, method="DELETE", path="/order", times=1)
    exchange[0].fail(kind, method="POST", path="/order", times=1)
    move_stop(house.store, 1, 29_500.0, "cli:me", house.clock.now())
    rounds(house, 5)
    waiting = [(o.trigger, o.quantity) for o in account.orders if o.status == "NEW"]
    assert waiting == [(D(29_500), D("0.3"))]
    assert [what for what, _, _ in house.told] == ["TRADE_OPENED"]


def test_what_the_person_sold_by_hand_is_noticed(house, account):
    house.approve(wish())
    rounds(house)
    assert house.trader.differences() == {}
    account.orders[-1].status = "CANCELED"
    account.balances["BTC"] = Decimal(0)
    rounds(house)
    assert "ORDER_CANCELLED" in [what for what, _, _ in house.told]
    assert "the account holds 0, the open trades say 0.3" in house.trader.differences()[SPOT]


def test_an_outage_in_the_middle_changes_nothing(house, account, exchange):
    house.approve(wish())
    rounds(house)
    posts = len(account.posts)
    for kind in (FaultKind.DROP, 500, FaultKind.GARBAGE):
        exchange[0].fail(kind, path="/order")
        rounds(house, 2)
        assert house.trader.trouble
        exchange[0].heal()
    rounds(house)
    assert (house.trader.trouble, len(account.posts)) == ("", posts)
    assert house.store.orders.waiting("binance")[0].order.state is OrderState.OPEN


ROOT = Path(__file__).resolve().parents[3]


def work(house, exchange, point, ahead=0):
    """The trade job in a process of its own; its exit code."""
    command = [sys.executable, "-m", "tests.fakes.trader_process", str(house.store.path), exchange[0].url, point]
    return subprocess.run([*command, str(ahead)], cwd=ROOT, timeout=60, check=False).returncode


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_process_that_is_killed_while_it_sends_neither_doubles_nor_loses(house, account, exchange, point):
    order = house.approve(wish())
    assert work(house, exchange, point) == -signal.SIGKILL
    assert house.store.orders.get(order.client_id).order.state is OrderState.SENT
    assert account.posts == ([order.client_id] if point == "after" else [])
    assert work(house, exchange, "never", ahead=UNHEARD_MS + 1000) == 0
    assert account.posts.count(order.client_id) == len(account.of(order.client_id)) == (1 if point == "after" else 0)
    expected = [("entry", "filled"), ("stop", "open")] if point == "after" else [("entry", "cancelled")]
    assert [o[:2] for o in house.orders()] == expected
    reasons = [alert.reasons[0].value for alert in house.store.alerts.list(limit=10)]
    assert reasons == (["TRADE_OPENED"] if point == "after" else ["ORDER_REJECTED"])


def there_already(account, exchange, order):
    """The same order, which an earlier request brought without anybody hearing of it."""
    account.orders.append(
        Resting(
            id=999, client_id=order.client_id, symbol="BTCUSDT", futures=False, buy=True, kind="MARKET",
            quantity=order.quantity, price=None, trigger=None, reduce_only=False, at=exchange[0].time(),
        )
    )  # fmt: skip
    account.fill(order.client_id)
    account.refuse(-2010, "Duplicate order sent.")


ANSWERS_OF_AN_EXCHANGE = {
    "accepted": (lambda a, x, o: None, "0.3"),
    "accepted, then dropped": (lambda a, x, o: x[0].fail(FaultKind.DROP, method="POST", path="/order", times=1), "0.3"),
    "accepted, then 502": (lambda a, x, o: x[0].fail(502, method="POST", path="/order", times=1), "0.3"),
    "accepted, then nonsense": (
        lambda a, x, o: x[0].fail(FaultKind.GARBAGE, method="POST", path="/order", times=1), "0.3",
    ),
    "lost on the way": (lambda a, x, o: a.refuse(0, "", status=0), None),
    "partly filled": (lambda a, x, o: setattr(a, "part", D("0.4")), "0.12"),
    "there already": (there_already, "0.3"),
    "no money": (lambda a, x, o: a.refuse(-2010, "Account has insufficient balance for requested action."), None),
    "wrong clock": (lambda a, x, o: a.refuse(-1021, "Timestamp for this request is outside of the recvWindow."), None),
    "filter": (lambda a, x, o: a.refuse(-1013, "Filter failure: NOTIONAL"), None),
    "too many requests": (lambda a, x, o: a.refuse(-1003, "Too many requests.", status=429), None),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS_OF_AN_EXCHANGE)
def test_killed_before_the_answer_is_written_down_nothing_is_doubled_and_nothing_lost(house, account, exchange, case):
    script, bought = ANSWERS_OF_AN_EXCHANGE[case]
    order = house.approve(wish())
    script(account, exchange, order)
    assert work(house, exchange, "after") == -signal.SIGKILL
    exchange[0].heal()
    account.refusals.clear()
    assert work(house, exchange, "never", ahead=UNHEARD_MS + 1000) == 0
    assert account.posts.count(order.client_id) == 1
    assert len(account.of(order.client_id)) == (1 if bought else 0)
    trades, reasons = house.store.trades.list(), [a.reasons[0].value for a in house.store.alerts.list(limit=10)]
    assert sum((held_of(trade) for trade in trades), D(0)) == D(bought or 0) == account.balances["BTC"]
    assert reasons == (["TRADE_OPENED"] if bought else ["ORDER_REJECTED"])
    if case == "partly filled":
        account.part = D(1)
        account.fill(order.client_id)
        assert work(house, exchange, "never", ahead=UNHEARD_MS + 3000) == 0
        assert house.store.trades.list()[0].quantity == 0.3
    if bought:  # whatever it went through, what was bought is protected, once
        assert [(o.trigger, o.quantity) for o in account.orders if o.status == "NEW"] == [(D(29_000), D("0.3"))]


def test_a_process_that_is_killed_while_it_places_a_stop_places_one(house, account, exchange):
    house.approve(wish())
    rounds(house, 1)
    house.clock.advance(1000)
    house.trader.round()
    (stop,) = [k for k in house.store.orders.of_trade(1) if k.order.leg.value == "stop"]
    assert stop.order.state is OrderState.OPEN
    move_stop(house.store, 1, 29_500.0, "cli:me", house.clock.now())
    assert work(house, exchange, "after") == -signal.SIGKILL
    assert work(house, exchange, "never") == 0
    assert [(o.trigger, o.status) for o in account.orders[1:]] == [(29_000, "CANCELED"), (29_500, "NEW")]
    assert len(set(account.posts)) == len(account.posts) == 3
