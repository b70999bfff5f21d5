"""What every source of candles owes: one suite for exchange, recorded and simulated."""

from contextlib import contextmanager

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import UnknownSymbol
from hybridd.market.feed import Feed
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.recorded import RecordedFeed
from hybridd.market.simulated import SimulatedFeed
from hybridd.model.timeframe import parse_timeframe
from tests.unit.market.exchange_parts import NOW, a_market, an_exchange, feed_to

M5, M15 = parse_timeframe("5m"), parse_timeframe("15m")


@contextmanager
def exchange(clock, folder):
    with an_exchange(clock) as fake:
        yield feed_to(fake, clock)


@contextmanager
def recorded(clock, folder):
    run = a_market(4000)
    start = M5.open_at(NOW) - 3000 * M5.ms
    columns = (start + (run.open_time - run.open_time[0]), run.open, run.high, run.low, run.close, run.volume)
    text = "".join(",".join(map(str, row)) + "\n" for row in zip(*(c.tolist() for c in columns), strict=True))
    (folder / "BTCUSDT_5m.csv").write_text(text)
    yield RecordedFeed(folder=folder, clock=clock)


@contextmanager
def simulated(clock, folder):
    yield SimulatedFeed(clock=clock, seed=1, timeframe=M5)


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module", params=[exchange, recorded, simulated], ids=lambda maker: maker.__name__)
def feed(request, clock, tmp_path_factory):
    with request.param(clock, tmp_path_factory.mktemp("candles")) as feed:
        yield feed
        feed.close()
        feed.close()


@pytest.fixture
def btc(feed):
    return feed.instrument("BTC/USDT")


def recent(feed, frame=M5, count=100):
    return frame.open_at(feed.now()) - count * frame.ms


def test_it_has_a_name_and_says_whether_it_is_made_up(feed: Feed):
    assert feed.name
    assert feed.simulated is (type(feed) is SimulatedFeed)


def test_its_clock_is_near_ours(feed, clock):
    assert abs(feed.now() - clock.now()) < 2_000


@pytest.mark.parametrize("text", ["BTC/USDT", "BTCUSDT", "btc-usdt"])
def test_it_knows_a_market_by_all_its_names(feed, text):
    assert feed.instrument(text).symbol == "BTC/USDT"


def test_it_refuses_what_is_no_market(feed):
    with pytest.raises(UnknownSymbol):
        feed.instrument("not a market")


def test_rows_are_six_numbers_oldest_first_from_since_on(feed, btc):
    since = recent(feed)
    rows = feed.rows(btc, M5, since, 50)
    assert [row[0] for row in rows] == [since + k * M5.ms for k in range(50)]
    assert all(len(row) == 6 and all(isinstance(cell, float) for cell in row) for row in rows)


def test_a_since_between_two_candles_begins_with_the_later(feed, btc):
    since = recent(feed)
    assert feed.rows(btc, M5, since + 1, 1)[0][0] == since + M5.ms


def test_the_limit_is_kept(feed, btc):
    assert len(feed.rows(btc, M5, recent(feed), 7)) == 7
    assert feed.rows(btc, M5, recent(feed), 0) == []


def test_the_future_is_empty(feed, btc):
    assert feed.rows(btc, M5, feed.now() + 10 * M5.ms, 10) == []


def test_asking_again_gives_the_same(feed, btc):
    since = recent(feed)
    assert feed.rows(btc, M5, since, 90) == feed.rows(btc, M5, since, 90)


def test_longer_candles_agree_with_the_shorter_ones(feed, btc):
    since = recent(feed, M15, 20)
    long = feed.rows(btc, M15, since, 10)
    short = feed.rows(btc, M5, since, 30)
    assert [row[4] for row in long] == pytest.approx([short[3 * k + 2][4] for k in range(10)])
    assert [row[2] for row in long] == pytest.approx([max(r[2] for r in short[3 * k : 3 * k + 3]) for k in range(10)])


def test_the_keeper_keeps_it_without_an_incident(feed, btc, clock):
    keeper = SeriesKeeper(feed=feed, history=1500)
    update = keeper.update(btc, M5)
    assert (len(update.candles), update.behind, update.incidents) == (1500, False, ())
    clock.advance(3 * M5.ms)
    update = keeper.update(btc, M5)
    assert (len(update.fresh), update.behind, update.incidents) == (3, False, ())
