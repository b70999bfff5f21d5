"""The layer protocol: one opinion on a market."""

from typing import Protocol, runtime_checkable

from hybridd.analysis.view import View
from hybridd.model.reading import Input, LayerSeries, Market


class Layer(Protocol):
    """One opinion, vectorised over all candles of a market and causal: the value at i never sees i + 1."""

    name: str
    inputs: frozenset[Input]
    lookback: int
    """Closed candles needed before the first value."""

    def evaluate(self, market: Market) -> LayerSeries:
        """One value a candle, shape (n,), in [0, 100] or NaN with the reason."""
        ...

    def explain(self, market: Market, i: int) -> str:
        """One short plain sentence with its numbers for candle `i`, whether the layer answered there or not."""
        ...


@runtime_checkable
class SharingLayer(Layer, Protocol):
    """A layer that computes no more than it is asked for, and shares what it computes. Optional: Layer is enough.

    A live cycle asks about one candle of two thousand. What a view gives is others' as well: nobody writes into it.
    """

    def said(self, view: View) -> LayerSeries:
        """One value for each of the newest `view.last` candles, the same as `evaluate` gives them."""
        ...

    def why(self, view: View) -> str:
        """The sentence of `explain` for the newest candle."""
        ...
