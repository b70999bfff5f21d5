"""The exchange broker against a local exchange, through ccxt as it is: what is sent, what is made of the answers."""

import logging
import traceback
from dataclasses import replace

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import BrokerError
from hybridd.model.order import Leg, OrderKind, OrderState
from tests.fakes.binance_orders import Account
from tests.fakes.faults import FaultKind
from tests.unit.brokers.exchange_house import SPOT, SWAP, D, an_exchange, an_order, broker_at


@pytest.fixture(scope="module")
def exchange():
    with an_exchange() as made:
        yield made


@pytest.fixture
def fake(exchange):
    made = exchange[0]
    made.heal()
    made.account = Account()
    return made


@pytest.fixture
def clock(fake):
    return ManualClock(fake.time())


@pytest.fixture
def broker(exchange, fake, clock):
    made = broker_at(fake, exchange[1], clock)
    yield made
    made.close()


STOP = {"leg": Leg.STOP, "buy": False, "kind": OrderKind.STOP, "price": "29000"}
TARGET = {"leg": Leg.TARGET, "buy": False, "kind": OrderKind.LIMIT, "price": "31000"}


def test_an_order_at_market_is_accepted_filled_and_found_by_its_client_id(fake, broker):
    order = an_order()
    report = broker.submit(order)
    assert (report.state, report.broker_id) == (OrderState.OPEN, "1000")
    found = broker.find(order)
    (fill,) = found.fills
    assert (found.state, fill.quantity, fill.price, fill.fee) == (OrderState.FILLED, D("0.3"), 30_000, 9)
    assert [o.client_id for o in fake.account.orders] == ["hyb-abc123-p1-e0"]
    (sent,) = [r for r in fake.requests if r.method == "POST" and r.path == "/api/v3/order"][-1:]
    assert (sent.query["type"], sent.query["quantity"], sent.query["recvWindow"]) == ("MARKET", "0.3", "5000")
    assert "reduceOnly" not in sent.query


def test_stops_and_limits_of_spot_wait_and_are_taken_back(fake, broker):
    fake.account.balances["BTC"] = D(1)
    stop, target = an_order(**STOP), an_order(**TARGET, quantity="0.2")
    for order in (stop, target):
        assert broker.submit(order).state is OrderState.OPEN
        assert broker.find(order).state is OrderState.OPEN
    assert [(o.kind, o.trigger, o.price) for o in fake.account.orders] == [
        ("STOP_LOSS", 29_000, None), ("LIMIT", None, 31_000),
    ]  # fmt: skip
    assert broker.cancel(stop).state is OrderState.CANCELLED
    fake.account.move("BTCUSDT", 31_500)
    report = broker.cancel(target)
    assert (report.state, report.fills[0].price) == (OrderState.FILLED, 31_000)


def test_a_perpetual_s_stop_waits_beside_the_book_and_is_followed_when_triggered(fake, broker):
    entry, stop = an_order(symbol=SWAP), an_order(**STOP, symbol=SWAP)
    for order in (entry, stop, an_order(**TARGET, symbol=SWAP)):
        assert broker.submit(order).state is OrderState.OPEN
    assert broker.find(entry).state is OrderState.FILLED
    assert broker.held(SWAP) == D("0.3")
    assert broker.find(stop).state is OrderState.OPEN
    assert [o.reduce_only for o in fake.account.orders] == [False, True, True]
    fake.account.move("BTCUSDT", 28_990)
    found = broker.find(stop)
    assert (found.state, found.fills[0].quantity, found.fills[0].price) == (OrderState.FILLED, D("0.3"), 28_990)
    assert broker.held(SWAP) == 0
    assert broker.cancel(stop).state is OrderState.FILLED


def test_a_perpetual_s_stop_is_taken_back(fake, broker):
    broker.submit(an_order(symbol=SWAP, buy=False))
    assert broker.held(SWAP) == D("-0.3")
    stop = an_order(**(STOP | {"buy": True, "price": "31000"}), symbol=SWAP)
    broker.submit(stop)
    assert broker.cancel(stop).state is OrderState.CANCELLED


def test_who_holds_what_and_who_holds_both(fake, broker):
    fake.account.balances["BTC"] = D("0.7")
    fake.account.orders.clear()
    assert broker.held(SPOT) == D("0.7")
    broker.submit(an_order(**STOP))
    assert broker.held(SPOT) == D("0.7")
    assert (broker.holds_both(SPOT), broker.holds_both(SWAP)) == (False, True)


