"""The layers that ship, by name."""

from collections.abc import Callable, Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.layers.momentum import Momentum
from hybridd.analysis.layers.patterns import Patterns
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
    "patterns": Patterns,
    "timeframes": Timeframes,
}


def shipped_layers(calibration: Calibration) -> tuple[MeasuredLayer, ...]:
    """One of each, in the order of the table."""
    return tuple(make(calibration) for make in LAYERS.values())
