"""Which brain thinks: hybridd's own layers, a function of the person's, or a command."""

from hybridd.analysis.brain import Brain
from hybridd.analysis.registry import shipped_layers
from hybridd.brains.external import CommandBrain, ModuleBrain
from hybridd.config.schema import Settings
from hybridd.errors import ConfigError
from hybridd.pipeline.analyze import Analyst, ExternalAnalyst, LayerAnalyst
from hybridd.replay.shipped import load_shipped

# Layers that settings may name although this version has none: a weight of 0 asks for nothing and is let pass.
PLANNED = frozenset(
    {"structure", "kalman", "fractal", "cycle", "monte_carlo", "cross_asset", "derivatives", "sentiment", "macro"}
)


def analyst_of(settings: Settings) -> Analyst:
    """The brain of `[analysis]`; raises ConfigError where it cannot be had."""
    analysis = settings.analysis
    timeframe = settings.monitor.timeframe.text
    if analysis.command:
        return ExternalAnalyst(CommandBrain(list(analysis.command), timeout=analysis.timeout / 1000), timeframe)
    if analysis.brain != "hybridd":
        return ExternalAnalyst(ModuleBrain(analysis.brain), timeframe)
    return LayerAnalyst(brain_of(settings))


def brain_of(settings: Settings) -> Brain:
    """hybridd's own layers, weighted as the settings say."""
    calibration = load_shipped()
    weights = {name: w for name, w in settings.analysis.weights.items() if not (name in PLANNED and w == 0)}
    try:
        return Brain(shipped_layers(calibration), calibration, weights, settings.analysis.min_layers)
    except ValueError as error:
        raise ConfigError(f"analysis.weights: {error}", remedy="see docs/brain.md for the layers there are") from None
