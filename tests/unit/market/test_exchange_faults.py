"""Every way in which an exchange can fail becomes one clear line of the right kind, and the feed recovers."""

import socket
import ssl

import pytest
import trustme

from hybridd.clock import ManualClock
from hybridd.errors import FeedUnavailable, RateLimited, UnknownSymbol
from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import parse_timeframe
from tests.fakes.binance import FakeBinance
from tests.fakes.faults import FaultKind
from tests.unit.market.exchange_parts import NOW, a_market, an_exchange, feed_to, line_to

BTC, ETH = Instrument("BTC", "USDT"), Instrument("ETH", "USDT")
M5 = parse_timeframe("5m")


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def fake(clock):
    with an_exchange(clock) as fake:
        yield fake


@pytest.fixture(scope="module")
def feed(fake, clock):
    feed = feed_to(fake, clock, timeout=1.0)
    yield feed
    feed.close()


@pytest.fixture(autouse=True)
def healed(fake, clock):
    yield
    fake.heal()
    clock.advance(200_000)  # whatever pause was asked for is over


def ask(feed, instrument=BTC):
    return feed.rows(instrument, M5, M5.open_at(feed.now()) - 5 * M5.ms, 5)


TABLE = [
    (500, FeedUnavailable, "HTTP 500"),
    (502, FeedUnavailable, "HTTP 502"),
    (503, FeedUnavailable, "HTTP 503"),
    (504, FeedUnavailable, "not available, HTTP 504"),
    (403, FeedUnavailable, "HTTP 403"),
    (404, FeedUnavailable, "HTTP 404"),
    (451, FeedUnavailable, "HTTP 451"),
    (FaultKind.GARBAGE, FeedUnavailable, "makes no sense"),
    (FaultKind.SHAPE, FeedUnavailable, "not six numbers"),
    (FaultKind.HTML, FeedUnavailable, "makes no sense"),
    (FaultKind.DROP, FeedUnavailable, "cannot be reached"),
    (FaultKind.HALF, FeedUnavailable, "breaks off"),
    (FaultKind.SLOW, FeedUnavailable, "no answer within 1 s"),
    (429, RateLimited, "HTTP 429"),
    (418, RateLimited, "HTTP 418"),
]


@pytest.mark.parametrize(("kind", "error", "words"), TABLE, ids=[str(kind) for kind, _, _ in TABLE])
def test_a_fault_is_told_in_one_line_and_the_next_request_may_succeed(feed, fake, clock, kind, error, words):
    fake.fail(kind, path="/klines")
    with pytest.raises(error) as fault:
        ask(feed)
    line = str(fault.value)
    assert words in line
    assert "BTC/USDT 5m" in line
    assert "<" not in line
    assert "\n" not in line
    assert len(line) <= 260
    fake.heal()
    clock.advance(200_000)
    assert len(ask(feed)) == 5


@pytest.mark.parametrize(("kind", "said", "seconds"), [(429, 7, 7), (429, None, 30), (418, None, 120), (418, 300, 300)])
def test_a_pause_lasts_as_long_as_the_exchange_says(feed, fake, clock, kind, said, seconds):
    fake.fail(kind, path="/klines", retry_after=said, times=1)
    with pytest.raises(RateLimited) as fault:
        ask(feed)
    assert fault.value.retry_after == seconds
    clock.advance(300_000)


def test_a_symbol_that_is_refused_stops_no_other(feed, fake):
    ask(feed)
    fake.fail(429, path="/klines", symbol="BTCUSDT", retry_after=20)
    for _ in range(3):
        with pytest.raises(RateLimited):
            ask(feed)
        assert len(ask(feed, ETH)) == 5


@pytest.mark.parametrize(("status", "times"), [(418, 1), (429, 2)])
def test_during_a_ban_or_after_two_refusals_in_a_row_nothing_is_sent_for_any_symbol(feed, fake, clock, status, times):
    ask(feed)
    fake.fail(status, path="/klines", retry_after=20, times=times)
    for _ in range(times):
        with pytest.raises(RateLimited):
            ask(feed)
    before = len(fake.requests)
    clock.advance(5_000)
    with pytest.raises(RateLimited) as fault:
        ask(feed, ETH)
    assert fault.value.retry_after == pytest.approx(15, abs=0.5)
    assert len(fake.requests) == before
    clock.advance(15_500)
    assert len(ask(feed, ETH)) == 5


def test_a_symbol_in_trouble_harms_no_other(feed, fake):
    fake.fail(500, path="/klines", symbol="BTCUSDT")
    with pytest.raises(FeedUnavailable):
        ask(feed)
    assert len(ask(feed, ETH)) == 5


def test_a_market_that_was_taken_off_is_unknown(feed, fake):
    gone = fake.markets.pop("ETH/USDT")
    try:
        with pytest.raises(UnknownSymbol, match="ETH/USDT"):
            ask(feed, ETH)
    finally:
        fake.markets["ETH/USDT"] = gone


def test_an_exchange_clock_that_cannot_be_read_harms_nothing(feed, fake, clock):
    clock.advance(700_000)
    fake.fail(500, path="/time")
    assert len(ask(feed)) == 5


def test_an_unforeseen_error_is_named(fake, clock):
    def trip(exchange):
        raise ZeroDivisionError("a parser tripped")

    with pytest.raises(FeedUnavailable, match="unforeseen ZeroDivisionError, a parser tripped"):
        line_to(fake.url, clock).call("candles", trip)


def test_a_long_error_is_cut(fake, clock):
    def shout(exchange):
        raise ValueError("many words " * 100)

    with pytest.raises(FeedUnavailable) as fault:
        line_to(fake.url, clock).call("candles", shout)
    assert len(str(fault.value)) <= 200


def fetch_time(exchange):
    return exchange.fetch_time()


def test_a_port_where_nobody_listens_is_named(clock):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FeedUnavailable, match="refuses the connection"):
        line_to(f"http://127.0.0.1:{port}", clock).call("its time", fetch_time)


def test_a_name_that_does_not_resolve_is_named(clock):
    with pytest.raises(FeedUnavailable, match="cannot be resolved"):
        line_to("http://no-such-host.invalid", clock).call("its time", fetch_time)


def test_a_certificate_must_be_trusted_and_may_come_from_the_environment(clock, tmp_path, monkeypatch):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with FakeBinance({"BTC/USDT": a_market(100)}, ready=50, time=clock.now, tls=context) as fake:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with pytest.raises(FeedUnavailable, match="not trusted → set SSL_CERT_FILE"):
            line_to(fake.url, clock).call("its time", fetch_time)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert line_to(fake.url, clock).call("its time", fetch_time) == fake.time()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(FeedUnavailable, match="correct SSL_CERT_FILE"):
            line_to(fake.url, clock).call("its time", fetch_time)