def test_steps_and_minima_are_the_market_s(broker):
    rules = broker.rules(SPOT)
    assert (rules.tick, rules.lot) == (D("0.000001"), D("0.00001"))
    assert (rules.least_quantity, rules.least_money) == (D("0.00001"), 5)


@pytest.mark.parametrize(("fee_in", "quantity", "fee"), [("quote", "0.3", 9), ("base", "0.2997", 9), ("BNB", "0.3", 9)])
def test_a_fee_is_valued_in_the_quote_currency(fake, broker, fee_in, quantity, fee):
    account = fake.account
    account.fee_in = fee_in
    before = dict(account.balances)
    broker.submit(an_order())
    (fill,) = broker.find(an_order()).fills
    assert (fill.quantity, fill.fee) == (D(quantity), fee)
    assert fill.quantity == account.balances["BTC"] - before["BTC"]
    out = before["USDT"] - account.balances["USDT"] + (before["BNB"] - account.balances["BNB"]) * 600
    assert fill.quantity * fill.price + fill.fee == out


def test_a_fee_in_a_coin_without_a_price_counts_as_the_set_percentage(fake, broker):
    fake.account.fee_in = "XYZ"
    fake.account.balances["XYZ"] = D(100)
    broker.submit(an_order())
    (fill,) = broker.find(an_order()).fills
    assert fill.fee == 9


def test_an_order_ends_only_once_its_trades_add_up(fake, broker):
    broker.submit(an_order())
    fake.account.trades_late = True
    assert (broker.find(an_order()).state, broker.find(an_order()).fills) == (OrderState.OPEN, ())
    fake.account.trades_late = False
    assert broker.find(an_order()).state is OrderState.FILLED


def test_a_part_is_reported_as_it_comes(fake, broker):
    fake.account.part = D("0.5")
    broker.submit(an_order())
    found = broker.find(an_order())
    assert (found.state, found.fills[0].quantity) == (OrderState.OPEN, D("0.15"))
    fake.account.fill(an_order().client_id)
    found = broker.find(an_order())
    assert (found.state, [fill.quantity for fill in found.fills]) == (OrderState.FILLED, [D("0.15"), D("0.15")])
    assert len({fill.id for fill in found.fills}) == 2


REFUSALS = [
    (-1013, "Filter failure: NOTIONAL", "the order does not fit"),
    (-2010, "Account has insufficient balance for requested action.", "look at the account's balance"),
    (-1111, "Precision is over the maximum defined for this asset.", "more digits"),
    (-2015, "Invalid API-key, IP, or permissions for action.", "check trading.api_key"),
    (-1100, "Illegal characters found in parameter.", "Illegal characters"),
]


@pytest.mark.parametrize(("code", "message", "words"), REFUSALS)
def test_a_refusal_is_final_and_says_why(fake, broker, code, message, words):
    fake.account.refuse(code, message)
    report = broker.submit(an_order())
    assert report.state is OrderState.REJECTED
    assert words in report.detail
    assert str(code) in report.detail
    assert broker.find(an_order()) is None


UNCLEAR = [
    {"kind": FaultKind.DROP}, {"kind": FaultKind.HALF}, {"kind": FaultKind.GARBAGE}, {"kind": FaultKind.HTML},
    {"kind": FaultKind.SHAPE}, {"kind": 500}, {"kind": 502}, {"kind": 504}, {"kind": FaultKind.SLOW, "seconds": 3.0},
]  # fmt: skip


@pytest.mark.parametrize("fault", UNCLEAR, ids=lambda f: str(f["kind"]))
def test_what_may_have_arrived_is_unclear_and_found_by_asking(fake, exchange, fault):
    broker = broker_at(fake, exchange[1], timeout=1.0)
    fake.fail(**fault, method="POST", path="/order", times=1)
    assert broker.submit(an_order()).state is OrderState.SENT
    assert broker.find(an_order()).state is OrderState.FILLED
    assert len(fake.account.orders) == len(fake.account.posts) == 1
    broker.close()


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008, -1016])
@pytest.mark.parametrize("status", [400, 503])
def test_codes_by_which_the_exchange_itself_does_not_know_are_unclear(fake, broker, code, status):
    fake.account.refuse(code, "An unknown error occurred while processing the request.", status=status)
    assert broker.submit(an_order()).state is OrderState.SENT
    assert broker.find(an_order()) is None


