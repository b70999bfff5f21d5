"""The layers that ship, by name."""

from collections.abc import Callable, Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.layers.cross_asset import CrossAsset
from hybridd.analysis.layers.cycle import Cycle
from hybridd.analysis.layers.derivatives import derivatives_layer
from hybridd.analysis.layers.fractal import Fractal
from hybridd.analysis.layers.kalman import Kalman
from hybridd.analysis.layers.macro import macro_layer
from hybridd.analysis.layers.momentum import Momentum
from hybridd.analysis.layers.monte_carlo import MonteCarlo
from hybridd.analysis.layers.patterns import Patterns
from hybridd.analysis.layers.sentiment import sentiment_layer
from hybridd.analysis.layers.structure import Structure
from hybridd.analysis.layers.timeframes import Timeframes
from hybridd.analysis.layers.trend import Trend
from hybridd.analysis.layers.volatility import Volatility
from hybridd.analysis.layers.volume import Volume
from hybridd.analysis.scoring import MeasuredLayer

LAYERS: Mapping[str, Callable[[Calibration], MeasuredLayer]] = {
    "trend": Trend,
    "momentum": Momentum,
    "volatility": Volatility,
    "volume": Volume,
    "structure": Structure,
    "patterns": Patterns,
    "timeframes": Timeframes,
    "kalman": Kalman,
    "fractal": Fractal,
    "cycle": Cycle,
    "monte_carlo": MonteCarlo,
    "cross_asset": CrossAsset,
    "derivatives": derivatives_layer,
    "sentiment": sentiment_layer,
    "macro": macro_layer,
}


def shipped_layers(calibration: Calibration) -> tuple[MeasuredLayer, ...]:
    """One of each, in the order of the table."""
    return tuple(make(calibration) for make in LAYERS.values())
