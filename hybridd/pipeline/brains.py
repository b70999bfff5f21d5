"""Which brain thinks: hybridd's own layers, a function of the person's, or a command."""

from pathlib import Path
from typing import cast

from hybridd.analysis.brain import Brain
from hybridd.analysis.calibration import Calibration
from hybridd.analysis.layer import Layer
from hybridd.analysis.odds import why_no_odds
from hybridd.analysis.registry import shipped_layers
from hybridd.brains.external import CommandBrain, ModuleBrain
from hybridd.config.schema import Settings
from hybridd.errors import ConfigError
from hybridd.model.timeframe import TimeFrame
from hybridd.pipeline.analyze import Analyst, ExternalAnalyst, LayerAnalyst
from hybridd.pipeline.calibration_file import calibration_in_force
from hybridd.plugins import found_layers


def analyst_of(settings: Settings) -> Analyst:
    """The brain of `[analysis]`; raises ConfigError where it cannot be had."""
    analysis = settings.analysis
    timeframe = settings.monitor.timeframe.text
    if analysis.command:
        return ExternalAnalyst(CommandBrain(list(analysis.command), timeout=analysis.timeout / 1000), timeframe)
    if analysis.brain != "hybridd":
        return ExternalAnalyst(ModuleBrain(analysis.brain), timeframe)
    calibration = calibration_in_force(analysis.calibration)
    brain = brain_of(settings, calibration)
    return LayerAnalyst(brain, None if no_odds(settings, brain, calibration) else calibration)


def brain_of(settings: Settings, calibration: Calibration) -> Brain:
    """hybridd's own layers, weighted as the settings say; raises ConfigError, and DataError for a missing scale."""
    layers = shipped_layers(calibration)
    for layer in layers:
        calibration.scale(layer.name)
    folder = settings.analysis.plugins_dir
    others = [cast(Layer, layer) for layer in found_layers(Path(folder) if folder else None)]
    try:
        return Brain((*layers, *others), calibration, settings.analysis.weights, settings.analysis.min_layers)
    except ValueError as error:
        raise ConfigError(f"analysis.weights: {error}", remedy="see docs/brain.md for the layers there are") from None


def no_odds(settings: Settings, brain: Brain, calibration: Calibration, timeframe: TimeFrame | None = None) -> str:
    """Why analyses under these settings, of candles of another time frame if one is given, carry no odds, or ""."""
    weights = dict(zip(brain.names, brain.weights.tolist(), strict=True))
    analysis, frame = settings.analysis, (timeframe or settings.monitor.timeframe).text
    return why_no_odds(calibration, frame, analysis.horizon, brain.names, weights, brain.min_layers)
