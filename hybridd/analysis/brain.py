"""The brain: runs the layers over a market and makes one score of what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.combination import agreement, combined, correlation_matrix
from hybridd.analysis.layer import Layer
from hybridd.model.candle import BoolArray, FloatArray, IntArray
from hybridd.model.instrument import nearest
from hybridd.model.reading import Abstain, LayerSeries, Market, Reading

DEGRADED_CAP = 0.5

# What a layer written by somebody else may raise while it computes. Named one by one, so that a full disk, a lost
# network or a request to stop still reach those who answer for them.
LAYER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, LookupError, NameError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """What the brain said at each of n candles.

    `close_time` ms UTC, `price` the close, `score` in [0, 100] or NaN where no layer answered, `confidence` in [0, 1],
    `agreeing` and `answered` count layers, `degraded` where fewer than `min_layers` answered: all of shape (n,).
    `values` and `abstain`, shape (k, n), hold a row for each of `names`. `failures`: what a layer that broke said.
    """

    close_time: IntArray
    price: FloatArray
    score: FloatArray
    confidence: FloatArray
    agreeing: IntArray
    answered: IntArray
    degraded: BoolArray
    values: FloatArray
    abstain: np.ndarray[tuple[int, int], np.dtype[np.int8]]
    names: tuple[str, ...]
    weights: FloatArray
    failures: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.close_time)

    def missing(self, i: int) -> tuple[str, ...]:
        """Names of the layers that did not answer at candle `i`."""
        return tuple(name for name, code in zip(self.names, self.abstain[:, i], strict=True) if code)


class Brain:
    """The layers that are switched on, their weights, and how they are combined.

    `weights`: by layer name, 1 for those not named; a layer of weight 0 is off and does not run. Raises ValueError
    for an unknown name, a weight below 0, no layer left, or `min_layers` below 1.
    """

    def __init__(
        self, layers: Sequence[Layer], calibration: Calibration, weights: Mapping[str, float], min_layers: int
    ) -> None:
        _check(layers, weights, min_layers)
        self.layers = tuple(layer for layer in layers if weights.get(layer.name, 1.0) > 0)
        if not self.layers:
            raise ValueError("every layer has weight 0: nothing is left to analyse with")
        self.names = tuple(layer.name for layer in self.layers)
        self.weights = np.array([float(weights.get(name, 1.0)) for name in self.names])
        self.min_layers = min_layers
        self._gain = calibration.gain
        self._rho = correlation_matrix(self.names, calibration.correlation)

    def score_series(self, market: Market) -> Scores:
        """The score at every candle. A layer that breaks abstains with FAILED, is told in `failures`; others go on."""
        series, failures = self._run(market)
        values = np.stack([one.values for one in series])
        opinions = (values - 50) / 50
        x = combined(opinions, self.weights, self._rho, self._gain)
        confidence, side = agreement(opinions, x, self.weights)
        answered = np.count_nonzero(~np.isnan(values), axis=0)
        degraded = answered < self.min_layers
        return Scores(
            close_time=market.candles.close_time,
            price=market.candles.close,
            score=50 + 50 * x,
            confidence=np.where(degraded, np.minimum(confidence, DEGRADED_CAP), confidence),
            agreeing=np.count_nonzero(side, axis=0),
            answered=answered,
            degraded=degraded,
            values=values,
            abstain=np.stack([one.abstain for one in series]),
            names=self.names,
            weights=self.weights,
            failures=failures,
        )

    def readings(self, market: Market, scores: Scores, i: int) -> tuple[Reading, ...]:
        """What each layer said at candle `i` (of the same market), in words."""
        i = range(len(scores))[i]
        return tuple(self._reading(row, market, scores, i) for row in range(len(self.layers)))

    def _run(self, market: Market) -> tuple[list[LayerSeries], dict[str, str]]:
        series, failures = [], {}
        for layer in self.layers:
            try:
                series.append(_sound(layer.evaluate(market), len(market.candles)))
            except LAYER_ERRORS as error:
                failures[layer.name] = f"{type(error).__name__}: {error}"
                series.append(_silent(len(market.candles)))
        return series, failures

    def _reading(self, row: int, market: Market, scores: Scores, i: int) -> Reading:
        layer, code = self.layers[row], Abstain(scores.abstain[row, i])
        return Reading(
            layer=layer.name,
            score=float(scores.values[row, i]) if code is Abstain.ANSWERS else None,
            weight=float(self.weights[row]),
            reason=_reason(layer, market, scores, i),
            abstain=code,
        )


def _reason(layer: Layer, market: Market, scores: Scores, i: int) -> str:
    if layer.name in scores.failures:
        return f"failed: {scores.failures[layer.name]}"
    try:
        return layer.explain(market, i)
    except LAYER_ERRORS as error:
        return f"cannot explain itself: {type(error).__name__}: {error}"


def _sound(series: LayerSeries, n: int) -> LayerSeries:
    """The series as it is; raises ValueError where it is not one value in [0, 100] a candle."""
    if series.values.shape != (n,):
        raise ValueError(f"gave {series.values.shape} values for {n} candles")
    if n and (np.nanmin(series.values, initial=50.0) < 0 or np.nanmax(series.values, initial=50.0) > 100):
        raise ValueError("gave a value outside 0 to 100")
    return series


def _silent(n: int) -> LayerSeries:
    return LayerSeries(np.full(n, np.nan), np.full(n, Abstain.FAILED, dtype=np.int8))


def _check(layers: Sequence[Layer], weights: Mapping[str, float], min_layers: int) -> None:
    known = [layer.name for layer in layers]
    twice = {name for name in known if known.count(name) > 1}
    if twice:
        raise ValueError(f"two layers are called {', '.join(sorted(twice))}")
    for name, weight in weights.items():
        if name not in known:
            hint = _nearest(name, known)
            raise ValueError(f'there is no layer "{name}"' + (f', did you mean "{hint}"?' if hint else ""))
        if not 0 <= weight < float("inf"):
            raise ValueError(f'the weight of layer "{name}" must be 0 or more, not {weight}')
    if min_layers < 1:
        raise ValueError(f"min_layers must be at least 1, not {min_layers}")


def _nearest(name: str, known: Sequence[str]) -> str:
    upper = {one.upper(): one for one in known}
    return upper.get(nearest(name, upper), "")
