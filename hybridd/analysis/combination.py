"""How opinions become one score: R. Carver's forecast combination, over the layers that answered."""

from collections.abc import Mapping, Sequence
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
    if answers.shape[1] == 1:
        return np.array([_multiplier_of(answers[:, 0], weights, rho)])
    n, turns = answers.shape[1], np.ones(answers.shape[1], dtype=np.bool_)
    turns[1:] = False
    for row in answers:
        turns[1:] |= row[1:] != row[:-1]
    starts = np.flatnonzero(turns)
    which, first = np.zeros(len(starts), dtype=np.int64), np.zeros(0, dtype=np.int64)
    for eight in np.packbits(answers[:, starts], axis=0):
        _, first, which = np.unique(which * 256 + eight, return_index=True, return_inverse=True)
    found = np.array([_multiplier_of(answers[:, candle], weights, rho) for candle in starts[first].tolist()])
    return np.repeat(found[which], np.diff(starts, append=n))


def _multiplier_of(chosen: BoolArray, weights: FloatArray, rho: FloatArray) -> float:
    if not chosen.any():
        return 1.0
    share = weights[chosen]
    return diversification_multiplier(share / share.sum(), rho[chosen][:, chosen])


def combined(opinions: FloatArray, weights: FloatArray, rho: FloatArray, gain: float = 1.0) -> FloatArray:
    """x = clip(gain·m·Σ w x/Σ w, −1, 1) over the rows that answered, shape (n,); NaN where none did.

    `opinions` of shape (k, n) hold (value − 50)/50 or NaN, `weights` of shape (k,) are above 0. `gain` is measured:
    m alone keeps the spread of a single layer, which puts a third of all scores beyond one standard deviation.
    """
    answers = ~np.isnan(opinions)
    answered = weight_answered(answers, weights)
    scaled = gain * multipliers(answers, weights, rho) * ratio(_total(opinions, answers, weights), answered)
    return np.asarray(np.minimum(np.maximum(scaled, -1.0), 1.0))


def _total(opinions: FloatArray, answers: BoolArray, weights: FloatArray) -> FloatArray:
    """Σ w x of the rows that answered, shape (n,), row by row."""
    if opinions.shape[1] == 1:
        one = 0.0
        for weight, opinion in zip(weights.tolist(), opinions[:, 0].tolist(), strict=True):
            one += weight * opinion if opinion == opinion else 0.0
        return np.array([one])
    total = np.zeros(opinions.shape[1])
    for weight, row, there in zip(weights.tolist(), opinions, answers, strict=True):
        said = row if weight == 1 else weight * row
        total += said if there.all() else np.where(there, said, 0.0)
    return total


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


def agreement(opinions: FloatArray, x: FloatArray, weights: FloatArray) -> tuple[FloatArray, IntArray]:
    """Confidence in [0, 1] and how many layers are on the score's side, each of shape (n,).

    Weight on the score's side/weight that answered × weight that answered/all weight; 0 at a score of exactly 50.
    """
    above, below = opinions > 0, opinions < 0
    agreeing = _of_side(x, count(above), count(below))
    if (weights == weights[0]).all():
        return np.asarray(weights[0] * agreeing / weights.sum()), agreeing
    weight = _of_side(x, weight_answered(above, weights), weight_answered(below, weights))
    return np.asarray(weight / weights.sum()), agreeing


def _of_side(x: FloatArray, above: Number, below: Number) -> Number:
    """What is `above` where the score is, what is `below` where that is, else 0."""
    return cast(Number, np.where(x > 0, above, below) * (x * x > 0))
