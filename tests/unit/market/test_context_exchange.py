"""Funding, open interest and order books through the unmodified library, from a local exchange with every fault."""

from itertools import pairwise

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import FeedUnavailable, RateLimited, UnknownSymbol
from hybridd.market.derivatives import Funding, OpenInterest
from hybridd.market.order_book import OrderBook
from hybridd.model.context import FUNDING, IMBALANCE, OPEN_INTEREST
from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import parse_timeframe
from tests.fakes.binance_answers import SETTLEMENT_MS, funding_rate
from tests.fakes.faults import FaultKind
from tests.unit.market.exchange_parts import NOW, an_exchange, feed_to

M5, H4 = parse_timeframe("5m"), parse_timeframe("4h")
PATHS = {FUNDING: "/fundingRate", OPEN_INTEREST: "/openInterestHist", IMBALANCE: "/depth"}
FAULTS = [
    (503, FeedUnavailable, "not available, HTTP 503"),
    (404, FeedUnavailable, "HTTP 404"),
    (FaultKind.GARBAGE, FeedUnavailable, "binance did not give"),
    (FaultKind.SHAPE, FeedUnavailable, "binance did not give"),
    (FaultKind.HTML, FeedUnavailable, "binance did not give"),
    (FaultKind.DROP, FeedUnavailable, "binance did not give"),
    (FaultKind.HALF, FeedUnavailable, "binance did not give"),
    (429, RateLimited, "wants no request for 17 s"),
    (418, RateLimited, "wants no request for 17 s"),
]


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def fake(clock):
    with an_exchange(clock) as fake:
        yield fake


@pytest.fixture(scope="module")
def sides(fake, clock):
    feeds = {False: feed_to(fake, clock), True: feed_to(fake, clock, market_type="swap")}
    yield feeds
    for feed in feeds.values():
        feed.close()


@pytest.fixture(autouse=True)
def healed(fake, clock):
    yield
    fake.heal()
    clock.advance(20_000)  # a pause that was asked for has passed


@pytest.fixture
def sources(sides):
    return {
        FUNDING: Funding(sides[True]),
        OPEN_INTEREST: OpenInterest(sides[True], M5),
        IMBALANCE: OrderBook(lambda market: sides[bool(market.settle)]),
    }


