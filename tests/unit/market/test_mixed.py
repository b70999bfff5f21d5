"""Spot markets and perpetuals side by side, through unmodified ccxt."""

import pytest

from hybridd.app import feed_of
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.errors import UnknownSymbol
from hybridd.model.timeframe import parse_timeframe
from tests.fakes.binance import FakeBinance
from tests.recorded_candles import walk
from tests.unit.market.exchange_parts import NOW

M5 = parse_timeframe("5m")


@pytest.fixture
def feed():
    clock = ManualClock(NOW)
    markets = {"BTC/USDT": walk(400, seed=1), "BTC/USDT:USDT": walk(400, seed=2)}
    with FakeBinance(markets, ready=300, time=clock.now) as fake:
        settings = Settings.model_validate(
            {"monitor": {"symbols": ("BTCUSDT", "BTC/USDT:USDT")}, "market": {"base_url": fake.url}}
        )
        made = feed_of(settings, clock)
        yield made
        made.close()


def test_each_market_comes_from_where_it_is_traded(feed):
    spot, perpetual = feed.instrument("BTCUSDT"), feed.instrument("BTC/USDT:USDT")
    since = M5.open_at(feed.now()) - 5 * M5.ms
    closes = [[row[4] for row in feed.rows(one, M5, since, 5)] for one in (spot, perpetual)]
    assert len(closes[0]) == len(closes[1]) == 5
    assert closes[0] != closes[1]


def test_an_unknown_one_is_named_with_the_nearest(feed):
    with pytest.raises(UnknownSymbol, match="BTC/USDT"):
        feed.instrument("BTD/USDT")
    with pytest.raises(UnknownSymbol, match="not a symbol"):
        feed.instrument("what?")
