"""Recorded markets with all that was known around them, and what a daemon would hold of that."""

from dataclasses import replace
from functools import cache

from hybridd.analysis.calibration import Scale
from hybridd.model.context import ContextSeries
from hybridd.model.reading import Market
from hybridd.pipeline.calibration_file import load_shipped
from hybridd.replay.recorded_context import with_context
from tests.recorded_candles import FOLDER, live, recorded_file, recorded_market

SCALES = {
    "cross_asset.lead": (0.0, 0.152),
    "cross_asset.strength": (-0.084, 1.58),
    "cross_asset.tails": (-0.0345, 0.0767),
    "cross_asset.breadth": (0.0462, 0.791),
    "cross_asset": (-0.167, 0.883),
    "derivatives": (-0.0357, 1.03),
    "sentiment": (0.111, 0.968),
    "macro": (0.313, 0.978),
}
CALIBRATION = replace(
    load_shipped(), scales={name: Scale(centre=centre, spread=spread) for name, (centre, spread) in SCALES.items()}
)


@cache
def informed_market(symbol: str) -> Market:
    """A recorded 5m market with its benchmarks and every series that was kept; skips where the data are absent."""
    recorded_file(symbol)
    return with_context(recorded_market(symbol), FOLDER)


def live_informed(market: Market, i: int, history: int = 2000, values: int = 400) -> Market:
    """What a daemon holds when candle `i` closes: the last candles of each market, the last values of each series."""
    held = live(market, i, history)
    now = held.candles.last_close
    return replace(
        held,
        benchmarks={symbol: candles.closed_by(now)[-history:] for symbol, candles in market.benchmarks.items()},
        context={name: last(series.known_by(now), values) for name, series in market.context.items()},
    )


def last(series: ContextSeries, n: int) -> ContextSeries:
    return ContextSeries(series.name, series.at[-n:], series.known_at[-n:], series.values[-n:], series.stale_after)


def part_of(market: Market, start: int, end: int) -> Market:
    """Candles `start` to `end` of a market, with everything around them as it is."""
    return replace(market, candles=market.candles[start:end])
