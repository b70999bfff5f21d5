"""The trader at another exchange, through ccxt as it is: other names, stops beside the book, contracts, refusals."""

from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from hybridd.brokers.exchange import ExchangeBroker
from hybridd.clock import ManualClock
from hybridd.market.exchange import ExchangeFeed
from hybridd.market.library import open_exchange
from hybridd.model.order import OrderState
from hybridd.model.trade import Side, TradeState
from hybridd.pipeline.booking import move_stop
from hybridd.pipeline.orders import order_exit
from hybridd.pipeline.trade import UNHEARD_MS
from tests.fakes.binance import FakeBinance
from tests.fakes.faults import FaultKind
from tests.fakes.okx import OkxAccount
from tests.makers import analysis
from tests.unit.brokers.exchange_house import SPOT, SWAP, D, an_order
from tests.unit.pipeline.trade_house import House, wish

ORDERS = {"method": "POST", "path": "/batch-orders"}


@contextmanager
def okx():
    with FakeBinance({}, account=OkxAccount()) as fake:
        clock = ManualClock(fake.time())
        feeds = {
            side: ExchangeFeed(exchange="okx", market_type="swap" if side else "spot", base_url=fake.url, clock=clock)
            for side in (False, True)
        }
        yield fake, feeds
        for feed in feeds.values():
            feed.close()


@pytest.fixture(scope="module")
def exchange():
    with okx() as made:
        yield made


@pytest.fixture
def account(exchange):
    exchange[0].heal()
    exchange[0].account = OkxAccount()
    return exchange[0].account


@pytest.fixture
def house(exchange, account, tmp_path):
    fake, feeds = exchange

    def opened(perpetual):
        made = open_exchange(
            exchange="okx", market_type="swap" if perpetual else "spot", base_url=fake.url, timeout=2.0
        )
        made.apiKey, made.secret, made.password = account.key, account.secret, account.password
        return made

    made = House(tmp_path / "state.db", now=fake.time())
    made.broker = ExchangeBroker(
        name="okx", opened=opened, market_of=lambda symbol: feeds[":" in symbol].market(symbol), clock=made.clock,
        fee_percent=0.1,
    )  # fmt: skip
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
    account.book.move("BTCUSDT", value)
    now = house.clock.now()
    house.store.analyses.add_many([replace(analysis(80.0), symbol=symbol, candle_close=now, price=float(value))])
    rounds(house, 4)


def waiting(account):
    return [(o.trigger, o.quantity) for o in account.orders if o.status == "NEW" and o.trigger]


def test_a_spot_trade_from_the_yes_to_the_last_target_leaves_the_cash_that_the_ledger_says(house, account):
    account.book.fee_in = "base"
    house.approve(wish())
    rounds(house)
    assert [o[:2] for o in house.orders()] == [("entry", "filled"), ("stop", "open")]
    assert waiting(account) == [(29_000, D("0.2997"))]
    price(house, account, 31_000)
    assert waiting(account) == [(30_000, house.trade.remaining * D("0.2997"))]
    price(house, account, 32_000)
    assert (house.trade.state, house.trade.exit_reason) == (TradeState.CLOSED, "target")
    left = account.book.balances["BTC"]
    assert 0 <= left < D("0.00001")
    assert house.trade.realised == pytest.approx(account.book.balances["USDT"] - 100_000, abs=D("0.0000001"))
    assert len(set(account.posts)) == len(account.posts)


def test_a_stop_that_was_triggered_is_followed_into_the_order_that_it_became(house, account):
    house.approve(wish())
    rounds(house)
    price(house, account, 28_950)
    assert (house.trade.state, house.trade.exit_reason, house.trade.exit_price) == (TradeState.CLOSED, "stop", 28_950)
    assert account.book.balances["BTC"] == 0


@pytest.mark.parametrize("side", list(Side))
def test_a_perpetual_is_counted_in_contracts_there_and_in_coins_here(house, account, side):
    house.approve(wish(SWAP, side))
    rounds(house)
    assert [o[:2] for o in house.orders()] == [
        ("entry", "filled"), ("stop", "open"), ("target", "open"), ("target", "open"),
    ]  # fmt: skip
    assert house.broker.held(SWAP) == account.book.positions["BTCUSDT"] == side.sign * D("0.3")
    rules = house.broker.rules(SWAP)
    assert (rules.tick, rules.lot, rules.least_quantity) == (D("0.1"), D("0.001"), D("0.001"))
    assert house.trader.differences() == {}
    price(house, account, 30_000 + side.sign * 1000, SWAP)
    assert (house.trade.reached, account.book.positions["BTCUSDT"]) == (1, side.sign * D("0.15"))
    assert waiting(account) == [(30_000, D("0.15"))]
    price(house, account, 30_000 - side.sign, SWAP)
    assert (house.trade.state, account.book.positions["BTCUSDT"]) == (TradeState.CLOSED, 0)
    assert not [o for o in account.orders if o.status == "NEW"]


