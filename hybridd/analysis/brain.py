"""The brain: runs the layers over a market and makes one score of what they say."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from msgspec import Struct, field

from hybridd.analysis.calibration import Calibration
from hybridd.analysis.combination import agreement, combined, correlation_matrix, count
from hybridd.analysis.layer import Layer, SharingLayer
from hybridd.analysis.scoring import Codes, up_to
from hybridd.analysis.view import View
from hybridd.model.candle import BoolArray, FloatArray, IntArray
from hybridd.model.instrument import nearest
from hybridd.model.reading import ABSTAINS, Abstain, LayerSeries, Market, Reading

DEGRADED_CAP = 0.5
CHUNK = 98_304
"""Candles at a time, at most: more take more memory (171 MB at their peak), fewer look back too often for what they
say, which of half as many costs a twentieth of the time."""
FEW = 8_192
"""Candles of which all that was computed on the way is kept for the sentences: a replay has no use for so much."""

# What a layer written by somebody else may raise while it computes. Named one by one, so that a full disk, a lost
# network or a request to stop still reach those who answer for them.
LAYER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, LookupError, NameError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


class Scores(Struct, frozen=True, kw_only=True, eq=False):
    """What the brain said at each of n candles.

    `close_time` ms UTC, `price` the close, `score` in [0, 100] or NaN where no layer answered, `confidence` in [0, 1],
    `agreeing` and `answered` count layers, `degraded` where fewer than `min_layers` answered: all of shape (n,).
    `values` and `abstain`, shape (k, n), hold a row for each of `names`. `failures`: what a layer that broke said.
    `view`: what was computed on the way, where the candles are few enough to be seen at once.
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
    view: View | None = None

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
        self._sharing = _sharing(self.layers)
        self.names = tuple(layer.name for layer in self.layers)
        self.weights = np.array([float(weights.get(name, 1.0)) for name in self.names])
        self.min_layers = min_layers
        self._gain = calibration.gain
        self._rho = correlation_matrix(self.names, calibration.correlation)

    def with_layers(self, layers: Sequence[Layer]) -> "Brain":
        """The same brain with others in place of its layers, name by name."""
        if tuple(layer.name for layer in layers) != self.names:
            raise ValueError(f"the layers must be {', '.join(self.names)}")
        other = copy(self)
        other.layers, other._sharing = tuple(layers), _sharing(layers)
        return other

    def score_series(self, market: Market, after: int | None = None) -> Scores:
        """The score at every candle, or at those that closed after `after` (ms UTC).

        A layer that breaks abstains with FAILED, is told in `failures`; others go on.
        """
        candles = market.candles
        first = 0 if after is None else int(candles.open_time.searchsorted(after + 1 - candles.step))
        last = len(candles) - first
        heard, view = self._hear(market, last)
        judged = [self._judge(heard.values[:, part], heard.abstain[:, part]) for part in _parts(last)]
        score, confidence, agreeing, answered = (np.concatenate(columns) for columns in zip(*judged, strict=True))
        return Scores(
            close_time=candles.open_time[first:] + candles.step,
            price=candles.close[first:],
            score=score,
            confidence=confidence,
            agreeing=agreeing,
            answered=answered,
            degraded=answered < self.min_layers,
            values=heard.values,
            abstain=heard.abstain,
            names=self.names,
            weights=self.weights,
            failures=heard.failures,
            view=view,
        )

    def readings(self, market: Market, scores: Scores, i: int) -> tuple[Reading, ...]:
        """What each layer said at candle `i` of the scores (of the same market), in words."""
        i = range(len(scores))[i]
        view = scores.view if i == len(scores) - 1 else None
        view = view or up_to(market, len(market.candles) - len(scores) + i)
        return tuple(self._reading(row, view, scores, i) for row in range(len(self.layers)))

    def _hear(self, market: Market, last: int) -> tuple["_Heard", View | None]:
        """What every layer says of the newest `last` candles, and the view that they shared, if it was one for all."""
        heard, n, view = _Heard(len(self.layers), last), len(market.candles), None
        for part in _parts(last):
            end = n - last + part.stop
            seen = market if end == n else replace(market, candles=market.candles[:end])
            view = View(seen, part.stop - part.start)
            for row, layer in self._sharing.items():
                heard.take(row, layer.name, partial(view.once, layer.said), part)
        for row, one in enumerate(self.layers):
            if row not in self._sharing:
                heard.take(row, one.name, partial(_newest, one, market, last), slice(0, last))
        return heard, view if last <= min(FEW, CHUNK) else None

    def _judge(self, values: FloatArray, abstain: Codes) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
        """Score, confidence, and how many layers agree with the score and answered at all, each of shape (n,)."""
        answers = abstain == 0  # ANSWERS: numpy takes its time over the member of an enum
        answered = count(answers)
        x = combined(values, answers, self.weights, self._rho, self._gain)
        confidence, agreeing = agreement(values, x, self.weights)
        capped = np.minimum(confidence, DEGRADED_CAP)
        return 50 + 50 * x, np.where(answered < self.min_layers, capped, confidence), agreeing, answered

    def _reading(self, row: int, view: View, scores: Scores, i: int) -> Reading:
        layer, code = self.layers[row], ABSTAINS[scores.abstain.item(row, i)]
        return Reading(
            layer=layer.name,
            score=scores.values.item(row, i) if code is Abstain.ANSWERS else None,
            weight=self.weights.item(row),
            reason=_reason(self._sharing.get(row), layer, view, scores),
            abstain=code,
        )


