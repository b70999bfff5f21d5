"""Candles from an exchange, through the unmodified library, from a local server that speaks its protocol."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import DataError, FeedUnavailable, UnknownSymbol
from hybridd.market.exchange import ExchangeFeed
from hybridd.market.keeper import SeriesKeeper
from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import parse_timeframe
from tests.unit.market.exchange_parts import NOW, an_exchange, feed_to

BTC = Instrument("BTC", "USDT")
M5, H1, S1 = (parse_timeframe(text) for text in ("5m", "1h", "1s"))
SKEW = 7_200_000 + 345


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def fake(clock):
    with an_exchange(clock, skew=SKEW) as fake:
        yield fake


@pytest.fixture(scope="module")
def feed(fake, clock):
    feed = feed_to(fake, clock)
    yield feed
    feed.close()
    feed.close()


@pytest.mark.parametrize("text", ["BTC/USDT", "btcusdt", "BTC-USDT", " BTC_USDT "])
def test_a_market_is_found_however_it_is_written(feed, text):
    assert feed.instrument(text) == BTC


def test_an_unknown_market_is_refused_with_the_nearest(feed):
    with pytest.raises(UnknownSymbol, match="did you mean BTC/USDT") as refusal:
        feed.instrument("BTCC/USDT")
    assert refusal.value.nearest == "BTC/USDT"


def test_a_text_that_is_no_symbol_is_refused(feed):
    with pytest.raises(UnknownSymbol):
        feed.instrument("what is this?")


def test_a_market_that_is_not_listed_gives_no_candles(feed):
    with pytest.raises(UnknownSymbol, match="DOGE/USDT"):
        feed.rows(Instrument("DOGE", "USDT"), M5, NOW - 10 * M5.ms, 10)


def test_more_candles_than_a_page_holds_come_in_several_requests(feed, fake):
    before = len(fake.asked("/klines"))
    since = M5.open_at(feed.now()) - 2500 * M5.ms
    rows = feed.rows(BTC, M5, since, 2500)
    assert [row[0] for row in rows] == [since + k * M5.ms for k in range(2500)]
    assert [r.query["limit"] for r in fake.asked("/klines")[before:]] == ["1000", "1000", "500"]


def test_the_values_are_those_of_the_source(feed, fake):
    market = fake.markets["BTC/USDT"][100:105]
    rows = feed.rows(BTC, M5, int(market.open_time[0]), 5)
    assert [row[4] for row in rows] == pytest.approx(market.close.tolist(), rel=1e-12)
    assert [row[5] for row in rows] == pytest.approx(market.volume.tolist(), rel=1e-9)
    assert all(isinstance(cell, float) for cell in rows[0])


def test_nothing_is_asked_about_the_future(feed, fake):
    # Far ahead: on a busy machine a time-out of a test before may have moved the shared clock by minutes.
    feed.rows(BTC, M5, NOW - 10 * M5.ms, 1)
    before = len(fake.requests)
    assert feed.rows(BTC, M5, feed.now() + 1000 * M5.ms, 10) == []
    assert len(fake.requests) == before


def test_the_exchanges_clock_counts_and_not_ours(feed, clock):
    feed.rows(BTC, M5, feed.now() - M5.ms, 1)
    assert feed.offset_known
    assert feed.offset_ms == pytest.approx(SKEW, abs=200)
    assert feed.now() == clock.now() + feed.offset_ms


def test_the_clock_is_read_again_after_ten_minutes_and_not_before(feed, fake, clock):
    feed.rows(BTC, M5, feed.now() - M5.ms, 1)
    before = len(fake.asked("/time"))
    clock.advance(300_000)
    feed.rows(BTC, M5, feed.now() - M5.ms, 1)
    assert len(fake.asked("/time")) == before
    clock.advance(301_000)
    feed.rows(BTC, M5, feed.now() - M5.ms, 1)
    assert len(fake.asked("/time")) == before + 1


def test_the_list_of_markets_is_never_read_by_this_process(feed, fake):
    feed.instrument("BTCUSDT")
    before = len(fake.asked("/exchangeInfo"))
    feed.rows(BTC, H1, feed.now() - 5 * H1.ms, 5)
    feed.rows(Instrument("ETH", "USDT"), M5, feed.now() - 5 * M5.ms, 5)
    assert len(fake.asked("/exchangeInfo")) == before
    assert set(feed._connection.exchange.markets) == {"BTC/USDT", "ETH/USDT"}


def test_a_longer_time_frame_is_the_exchanges_own(feed, fake):
    rows = feed.rows(BTC, H1, H1.open_at(feed.now()) - 3 * H1.ms, 3)
    assert [row[0] % H1.ms for row in rows] == [0, 0, 0]
    assert fake.asked("/klines")[-1].query["interval"] == "1h"


def test_a_time_frame_that_the_exchange_lacks_is_refused_with_those_it_has(feed):
    with pytest.raises(FeedUnavailable, match=r"no candles of 7m.*5m"):
        feed.rows(BTC, parse_timeframe("7m"), feed.now() - 10 * M5.ms, 5)


def test_the_keeper_sees_only_closed_candles_through_it(feed, fake, clock):
    keeper = SeriesKeeper(feed=feed, history=500)
    update = keeper.update(BTC, M5)
    assert len(update.candles) == 500
    assert not update.behind
    assert update.candles.last_close == M5.open_at(clock.now() + SKEW)
    clock.advance(2 * M5.ms)
    update = keeper.update(BTC, M5)
    assert len(update.fresh) == 2
    market = fake.markets["BTC/USDT"]
    tail = market.closed_by(clock.now() + SKEW)[-501:]
    assert update.candles.close.tolist() == pytest.approx(tail.close.tolist(), rel=1e-12)


def test_a_candle_that_closes_while_the_answer_travels_waits_for_the_next_question(clock):
    """The exchange drew it before its end: taken for closed, its first minutes would stand for all of it."""
    with an_exchange(clock) as fake:
        feed = feed_to(fake, clock)
        keeper = SeriesKeeper(feed=feed, history=500)
        clock.set(M5.next_close(clock.now()) + 1000)
        keeper.update(BTC, M5)
        answer = fake.answer

        def slowly(path, query):
            given = answer(path, query)
            clock.advance(200 if path.endswith("/klines") else 0)
            return given

        clock.set(M5.next_close(clock.now()) + M5.ms - 100)
        fake.answer = slowly
        update = keeper.update(BTC, M5)
        assert len(update.fresh) == 1
        assert not update.behind
        fake.answer = answer
        update = keeper.update(BTC, M5)
        assert update.incidents == ()
        closed = fake.markets["BTC/USDT"].closed_by(clock.now())[-len(update.candles) :]
        assert update.candles.open_time.tolist() == closed.open_time.tolist()
        assert update.candles.close.tolist() == closed.close.tolist()
        feed.close()


def test_a_symbol_that_is_listed_later_is_found_after_a_few_minutes(fake, clock):
    feed = feed_to(fake, clock)
    assert feed.instrument("ETHUSDT").symbol == "ETH/USDT"
    fake.markets["SOL/USDT"] = fake.markets["ETH/USDT"]
    with pytest.raises(UnknownSymbol):
        feed.instrument("SOL/USDT")
    clock.advance(301_000)
    assert feed.instrument("SOL/USDT").symbol == "SOL/USDT"
    feed.close()


def test_perpetuals_are_asked_for_at_their_own_address(fake, clock):
    feed = feed_to(fake, clock, market_type="swap")
    instrument = feed.instrument("BTCUSDT")
    assert instrument.symbol == "BTC/USDT:USDT"
    assert len(feed.rows(instrument, M5, feed.now() - 20 * M5.ms, 10)) == 10
    assert fake.requests[-1].path == "/fapi/v1/klines"
    feed.close()


def test_many_symbols_at_once_read_the_list_of_markets_once(fake, clock):
    feed = feed_to(fake, clock)
    before = len(fake.asked("/exchangeInfo"))
    instruments = [BTC, Instrument("ETH", "USDT")] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: feed.rows(i, M5, feed.now() - 20 * M5.ms, 10), instruments))
    assert [len(rows) for rows in answers] == [10] * 8
    assert answers[0] == answers[2] != answers[1]
    assert len(fake.asked("/exchangeInfo")) == before + 1
    feed.close()


def test_a_closed_feed_that_is_asked_again_still_does_not_read_the_list_itself(fake, clock):
    feed = feed_to(fake, clock)
    feed.instrument("BTCUSDT")
    feed.close()
    before = len(fake.asked("/exchangeInfo"))
    assert len(feed.rows(BTC, M5, feed.now() - 20 * M5.ms, 10)) == 10
    assert len(fake.asked("/exchangeInfo")) == before
    feed.close()


@pytest.mark.parametrize(("name", "near"), [("binanc", "binance"), ("Kraken", "kraken"), ("../os", ""), ("", "")])
def test_an_unknown_exchange_is_refused_at_once_with_the_nearest(name, near):
    with pytest.raises(DataError, match="no exchange") as refusal:
        ExchangeFeed(exchange=name, clock=ManualClock(NOW))
    assert near in str(refusal.value)


@pytest.mark.parametrize("address", ["mirror.example", "ftp://mirror.example", "http://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(DataError, match="no address"):
        ExchangeFeed(exchange="binance", base_url=address, clock=ManualClock(NOW))


def test_making_a_feed_imports_and_asks_nothing():
    code = (
        "import sys; from hybridd.clock import SystemClock; from hybridd.market.exchange import ExchangeFeed; "
        "f = ExchangeFeed(exchange='binance', clock=SystemClock()); f.now(); f.close(); "
        "assert not [m for m in sys.modules if m.startswith(('ccxt', 'requests'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
