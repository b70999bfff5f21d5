"""The layer protocol: one opinion on a market."""

from typing import Protocol

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
