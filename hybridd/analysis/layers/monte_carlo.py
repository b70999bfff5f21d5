"""The monte_carlo layer: of many ways that the next hour could go, how many end higher?"""

import math
from collections.abc import Mapping

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.paths import HORIZON, NEEDED, PATHS, POOL, Blocks, Outlook, blocks, outermost, outlook, path_ends
from hybridd.analysis.returns import changes
from hybridd.analysis.scoring import CANDLES_ONLY, Raw, leaning, mixed, raw_of, scored, up_to, why_not
from hybridd.analysis.view import View, whole
from hybridd.model.candle import FloatArray, IntArray
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
        return whole(market).once(_parts)

    def raw(self, market: Market) -> Raw:
        return self._raw(whole(market))

    def evaluate(self, market: Market) -> LayerSeries:
        return self.said(whole(market))

    def explain(self, market: Market, i: int) -> str:
        return self.why(up_to(market, i))

    def said(self, view: View) -> LayerSeries:
        return scored(self._raw(view), self._calibration.scale(self.name))

    def why(self, view: View) -> str:
        series = view.once(self.said)
        if series.abstain[-1]:
            return why_not(Abstain(series.abstain[-1]), self.lookback, len(view.candles))
        found = view.once(_outlook)
        up = float(found.up[-1])
        ends = path_ends(_changes(view), _number(view), view.market.instrument.symbol, found)
        low, high = (math.expm1(end) for end in outermost(ends, 0.05))
        verdict = leaning(float(series.values[-1]), "leans up", "leans down", "even")
        return (
            f"{up:.0%} of {PATHS:,} paths end higher in {HORIZON} candles, nine in ten between {low:+.2%} and "
            f"{high:+.2%}: {verdict}"
        )

    def _raw(self, view: View) -> Raw:
        return raw_of(mixed(view.once(_parts), self._calibration), self.lookback, len(view.candles))


def _parts(view: View) -> dict[str, FloatArray]:
    found = view.once(_outlook)
    return {"monte_carlo.up": found.up - 0.5, "monte_carlo.tails": found.tails}


def _outlook(view: View) -> Outlook:
    return outlook(_changes(view), _number(view), view.market.instrument.symbol, view.last, view.once(_blocks))


def _blocks(view: View) -> Blocks:
    change = _changes(view)
    return blocks(change, min(len(change), view.last + POOL))


def _changes(view: View) -> FloatArray:
    return view.newest(changes, view.last + NEEDED)


def _number(view: View) -> IntArray:
    """The numbers since 1970 of the candles asked about."""
    opened = view.candles.open_time
    return opened[len(opened) - view.last :] // view.candles.step
