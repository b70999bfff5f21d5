"""Recorded market data for tests: real candles kept beside the project, never inside it."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hybridd.model.candle import Candles, resample
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import higher_than, parse_timeframe, timeframe_of

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BNB/USDT", "SOL/USDT", "XRP/USDT")


def recorded_file(symbol: str, frame: str = "5m") -> Path:
    path = FOLDER / f"binance_spot_{symbol.replace('/', '')}_{frame}.csv.gz"
    if not path.exists():
        pytest.skip(f"recorded candles are not here: {path}")
    return path


@cache
def _read(path: Path, step: int) -> Candles:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return Candles(step, table[:, 0].astype(np.int64), *(np.ascontiguousarray(table[:, k]) for k in range(1, 6)))


def recorded(symbol: str, frame: str = "5m") -> Candles:
    return _read(recorded_file(symbol, frame), parse_timeframe(frame).ms)


def replayed(symbol: str, candles: Candles) -> Market:
    """A market as a replay sees it: higher time frames drawn from the base."""
    higher = {str(frame): resample(candles, frame.ms) for frame in higher_than(timeframe_of(candles.step))}
    return Market(instrument=parse_instrument(symbol), candles=candles, higher=higher)


@cache
def recorded_market(symbol: str) -> Market:
    return replayed(symbol, recorded(symbol))


def live(market: Market, i: int, history: int = 2000) -> Market:
    """What a daemon holds at the close of candle `i`: the last `history` candles of each series."""
    candles = market.candles[max(0, i + 1 - history) : i + 1]
    now = candles.last_close
    higher = {name: series.closed_by(now)[-history:] for name, series in market.higher.items()}
    return Market(instrument=market.instrument, candles=candles, higher=higher)


def scaled(market: Market, price: float = 1.0, volume: float = 1.0) -> Market:
    """The same market quoted in another unit."""

    def convert(c: Candles) -> Candles:
        prices = (c.open * price, c.high * price, c.low * price, c.close * price)
        return Candles(c.step, c.open_time, *prices, c.volume * volume)

    higher = {name: convert(series) for name, series in market.higher.items()}
    return Market(instrument=market.instrument, candles=convert(market.candles), higher=higher)


def walk(n: int, seed: int = 7, step: int = 300_000, start: int = 1_750_000_200_000) -> Candles:
    """A made-up random walk with volume, for tests that need candles and not a market."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, n)))
    before = np.r_[100.0, close[:-1]] if n else close
    high = np.maximum(before, close) * (1 + rng.uniform(0, 0.001, n))
    low = np.minimum(before, close) * (1 - rng.uniform(0, 0.001, n))
    opened = start // step * step + step * np.arange(n, dtype=np.int64)
    return Candles(step, opened, before, high, low, close, rng.uniform(1, 10, n))