UNCLEAR = [FaultKind.DROP, FaultKind.HALF, FaultKind.GARBAGE, FaultKind.HTML, 500, 502, 503]


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
@pytest.mark.parametrize("kind", UNCLEAR, ids=str)
def test_what_may_have_arrived_is_asked_for_and_never_sent_again(house, account, exchange, kind, symbol):
    exchange[0].fail(kind, times=1, **ORDERS)
    order = house.approve(wish(symbol))
    rounds(house, 4)
    name = order.client_id.replace("-", "")
    assert account.posts.count(name) == len(account.of(name)) == 1
    assert (house.trade.quantity, house.orders()[0][1]) == (0.3, "filled")


def test_what_never_arrived_is_given_up_and_told(house, account):
    account.refuse(0, "", status=0)
    house.approve(wish())
    rounds(house)
    house.clock.advance(UNHEARD_MS)
    rounds(house)
    assert (len(account.posts), account.orders) == (1, [])
    assert house.orders() == [("entry", "cancelled", None)]


@pytest.mark.parametrize(
    ("code", "status", "posts", "state", "words"),
    [
        (51008, 200, 1, "rejected", "Insufficient USDT balance in account (51008): look at the account's balance"),
        (51121, 200, 1, "rejected", "must be a multiple of the lot size (51121)"),
        (50111, 401, 1, "rejected", "(50111): check trading.api_key"),
        (50112, 401, 2, "filled", ""),
        (50102, 401, 2, "filled", ""),
        (50011, 429, 1, "new", ""),
        (50011, 200, 1, "new", ""),
        (51016, 200, 1, "cancelled", "never arrived"),
        (59999, 200, 1, "cancelled", "never arrived"),
    ],
)  # fmt: skip
def test_refusals_mean_what_they_mean(house, account, code, status, posts, state, words):
    said = {51008: "Order failed. Insufficient USDT balance in account", 51121: "must be a multiple of the lot size."}
    account.refuse(code, said.get(code, "No."), status=status)
    house.approve(wish())
    rounds(house, 4)
    if state == "cancelled":  # it may be there: whoever asks long enough knows that it is not
        assert house.orders()[0][1] == "sent"
        house.clock.advance(UNHEARD_MS)
        rounds(house)
    assert (account.posts.count(account.posts[0]), house.orders()[0][1]) == (posts, state)
    assert words in (house.told[0][2] if house.told else "")


def test_an_order_by_a_name_that_is_there_is_that_order(house, account):
    account.book.hold = True
    assert house.broker.submit(an_order()).state is OrderState.OPEN
    assert house.broker.submit(an_order()).state is OrderState.SENT
    assert house.broker.find(an_order()).state is OrderState.FILLED
    assert len(account.orders) == 1


def test_a_part_is_booked_as_it_comes_and_an_exit_takes_back_the_stop(house, account):
    account.book.part = D("0.4")
    order = house.approve(wish())
    rounds(house)
    assert house.trade.quantity == 0.12
    account.book.part = D(1)
    account.book.fill(order.client_id.replace("-", ""))
    rounds(house)
    assert waiting(account) == [(29_000, D("0.3"))]
    order_exit(house.store, 1, house.clock.now())
    rounds(house, 4)
    assert (house.trade.state, account.book.balances["BTC"], waiting(account)) == (TradeState.CLOSED, 0, [])


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.GARBAGE, 502], ids=str)
def test_a_stop_is_moved_also_where_the_answers_are_lost(house, account, exchange, kind):
    house.approve(wish())
    rounds(house)
    exchange[0].fail(kind, method="POST", path="/cancel-algos", times=1)
    exchange[0].fail(kind, method="POST", path="/order-algo", times=1)
    move_stop(house.store, 1, 29_500.0, "cli:me", house.clock.now())
    rounds(house, 5)
    assert waiting(account) == [(29_500, D("0.3"))]
    assert [what for what, _, _ in house.told] == ["TRADE_OPENED"]


def test_what_the_person_took_back_is_told(house, account):
    house.approve(wish())
    rounds(house)
    account.orders[-1].status = "CANCELED"
    rounds(house)
    assert "ORDER_CANCELLED" in [what for what, _, _ in house.told]


def test_no_key_stands_in_what_is_said(house, account):
    account.refuse(50113, "Invalid Sign", status=401)
    house.approve(wish())
    rounds(house)
    said = repr(house.told) + repr(house.orders()) + repr(house.broker) + repr(vars(house.broker))
    assert "50113" in said
    for secret in (account.key, account.secret, account.password):
        assert secret not in said
