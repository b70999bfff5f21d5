"""How opinions become one score: R. Carver's forecast combination, over the layers that answered."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeVar, cast

import numpy as np

from hybridd.analysis.windows import ratio
from hybridd.model.candle import BoolArray, FloatArray, IntArray

_BYTE = 255
Number = TypeVar("Number", FloatArray, IntArray)


def correlation_matrix(names: Sequence[str], measured: Mapping[tuple[str, str], float]) -> FloatArray:
    """Correlation of layers, shape (k, k), negatives as 0; an unmeasured pair is as correlated as the average pair.

    The floor as in R. Carver, Systematic Trading (2015), ch. 8: a measured negative correlation is not relied on.
    """
    floored = {pair: max(value, 0.0) for pair, value in measured.items()}
    average = sum(floored.values()) / len(floored) if floored else 0.0
    rho = np.eye(len(names))
    for i, one in enumerate(names):
        for j, other in enumerate(names[:i]):
            rho[i, j] = rho[j, i] = floored.get((min(one, other), max(one, other)), average)
    return rho


def diversification_multiplier(weights: FloatArray, rho: FloatArray) -> float:
    """1/√(wᵀρw) with weights that sum to 1, at least 1 (Carver 2015, ch. 8 and appendix D)."""
    return float(1 / np.sqrt(weights @ rho @ weights))


def multipliers(answers: BoolArray, weights: FloatArray, rho: FloatArray) -> FloatArray:
    """The multiplier of the layers that answered at each candle, shape (n,), from `answers` of shape (k, n).

    1 where none did. Computed once for each set of answering layers, of which a history holds a handful.
    """
    n, given = answers.shape[1], (weights.tobytes(), rho.tobytes())
    if n == 1:
        return np.array([_multiplier_of(answers.tobytes(), *given)])
    turns = np.ones(n, dtype=np.bool_)
    turns[1:] = False
    for row in answers:
        if not row.all():
            turns[1:] |= row[1:] != row[:-1]
    starts = np.flatnonzero(turns)
    sets = [chosen.tobytes() for chosen in np.ascontiguousarray(answers[:, starts].T)]
    found = {one: _multiplier_of(one, *given) for one in set(sets)}
    return np.repeat([found[one] for one in sets], np.diff(starts, append=n))


@lru_cache(maxsize=4_096)
def _multiplier_of(chosen: bytes, weights: bytes, rho: bytes) -> float:
    """Of bytes, which can be asked for again: from cycle to cycle mostly the same layers answer."""
    rows, weight = np.frombuffer(chosen, dtype=np.bool_), np.frombuffer(weights)
    if not rows.any():
        return 1.0
    share = weight[rows]
    return diversification_multiplier(share / share.sum(), np.frombuffer(rho).reshape(len(rows), -1)[rows][:, rows])


def combined(
    values: FloatArray, answers: BoolArray, weights: FloatArray, rho: FloatArray, gain: float = 1.0
) -> FloatArray:
    """x = clip(gain·m·Σ w x/Σ w, −1, 1) over the rows that answered, shape (n,); NaN where none did.

    x = (value − 50)/50 of `values` of shape (k, n), where they answer; `weights` of shape (k,) are above 0. `gain` is
    measured: m alone keeps the spread of a single layer, which puts a third of all scores beyond one standard
    deviation.
    """
    scaled = _mean(values, answers, weights)
    scaled *= multipliers(answers, weights, rho)
    scaled *= gain / 50
    np.maximum(scaled, -1.0, out=scaled)
    return np.minimum(scaled, 1.0, out=scaled)


def _mean(values: FloatArray, answers: BoolArray, weights: FloatArray) -> FloatArray:
    """Σ w·(value − 50)/Σ w of the rows that answered, shape (n,), row by row; NaN where none did."""
    if values.shape[1] == 1:
        return np.array([_mean_of_one(values[:, 0].tolist(), weights.tolist())])
    total, said = np.zeros(values.shape[1]), np.empty(values.shape[1])
    for weight, row, there in zip(weights.tolist(), values, answers, strict=True):
        np.subtract(row, 50, out=said)
        if weight != 1:
            said *= weight
        if not there.all():
            said[~there] = 0.0
        total += said
    return ratio(total, weight_answered(answers, weights))


def _mean_of_one(values: list[float], weights: list[float]) -> float:
    """`_mean` of one candle, in plain numbers."""
    total = answered = 0.0
    for value, weight in zip(values, weights, strict=True):
        if value == value:
            total += weight * (value - 50)
            answered += weight
    return total / answered if answered else float("nan")


def weight_answered(chosen: BoolArray, weights: FloatArray) -> FloatArray:
    """Σ of the weights of the rows chosen at each candle, shape (n,): row by row, so that the length changes no bit."""
    if (weights == weights[0]).all():
        return np.asarray(weights[0] * count(chosen))
    total = np.zeros(chosen.shape[1])
    for weight, row in zip(weights, chosen, strict=True):
        total += weight * row
    return total


def count(chosen: BoolArray) -> IntArray:
    """How many rows are chosen at each candle, shape (n,)."""
    if len(chosen) > _BYTE:
        return np.asarray(np.count_nonzero(chosen, axis=0))
    return np.asarray(np.add.reduce(chosen.view(np.uint8), axis=0, dtype=np.uint8), dtype=np.int64)


def agreement(values: FloatArray, x: FloatArray, weights: FloatArray) -> tuple[FloatArray, IntArray]:
    """Confidence in [0, 1] and how many layers are on the score's side, each of shape (n,).

    Weight on the score's side/weight that answered × weight that answered/all weight; 0 at a score of exactly 50.
    """
    if len(x) == 1:
        side = x.item(0)
        sided = [w for w, value in zip(weights.tolist(), values[:, 0].tolist(), strict=True) if (value - 50) * side > 0]
        return np.array([math.fsum(sided) / weights.sum()]), np.array([len(sided)])
    above, below = values > 50, values < 50
    agreeing = _of_side(x, count(above), count(below))
    if (weights == weights[0]).all():
        return np.asarray(weights[0] * agreeing / weights.sum()), agreeing
    weight = _of_side(x, weight_answered(above, weights), weight_answered(below, weights))
    return np.asarray(weight / weights.sum()), agreeing


def _of_side(x: FloatArray, above: Number, below: Number) -> Number:
    """What is `above` where the score is, what is `below` where that is, else 0."""
    return cast(Number, np.where(x > 0, above, below) * (x * x > 0))
