"""Does a market go on or turn back? The variance ratio over exact windows."""

from dataclasses import dataclass

import numpy as np

from hybridd.analysis.windows import newest, ratio, rolling_sum
from hybridd.model.candle import FloatArray

WINDOW = 576
LONG = 12
STILL = 1e-9  # a variance below this share of the mean square is rounding, not movement
_FEW = 16  # windows up to which each is summed up by itself
# (2(q−j)/q)² for the lags j from 1 on, and the sums of those beyond each lag.
_WEIGHTS = (2 * (LONG - np.arange(1, LONG)) / LONG) ** 2
_BEYOND = np.cumsum(_WEIGHTS[::-1])[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class Persistence:
    """At each candle, shape (n,): the variance ratio and its robust z-value."""

    variance_ratio: FloatArray
    z: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Of the last 576 returns: their mean, their sum of squares about it, and the 12-candle returns up to each."""

    mean: FloatArray
    about_mean: FloatArray
    leap: FloatArray


def persistence(step: FloatArray, last: int | None = None) -> Persistence:
    """Variance of 12-candle returns over 12 times that of one-candle returns, of the last T = 576, and its z-value.

    A. Lo and A. C. MacKinlay, "Stock market prices do not follow random walks", Review of Financial Studies 1 (1988):
    σ̄²ₐ and σ̄²_c with overlapping sums and without bias (sec. 1.1), the z-value z* robust to changing volatility
    (sec. 1.2). `step`: one-candle log returns, shape (n,). NaN where price never moved.
    """
    step, last = _known(step), len(step) if last is None else last
    found, leaps = _moments(step, last), WINDOW - LONG + 1
    leap = rolling_sum(step, LONG, min(last + WINDOW, len(step)))
    drift = LONG * found.mean
    spread = rolling_sum(leap * leap, leaps, last) - 2 * drift * rolling_sum(leap, leaps, last) + leaps * drift * drift
    vr = ratio(spread / (LONG * leaps * (1 - LONG / WINDOW)), found.about_mean / (WINDOW - 1))
    error = np.sqrt(_robust_variance(step, found.mean)) / found.about_mean
    return Persistence(vr, ratio(vr - 1, error))


def usual_moves(step: FloatArray, last: int | None = None) -> FloatArray:
    """The last 12-candle return less its mean, over √12·σ̄ₐ of the last 576 returns, shape (n,)."""
    step, last = _known(step), len(step) if last is None else last
    found = _moments(step, last)
    return ratio(found.leap - LONG * found.mean, np.sqrt(LONG / (WINDOW - 1) * found.about_mean))


def _known(step: FloatArray) -> FloatArray:
    """Without the first of all, which has no price before it."""
    return step[1:] if len(step) and step[0] != step[0] else step


def _moments(step: FloatArray, last: int) -> _Moments:
    mean = rolling_sum(step, WINDOW, last) / WINDOW
    square = rolling_sum(step * step, WINDOW, last)
    about_mean = square - WINDOW * mean * mean
    moves = about_mean > STILL * square
    return _Moments(mean, np.where(moves, about_mean, np.nan), rolling_sum(step, LONG, last))


def _robust_variance(step: FloatArray, mean: FloatArray) -> FloatArray:
    """Σⱼ (2(q−j)/q)²·Σₜ (xₜ−μ)²(xₜ₋ⱼ−μ)²: the numerators of δ̂(j) in θ̂(q).

    The inner sum is taken over the pairs that lie in the window of T returns, hence over T − j of them.
    """
    last = min(len(mean), max(0, len(step) - WINDOW + 1))
    if last > _FEW:
        return newest(_multiplied_out(step[len(step) - last - WINDOW + 1 :], mean[len(mean) - last :]), len(mean))
    out = np.full(len(mean), np.nan)
    for age in range(last):
        end = len(step) - age
        square = (step[end - WINDOW : end] - mean[-1 - age]) ** 2
        out[-1 - age] = sum(w * square[j:].dot(square[:-j]) for j, w in enumerate(_WEIGHTS.tolist(), 1))
    return out


def _multiplied_out(x: FloatArray, mean: FloatArray) -> FloatArray:
    """The brackets multiplied out, so that all lags go into one sum over the window.

    From the sum over all T the pairs are taken away whose older one lies before the window: at lag j those of its
    oldest j returns. With the lags taken from the longest on, `pairs` at the j-th oldest return holds just those lags.
    """
    n, deep = len(mean), LONG - 1
    pairs, outside = np.zeros((3, len(x))), np.zeros((3, n))
    for lag in range(deep, 0, -1):
        new, old = x[lag:], x[:-lag]
        product = new * old
        weighted = product * _WEIGHTS[lag - 1]
        pairs[0, lag:] += product * weighted
        pairs[1, lag:] += weighted * (new + old)
        pairs[2, lag:] += weighted
        outside += pairs[:, lag - 1 : lag - 1 + n]
    fourth, third, second = (rolling_sum(row, WINDOW, n) - gone for row, gone in zip(pairs, outside, strict=True))
    ones, squares = (_of_pairs(row, n) for row in (x, x * x))
    total = fourth - 2 * mean * third + mean**2 * (squares + 4 * second)
    return total + mean**3 * (mean * float(np.sum(_WEIGHTS * (WINDOW - np.arange(1, LONG)))) - 2 * ones)


def _of_pairs(x: FloatArray, n: int) -> FloatArray:
    """Σⱼ weight·Σ of both numbers of every pair: all twice, but the oldest j never newer, the newest j never older."""
    oldest = np.correlate(x[: n + LONG - 2], _BEYOND)
    latest = np.correlate(x[len(x) - n - LONG + 2 :], _BEYOND[::-1])
    return 2 * float(np.sum(_WEIGHTS)) * rolling_sum(x, WINDOW, n) - oldest - latest


def hurst_exponent(variance_ratio: float) -> float:
    """H of VR(q) = q^(2H−1): ½ a random walk, above it persistence. B. Mandelbrot and J. van Ness (1968)."""
    return 0.5 + float(np.log(variance_ratio) / (2 * np.log(LONG)))
