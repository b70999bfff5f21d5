"""The monte_carlo layer: of many ways that the next hour could go, how many end higher?"""

from collections.abc import Mapping

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.paths import HORIZON, NEEDED, PATHS, Outlook, outlook, path_ends
from hybridd.analysis.returns import log_change
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, tail, why_not
from hybridd.model.candle import Candles, FloatArray, IntArray
from hybridd.model.reading import Abstain, LayerSeries, Market


class MonteCarlo:
    """Bullish when more than half of the simulated paths rise, and more of them end far above than far below.

    raw = mean of the share of 1,920 paths of 12 candles that end higher less ½ and of the share that ends beyond
    +2·√12 of the volatility less that beyond −2·√12, each in its own spreads. Paths are blocks of 4 standardised
    returns of the last 480 at a RiskMetrics volatility: filtered historical simulation, sources in `paths`.
    """

    name = "monte_carlo"
    inputs = CANDLES_ONLY
    lookback = NEEDED

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def parts(self, market: Market) -> Mapping[str, FloatArray]:
        found = _outlook(market)
        return {"monte_carlo.up": found.up - 0.5, "monte_carlo.tails": found.tails}

    def raw(self, market: Market) -> Raw:
        return raw_of(mixed(self.parts(market), self._calibration), self.lookback)

    def evaluate(self, market: Market) -> LayerSeries:
        return scored(self.raw(market), self._calibration.scale(self.name))

    def explain(self, market: Market, i: int) -> str:
        recent = Market(instrument=market.instrument, candles=tail(market.candles, i, self.lookback))
        series = self.evaluate(recent)
        if series.abstain[-1]:
            return why_not(Abstain(series.abstain[-1]), self.lookback, i + 1)
        up = float(_outlook(recent).up[-1])
        ends = path_ends(log_change(recent.candles.close), _number(recent.candles), recent.instrument.symbol)
        low, high = (np.expm1(float(end)) for end in np.quantile(ends, [0.05, 0.95]))
        verdict = leaning(float(series.values[-1]), "leans up", "leans down", "even")
        return (
            f"{up:.0%} of {PATHS:,} paths end higher in {HORIZON} candles, nine in ten between {low:+.2%} and "
            f"{high:+.2%}: {verdict}"
        )


def _outlook(market: Market) -> Outlook:
    return outlook(log_change(market.candles.close), _number(market.candles), market.instrument.symbol)


def _number(candles: Candles) -> IntArray:
    """The candles' numbers since 1970."""
    return candles.open_time // candles.step