def test_funding_is_that_of_the_perpetual_that_belongs_to_the_market(sources, clock, fake):
    given = sources[FUNDING].fetch("BTC/USDT", -1, clock.now())
    at, values = zip(*given.values[FUNDING], strict=True)
    assert len(at) > 900
    assert at[-1] == clock.now() // SETTLEMENT_MS * SETTLEMENT_MS
    assert values[-1] == funding_rate(at[-1] // SETTLEMENT_MS)
    asked = fake.asked("/fundingRate")[-1]
    assert (asked.path, asked.query["symbol"]) == ("/fapi/v1/fundingRate", "BTCUSDT")
    assert given.refused == ""


def test_later_only_new_settlements_are_asked_for(sources, clock, fake):
    newest = clock.now() // SETTLEMENT_MS * SETTLEMENT_MS
    before = len(fake.asked("/fundingRate"))
    assert sources[FUNDING].fetch("BTC/USDT", newest, clock.now()).values[FUNDING] == []
    assert [r.query["startTime"] for r in fake.asked("/fundingRate")[before:]] == [str(newest + 1)]


def test_open_interest_comes_with_its_past_in_the_quote_currency(sources, clock, fake):
    given = sources[OPEN_INTEREST].fetch("BTC/USDT", -1, clock.now())
    at = [at for at, _ in given.values[OPEN_INTEREST]]
    assert len(at) >= 1999
    assert {b - a for a, b in pairwise(at)} == {M5.ms}
    assert clock.now() - at[-1] < M5.ms
    assert 30_000_000 <= given.values[OPEN_INTEREST][-1][1] <= 45_000_000
    assert fake.asked("/openInterestHist")[-1].query["limit"] == "500"
    later = sources[OPEN_INTEREST].fetch("BTC/USDT", at[-3], clock.now())
    assert [at for at, _ in later.values[OPEN_INTEREST]] == at[-2:]


def test_with_long_candles_open_interest_is_asked_for_by_the_hour_and_not_further_than_a_month(sides, clock, fake):
    source = OpenInterest(sides[True], H4)
    at = [at for at, _ in source.fetch("BTC/USDT", -1, clock.now()).values[OPEN_INTEREST]]
    assert fake.asked("/openInterestHist")[-1].query["period"] == "1h"
    assert clock.now() - at[0] <= 29 * 86_400_000


def test_an_exchange_without_a_past_of_open_interest_is_asked_for_the_present(sides, clock, fake):
    swap = sides[True]

    class Forgetful:
        name, instrument, ask = swap.name, swap.instrument, swap.ask

        def offers(self, method):
            return method != "fetchOpenInterestHistory" and swap.offers(method)

    source = OpenInterest(Forgetful(), M5)
    ((at, value),) = source.fetch("BTC/USDT", -1, clock.now()).values[OPEN_INTEREST]
    assert fake.time() - 1000 < at <= fake.time()
    price = float(fake.markets["BTC/USDT:USDT"].closed_by(fake.time() + M5.ms).open[-1])
    assert value == pytest.approx(1234.5 * price, rel=0.01)


def test_an_exchange_without_derivatives_says_what_to_switch_off(sides, clock):
    swap = sides[True]

    class Poor:
        name, instrument, ask = swap.name, swap.instrument, swap.ask

        def offers(self, method):
            return False

    with pytest.raises(FeedUnavailable, match=r"gives no funding rates → set \[market.context\] funding off"):
        Funding(Poor()).fetch("BTC/USDT", -1, clock.now())
    with pytest.raises(FeedUnavailable, match=r"gives no open interest → set \[market.context\] open_interest off"):
        OpenInterest(Poor(), M5).fetch("BTC/USDT", -1, clock.now())


def test_the_order_book_is_that_of_the_watched_market_itself(sources, clock, fake):
    given = sources[IMBALANCE].fetch("BTC/USDT", -1, clock.now())
    ((at, value),) = given.values[IMBALANCE]
    assert at == clock.now()
    assert value == pytest.approx(fake.tilt)
    assert fake.asked("/depth")[-1].path == "/api/v3/depth"
    sources[IMBALANCE].fetch("BTC/USDT:USDT", -1, clock.now())
    assert fake.asked("/depth")[-1].path == "/fapi/v1/depth"


def test_a_market_without_a_perpetual_is_unknown(sources, clock):
    with pytest.raises(UnknownSymbol, match='binance has no swap market "ETH/USDT:USDT"'):
        sources[FUNDING].fetch("ETH/USDT", -1, clock.now())


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("kind", "error", "line"), FAULTS, ids=[str(kind) for kind, _, _ in FAULTS])
def test_a_fault_is_one_clear_line_and_passes(sources, clock, fake, name, kind, error, line):
    sources[name].fetch("BTC/USDT", -1, clock.now())
    fake.fail(kind, path=PATHS[name], retry_after=17)
    with pytest.raises(error, match=line) as told:
        sources[name].fetch("BTC/USDT", -1, clock.now())
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 260
    fake.heal()
    clock.advance(20_000)
    assert sources[name].fetch("BTC/USDT", -1, clock.now()).values[name]


def test_a_slow_book_ends_at_its_time_out(fake, clock):
    feed = feed_to(fake, clock, timeout=0.3)
    fake.fail(FaultKind.SLOW, path="/depth")
    with pytest.raises(FeedUnavailable, match=r"no answer within 0\.3 s"):
        OrderBook(lambda _: feed).fetch("BTC/USDT", -1, clock.now())
    fake.heal()
    feed.close()


def test_a_refused_book_does_not_hold_up_candles_but_refused_candles_hold_up_the_book(fake, clock):
    feed = feed_to(fake, clock)
    book = OrderBook(lambda _: feed)
    btc, since = Instrument("BTC", "USDT"), clock.now() - 5 * M5.ms
    fake.fail(418, path="/depth", retry_after=17, times=1)
    with pytest.raises(RateLimited):
        book.fetch("BTC/USDT", -1, clock.now())
    assert feed.rows(btc, M5, since, 3)
    clock.advance(20_000)
    fake.fail(418, path="/klines", retry_after=17, times=1)
    with pytest.raises(RateLimited):
        feed.rows(btc, M5, since, 3)
    before = len(fake.requests)
    with pytest.raises(RateLimited, match="the order book of BTC/USDT must wait"):
        book.fetch("BTC/USDT", -1, clock.now())
    assert len(fake.requests) == before
    clock.advance(20_000)
    assert book.fetch("BTC/USDT", -1, clock.now())
    feed.close()
