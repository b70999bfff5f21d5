"""The list of markets, read in a child process."""

import json
import subprocess
import sys

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import FeedUnavailable, RateLimited
from hybridd.market.markets import MarketLoader, list_markets
from tests.fakes.faults import FaultKind
from tests.unit.market.exchange_parts import NOW, an_exchange, line_to


@pytest.fixture(scope="module")
def clock():
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def fake(clock):
    with an_exchange(clock, padding=20) as fake:
        yield fake


@pytest.fixture(autouse=True)
def healed(fake):
    yield
    fake.heal()


def a_loader(url, deadline=30.0):
    return MarketLoader(exchange="binance", market_type="spot", base_url=url, timeout=5.0, deadline=deadline)


def test_the_child_hands_on_every_active_market_of_the_type(fake):
    listings = a_loader(fake.url).load()
    assert {"BTC/USDT", "ETH/USDT", "PAD7/USDT"} <= listings.keys()
    assert len(listings) == 22
    assert listings["BTC/USDT"].id == "BTCUSDT"
    market = listings["BTC/USDT"].market()
    assert (market["base"], market["quote"], market["type"], market["info"]) == ("BTC", "USDT", "spot", {})
    assert len(listings["BTC/USDT"].packed) < 1200
    assert [request.path for request in fake.requests] == ["/api/v3/exchangeInfo"]


def test_a_child_that_takes_too_long_is_ended(fake):
    fake.fail(FaultKind.SLOW, seconds=30.0)  # a quick machine had the answer within the time
    with pytest.raises(FeedUnavailable, match=r"no answer within 0\.2 s"):
        a_loader(fake.url, deadline=0.2).load()


def test_a_fault_crosses_from_the_child_with_its_kind(fake):
    fake.fail(429, retry_after=11, times=1)
    with pytest.raises(RateLimited) as fault:
        a_loader(fake.url).load()
    assert fault.value.retry_after == 11


@pytest.mark.parametrize("kind", [503, FaultKind.HTML, FaultKind.HALF])
def test_a_list_that_cannot_be_read_is_told(fake, clock, kind):
    fake.fail(kind)
    with pytest.raises(FeedUnavailable, match="list of markets"):
        list_markets(line_to(fake.url, clock), "spot")


def test_a_mirror_that_does_not_know_the_short_form_is_asked_for_the_long_one(fake, clock):
    fake.fail(400, times=1)
    assert "BTC/USDT" in list_markets(line_to(fake.url, clock), "spot")
    assert [request.query for request in fake.requests[-2:]] == [
        {"showPermissionSets": "false", "symbolStatus": "TRADING"},
        {},
    ]


def test_a_type_of_market_that_the_exchange_lacks_is_told(fake, clock):
    with pytest.raises(FeedUnavailable, match="lists no option market"):
        list_markets(line_to(fake.url, clock), "option")


def test_a_child_that_breaks_is_told(fake, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise RuntimeError('broken machine')")
    monkeypatch.setattr("hybridd.market.markets._environment", lambda: {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(FeedUnavailable, match="broken machine"):
        a_loader(fake.url).load()


def test_the_child_answers_in_json_whatever_happens():
    settings = {"exchange": "nowhere", "market_type": "spot", "base_url": "", "timeout": 1.0}
    done = subprocess.run(
        [sys.executable, "-m", "hybridd.market.markets"],
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert json.loads(done.stdout)["fault"] == "DataError"
    assert done.stderr == ""
