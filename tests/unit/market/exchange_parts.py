"""A local exchange and a feed that talks to it, on one manual clock: nothing sleeps."""

from contextlib import contextmanager

import numpy as np

from hybridd.clock import ManualClock
from hybridd.market.connection import Connection
from hybridd.market.exchange import ExchangeFeed
from hybridd.model.candle import Candles
from tests.fakes.binance import FakeBinance

NOW = 1_790_000_000_000


def a_market(count: int = 6000, seed: int = 1) -> Candles:
    """A plain random walk of 5m candles."""
    rng = np.random.default_rng(seed)
    edges = np.round(30_000 * np.exp(np.cumsum(rng.normal(0, 0.001, count + 1))), 2)
    opened, closed = edges[:-1], edges[1:]
    high, low = np.maximum(opened, closed) + 5, np.minimum(opened, closed) - 5
    times = 1_735_603_200_000 + np.arange(count) * 300_000
    return Candles(300_000, times, opened, high, low, closed, np.round(rng.uniform(1, 50, count), 5))


def sleeper(clock: ManualClock):
    return lambda seconds: clock.advance(round(seconds * 1000))


def feed_to(fake: FakeBinance, clock: ManualClock, **settings) -> ExchangeFeed:
    settings = {"exchange": "binance", "timeout": 5.0, **settings}
    return ExchangeFeed(base_url=fake.url, clock=clock, sleep=sleeper(clock), **settings)


def line_to(url: str, clock: ManualClock, timeout: float = 5.0, exchange: str = "binance") -> Connection:
    return Connection(
        exchange=exchange, market_type="spot", base_url=url, clock=clock, timeout=timeout, sleep=sleeper(clock)
    )


@contextmanager
def an_exchange(clock: ManualClock, skew: int = 0, **settings):
    candles = {"BTC/USDT": a_market(), "ETH/USDT": a_market(seed=2), "BTC/USDT:USDT": a_market(seed=3)}
    with FakeBinance(candles, time=lambda: clock.now() + skew, **settings) as fake:
        yield fake