def test_a_request_that_was_lost_before_it_was_read_is_unclear_and_then_not_there(fake, broker):
    fake.account.refuse(0, "", status=0)
    assert broker.submit(an_order()).state is OrderState.SENT
    assert broker.find(an_order()) is None
    assert fake.account.orders == []


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_a_second_order_by_the_same_client_id_is_the_first(fake, broker, symbol):
    fake.account.hold = True
    assert broker.submit(an_order(symbol=symbol)).state is OrderState.OPEN
    assert broker.submit(an_order(symbol=symbol)).state is OrderState.SENT
    assert broker.find(an_order(symbol=symbol)).state is OrderState.OPEN
    assert len(fake.account.orders) == 1


def test_a_wrong_clock_is_set_right_and_the_order_was_certainly_not_taken(fake, broker):
    assert broker.find(an_order()) is None
    true, ahead = fake.time, 60_000
    fake.time = lambda: true() + ahead
    try:
        report = broker.submit(an_order())
        assert report.state is OrderState.NEW
        assert "-1021" in report.detail
        assert broker.submit(an_order()).state is OrderState.OPEN
    finally:
        fake.time = true
    assert len(fake.account.orders) == 1


@pytest.mark.parametrize(("status", "pause"), [(429, 7), (418, 120)])
def test_an_exchange_that_wants_no_request_gets_none(fake, broker, clock, status, pause):
    broker.rules(SPOT)
    fake.fail(status, method="POST", path="/order", times=1, retry_after=7 if status == 429 else None)
    assert broker.submit(an_order()).state is OrderState.NEW
    asked = len(fake.requests)
    with pytest.raises(BrokerError, match="wants no request"):
        broker.rules(SPOT)
    with pytest.raises(BrokerError, match="wants no request"):
        broker.find(an_order())
    assert broker.submit(an_order()).state is OrderState.NEW
    assert len(fake.requests) == asked
    clock.advance(pause * 1000)
    assert broker.submit(an_order()).state is OrderState.OPEN


def test_no_connection_means_that_nothing_was_sent(fake, exchange):
    broker = broker_at(fake, exchange[1])
    broker.find(an_order())
    real = broker._lines[False]._exchange
    real.urls = {**real.urls, "api": dict.fromkeys(real.urls["api"], "http://127.0.0.1:9/api/v3")}
    report = broker.submit(an_order())
    assert (report.state, report.detail) == (OrderState.NEW, "binance: it refuses the connection")
    broker.close()


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.GARBAGE, 500, 403])
def test_who_cannot_be_asked_is_an_error_and_never_an_answer(fake, broker, kind):
    broker.submit(an_order())
    fake.fail(kind, path="/order")
    with pytest.raises(BrokerError):
        broker.find(an_order())
    with pytest.raises(BrokerError):
        broker.cancel(an_order())


def test_a_client_id_that_the_exchange_would_not_take_is_never_sent(fake, broker):
    for name in ("", "x" * 37, "ä", "a b"):
        assert broker.submit(replace(an_order(), client_id=name)).state is OrderState.REJECTED
    assert fake.account.posts == []


def test_nothing_of_the_person_s_own_is_sold_short_on_spot(fake, broker):
    fake.account.balances["BTC"] = D(5)
    report = broker.submit(an_order(buy=False))
    assert report.state is OrderState.REJECTED
    assert "your own coins" in report.detail
    assert fake.account.posts == []


def test_wrong_keys_are_refused_and_stand_nowhere(fake, exchange, caplog):
    fake.account.key, fake.account.secret = "key-nobody-may-read", "secret-nobody-may-read"
    broker = broker_at(fake, exchange[1])
    broker._line(SPOT)  # opens it, with the keys of then
    fake.account.key = "another"
    said = []
    with caplog.at_level(logging.DEBUG):
        report = broker.submit(an_order())
        assert report.state is OrderState.REJECTED
        said += [report.detail, repr(report), repr(broker), repr(vars(broker)), str(vars(broker._lines[False]))]
        try:
            broker.find(an_order())
        except BrokerError as error:
            said += [str(error), "".join(traceback.format_exception(error))]
    text = "\n".join([*said, caplog.text])
    assert "-2015" in text
    assert "nobody-may-read" not in text
    assert "signature" not in "\n".join(said)
    broker.close()