def _sharing(layers: Sequence[Layer]) -> dict[int, SharingLayer]:
    return {row: layer for row, layer in enumerate(layers) if isinstance(layer, SharingLayer)}


class _Heard:
    """What the layers say, row by row; a row that broke once is FAILED from end to end."""

    def __init__(self, rows: int, n: int) -> None:
        self.values = np.empty((rows, n))
        self.abstain = np.empty((rows, n), dtype=np.int8)
        self.failures: dict[str, str] = {}

    def take(self, row: int, name: str, ask: Callable[[], LayerSeries], part: slice) -> None:
        """Put down what a layer answers to `ask` about the candles of `part`."""
        if name in self.failures:
            return
        try:
            series = _sound(ask(), part.stop - part.start)
        except LAYER_ERRORS as error:
            self.failures[name] = f"{type(error).__name__}: {error}"
            self.values[row], self.abstain[row] = np.nan, Abstain.FAILED
            return
        if self.values.shape[1] == 1:  # as in a live cycle
            self.values[row, 0], self.abstain[row, 0] = series.values.item(0), series.abstain.item(0)
        else:
            self.values[row, part], self.abstain[row, part] = series.values, series.abstain


def _parts(n: int) -> list[slice]:
    """The newest `n` candles in pieces of about one size; one piece, which may be empty, at least."""
    pieces = max(1, -(-n // CHUNK))
    edges = [n * k // pieces for k in range(pieces + 1)]
    return [slice(start, end) for start, end in pairwise(edges)]


def _newest(layer: Layer, market: Market, last: int) -> LayerSeries:
    """Of a layer that knows but the whole market."""
    n, series = len(market.candles), layer.evaluate(market)
    if series.values.shape != (n,):
        raise ValueError(f"gave {series.values.shape} values for {n} candles")
    return LayerSeries(series.values[n - last :], series.abstain[n - last :])


def _reason(sharing: SharingLayer | None, layer: Layer, view: View, scores: Scores) -> str:
    if layer.name in scores.failures:
        return f"failed: {scores.failures[layer.name]}"
    try:
        # As plain text, whatever kind of text a plug-in has: it is stored.
        return str(sharing.why(view) if sharing is not None else layer.explain(view.market, len(view.candles) - 1))
    except LAYER_ERRORS as error:
        return f"cannot explain itself: {type(error).__name__}: {error}"


def _sound(series: LayerSeries, n: int) -> LayerSeries:
    """The series as it is; raises ValueError where it is not one value in [0, 100] a candle."""
    if series.values.shape != (n,):
        raise ValueError(f"gave {series.values.shape} values for {n} candles")
    least, greatest = (series.values.item(0),) * 2 if n == 1 else _extremes(series.values)
    if least < 0 or greatest > 100:
        raise ValueError("gave a value outside 0 to 100")
    return series


def _extremes(values: FloatArray) -> tuple[float, float]:
    """The least and the greatest of those that are numbers."""
    return float(np.fmin.reduce(values, initial=np.inf)), float(np.fmax.reduce(values, initial=-np.inf))


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
