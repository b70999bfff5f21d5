"""Structure, kalman, fractal, cycle and monte_carlo with constants learned from a quarter of recorded candles."""

from functools import cache

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.layers.cycle import Cycle
from hybridd.analysis.layers.fractal import Fractal
from hybridd.analysis.layers.kalman import Kalman
from hybridd.analysis.layers.monte_carlo import MonteCarlo
from hybridd.analysis.layers.structure import Structure
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.replay.calibrate import learn
from tests.recorded_candles import recorded

MORE = {
    "structure": Structure,
    "kalman": Kalman,
    "fractal": Fractal,
    "cycle": Cycle,
    "monte_carlo": MonteCarlo,
}


@cache
def learned() -> Calibration:
    markets = [(symbol, alone(symbol, recorded(symbol)[:26_000])) for symbol in ("BTC/USDT", "ETH/USDT")]
    return learn(markets, lambda calibration: [make(calibration) for make in MORE.values()])


def layer(name: str):
    return MORE[name](learned())


def alone(symbol: str, candles: Candles) -> Market:
    """A market of candles only: all that these layers read."""
    return Market(instrument=parse_instrument(symbol), candles=candles)
