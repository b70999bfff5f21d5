"""Made-up markets and quick layers for tests of learning: hourly candles of some months."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, raw_of, scored
from hybridd.analysis.windows import lagged, ratio
from hybridd.model.candle import Candles, FloatArray
from hybridd.model.reading import LayerSeries, Market
from tests.recorded_candles import replayed, walk

HOUR = 3_600_000
START = 1_735_689_600_000  # 2025-01-01


@dataclass(slots=True)
class Last:
    """Bullish after a rise over `span` candles."""

    calibration: Calibration
    name: str = "last"
    span: int = 3
    inputs = CANDLES_ONLY
    lookback = 20

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        close = market.candles.close
        return {f"{self.name}.move": ratio(close - lagged(close, self.span), close)}

    def raw(self, market: Market) -> Raw:
        scale = self.calibration.scale(f"{self.name}.move")
        return raw_of(self.parts(market)[f"{self.name}.move"] / scale.spread, self.lookback)

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self.calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        return f"candle {i}"


@dataclass(slots=True)
class Dice(Last):
    """Knows nothing: the digits of the volume."""

    name: str = "dice"

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        return {"dice.move": (market.candles.volume * 1e6) % 1 - 0.5}


@dataclass(slots=True)
class Mute(Last):
    """Has no data."""

    name: str = "mute"

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        return {}

    def raw(self, market: Market) -> Raw:
        return raw_of(np.full(len(market.candles), np.nan), self.lookback)


def two_layers(calibration: Calibration) -> list[Last]:
    return [Last(calibration), Dice(calibration)]


def trending(n: int = 6000, seed: int = 1, pull: float = 0.5) -> Candles:
    """Hourly candles whose returns follow each other: r = pull·r₋₁ + noise."""
    candles = walk(n, seed, HOUR, START)
    noise = np.random.default_rng(seed).normal(0, 0.004, n)
    moves = np.zeros(n)
    for i in range(1, n):
        moves[i] = pull * moves[i - 1] + noise[i]
    close = 100 * np.exp(np.cumsum(moves))
    before = np.r_[100.0, close[:-1]]
    return structs.replace(
        candles, open=before, close=close, high=np.maximum(before, close) * 1.001, low=np.minimum(before, close) * 0.999
    )


def markets(n: int = 6000, pull: float = 0.5) -> list[tuple[str, Market]]:
    return [
        (symbol, replayed(symbol, trending(n, seed, pull))) for seed, symbol in enumerate(("BTC/USDT", "ETH/USDT"), 1)
    ]
