"""Does a market go on or turn back? The variance ratio over exact windows."""

import numpy as np
from msgspec import Struct

from hybridd.analysis.windows import newest, ratio, rolling_mean, rolling_sum
from hybridd.model.candle import FloatArray

WINDOW = 576
LONG = 12
STILL = 1e-9  # a variance below this share of the mean square is rounding, not movement
_FEW = 16  # windows up to which each is summed up by itself
# (2(q−j)/q)² for the lags j from 1 on, and the sums of those beyond each lag.
_WEIGHTS = (2 * (LONG - np.arange(1, LONG)) / LONG) ** 2
_BEYOND = np.cumsum(_WEIGHTS[::-1])[::-1]


class Persistence(Struct, frozen=True, eq=False):
    """At each candle, shape (n,): the variance ratio and its robust z-value."""

    variance_ratio: FloatArray
    z: FloatArray


class Moments(Struct, frozen=True, eq=False):
    """Of the last 576 of the returns `step`, shape (n,): their mean, the sum of their squares and of those about the
    mean, NaN where price never moved; and `leap`, the 12-candle returns, WINDOW more of them where there are."""

    step: FloatArray
    mean: FloatArray
    square: FloatArray
    about_mean: FloatArray
    leap: FloatArray


def moments(step: FloatArray, last: int | None = None) -> Moments:
    """Moments of one-candle log returns, shape (n,), of which the first may be NaN."""
    last = len(step) if last is None else last
    step = step[1:] if len(step) and step[0] != step[0] else step
    mean, square = rolling_mean(step, WINDOW, last), rolling_sum(step * step, WINDOW, last)
    about_mean = square - WINDOW * mean * mean
    about_mean[~(about_mean > STILL * square)] = np.nan
    return Moments(step, mean, square, about_mean, rolling_sum(step, LONG, min(last + WINDOW, len(step))))


def newest_moments(found: Moments, last: int) -> Moments:
    """The newest `last` of the moments."""
    start = len(found.mean) - last
    return Moments(found.step, found.mean[start:], found.square[start:], found.about_mean[start:], found.leap)


def persistence(found: Moments) -> Persistence:
    """Variance of 12-candle returns over 12 times that of one-candle returns, of the last T = 576, and its z-value.

    A. Lo and A. C. MacKinlay, "Stock market prices do not follow random walks", Review of Financial Studies 1 (1988):
    σ̄²ₐ and σ̄²_c with overlapping sums and without bias (sec. 1.1), the z-value z* robust to changing volatility
    (sec. 1.2). NaN where price never moved.
    """
    leaps, drift, last = WINDOW - LONG + 1, LONG * found.mean, len(found.mean)
    square, total = (rolling_sum(x, leaps, last) for x in (found.leap * found.leap, found.leap))
    spread = square - 2 * drift * total + leaps * drift * drift
    vr = ratio(spread / (LONG * leaps * (1 - LONG / WINDOW)), found.about_mean / (WINDOW - 1))
    error = np.sqrt(_robust_variance(found)) / found.about_mean
    return Persistence(vr, ratio(vr - 1, error))


def usual_moves(found: Moments) -> FloatArray:
    """The last 12-candle return less its mean, over √12·σ̄ₐ of the last 576 returns, shape (n,)."""
    leap = newest(found.leap, len(found.mean))
    return ratio(leap - LONG * found.mean, np.sqrt(LONG / (WINDOW - 1) * found.about_mean))


def _robust_variance(found: Moments) -> FloatArray:
    """Σⱼ (2(q−j)/q)²·Σₜ (xₜ−μ)²(xₜ₋ⱼ−μ)²: the numerators of δ̂(j) in θ̂(q).

    The inner sum is taken over the pairs that lie in the window of T returns, hence over T − j of them.
    """
    step, mean, n = found.step, found.mean, len(found.mean)
    last = min(n, max(0, len(step) - WINDOW + 1))
    if last > _FEW:
        return newest(_multiplied_out(step[len(step) - last - WINDOW + 1 :], newest_moments(found, last)), n)
    out = np.full(n, np.nan)
    for age in range(last):
        end = len(step) - age
        square = (step[end - WINDOW : end] - mean[-1 - age]) ** 2
        out[-1 - age] = sum(w * square[j:].dot(square[:-j]) for j, w in enumerate(_WEIGHTS.tolist(), 1))
    return out


def _multiplied_out(x: FloatArray, found: Moments) -> FloatArray:
    """The brackets multiplied out, so that all lags go into one sum over the window.

    From the sum over all T the pairs are taken away whose older one lies before the window: at lag j those of its
    oldest j returns. With the lags taken from the longest on, the pairs at the j-th oldest return are of just those
    lags.
    """
    mean, n = found.mean, len(found.mean)
    fourth, third, second = pairs = np.zeros((3, len(x)))
    outside = np.zeros((3, n))
    for lag in range(LONG - 1, 0, -1):
        new, old = x[lag:], x[:-lag]
        product = new * old
        weighted = product * _WEIGHTS[lag - 1]
        second[lag:] += weighted
        product *= weighted
        fourth[lag:] += product
        both = np.add(new, old, out=product)
        both *= weighted
        third[lag:] += both
        outside += pairs[:, lag - 1 : lag - 1 + n]
    fourth, third, second = (rolling_sum(row, WINDOW, n) - gone for row, gone in zip(pairs, outside, strict=True))
    ones, squares = _of_pairs(x, mean * WINDOW), _of_pairs(x * x, found.square)
    # By Horner's rule: numpy takes fifty times as long for a third power as for a product.
    total = mean * float(np.sum(_WEIGHTS * (WINDOW - np.arange(1, LONG)))) - 2 * ones
    total = total * mean + squares + 4 * second
    total = total * mean - 2 * third
    return np.asarray(total * mean + fourth)


def _of_pairs(x: FloatArray, total: FloatArray) -> FloatArray:
    """Σⱼ weight·Σ of both numbers of every pair: all twice, but the oldest j never newer, the newest j never older.

    `total`: the sums over each window.
    """
    n = len(total)
    oldest = np.correlate(x[: n + LONG - 2], _BEYOND)
    latest = np.correlate(x[len(x) - n - LONG + 2 :], _BEYOND[::-1])
    return 2 * float(np.sum(_WEIGHTS)) * total - oldest - latest


def hurst_exponent(variance_ratio: float) -> float:
    """H of VR(q) = q^(2H−1): ½ a random walk, above it persistence. B. Mandelbrot and J. van Ness (1968)."""
    return 0.5 + float(np.log(variance_ratio) / (2 * np.log(LONG)))
