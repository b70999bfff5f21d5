"""Where the time goes in one call of a brain, layer by layer."""

from collections.abc import Callable

from hybridd.analysis.brain import Brain
from hybridd.analysis.layer import Layer, SharingLayer
from hybridd.analysis.view import View
from hybridd.model.reading import LayerSeries, Market

COMBINATION = "combination"
SENTENCES = "sentences"

Spent = dict[str, float]


def layer_seconds(
    brain: Brain, market: Market, clock: Callable[[], float], after: int | None = None, *, explain: bool = False
) -> Spent:
    """Seconds (of `clock`) that each layer takes to score a market once, by name in order, and the combination.

    What layers share counts for the one that needs it first. `after` as in `Brain.score_series`; with `explain` the
    sentences of the newest candle as well.
    """
    spent = dict.fromkeys(brain.names, 0.0)
    watched = brain.with_layers([_watched(layer, clock, spent) for layer in brain.layers])
    began = clock()
    scores = watched.score_series(market, after)
    scored = clock()
    spent[COMBINATION] = scored - began - sum(spent.values())
    if explain and len(scores):
        brain.readings(market, scores, -1)
        spent[SENTENCES] = clock() - scored
    return spent


def _watched(layer: Layer, clock: Callable[[], float], spent: Spent) -> Layer:
    if isinstance(layer, SharingLayer):
        return _WatchedSharing(layer, clock, spent)
    return _Watched(layer, clock, spent)


class _Watched:
    """A layer with a clock beside it."""

    def __init__(self, layer: Layer, clock: Callable[[], float], spent: Spent) -> None:
        self.name, self.inputs, self.lookback = layer.name, layer.inputs, layer.lookback
        self._layer, self._clock, self._spent = layer, clock, spent

    def evaluate(self, market: Market) -> LayerSeries:
        began = self._clock()
        series = self._layer.evaluate(market)
        self._spent[self.name] += self._clock() - began
        return series

    def explain(self, market: Market, i: int) -> str:
        return self._layer.explain(market, i)


class _WatchedSharing:
    """A layer that shares what it computes, with a clock beside it."""

    def __init__(self, layer: SharingLayer, clock: Callable[[], float], spent: Spent) -> None:
        self.name, self.inputs, self.lookback = layer.name, layer.inputs, layer.lookback
        self.evaluate, self.explain, self.why = layer.evaluate, layer.explain, layer.why
        self._layer, self._clock, self._spent = layer, clock, spent

    def said(self, view: View) -> LayerSeries:
        began = self._clock()
        series = view.once(self._layer.said)
        self._spent[self.name] += self._clock() - began
        return series
