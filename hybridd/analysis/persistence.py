"""Does a market go on or turn back? The variance ratio over exact windows."""

from dataclasses import dataclass

import numpy as np

from hybridd.analysis.returns import log_change
from hybridd.analysis.windows import lagged, ratio, rolling_sum
from hybridd.model.candle import FloatArray

WINDOW = 576
LONG = 12
STILL = 1e-9  # a variance below this share of the mean square is rounding, not movement


@dataclass(frozen=True, slots=True, eq=False)
class Persistence:
    """At each candle, shape (n,): the variance ratio, its robust z-value, and the last move in its usual sizes."""

    variance_ratio: FloatArray
    z: FloatArray
    move: FloatArray


def persistence(close: FloatArray) -> Persistence:
    """Variance of 12-candle returns over 12 times that of one-candle returns, of the last T = 576, and its z-value.

    A. Lo and A. C. MacKinlay, "Stock market prices do not follow random walks", Review of Financial Studies 1 (1988):
    σ̄²ₐ and σ̄²_c with overlapping sums and without bias (sec. 1.1), the z-value z* robust to changing volatility
    (sec. 1.2). `move`: the last 12-candle return less its mean, over √12·σ̄ₐ. NaN where price never moved.
    """
    step, leap = log_change(close), log_change(close, LONG)
    mean = rolling_sum(step, WINDOW) / WINDOW
    square = rolling_sum(step * step, WINDOW)
    about_mean = square - WINDOW * mean * mean
    about_mean = np.where(about_mean > STILL * square, about_mean, np.nan)
    short = about_mean / (WINDOW - 1)
    leaps = WINDOW - LONG + 1
    drift = LONG * mean
    spread = rolling_sum(leap * leap, leaps) - 2 * drift * rolling_sum(leap, leaps) + leaps * drift * drift
    long = spread / (LONG * leaps * (1 - LONG / WINDOW))
    vr = ratio(long, short)
    error = np.sqrt(_robust_variance(step, mean)) / about_mean
    return Persistence(vr, ratio(vr - 1, error), ratio(leap - drift, np.sqrt(LONG * short)))


def _robust_variance(step: FloatArray, mean: FloatArray) -> FloatArray:
    """Σⱼ (2(q−j)/q)²·Σₜ (xₜ−μ)²(xₜ₋ⱼ−μ)²: the numerators of δ̂(j) in θ̂(q), the brackets multiplied out.

    The inner sum is taken over the pairs that lie in the window of T returns, hence over T − j of them.
    """
    square = step * step
    ones, squares = 2 * WINDOW * mean, 2 * rolling_sum(square, WINDOW)  # of both numbers of every pair
    total = np.zeros(len(step))
    for lag in range(1, LONG):
        pairs = WINDOW - lag
        # In the pairs of this lag the oldest `lag` returns are never the newer one, the newest never the older one.
        ones = ones - lagged(step, pairs) - lagged(step, lag - 1)
        squares = squares - lagged(square, pairs) - lagged(square, lag - 1)
        product = step * lagged(step, lag)
        inner = rolling_sum(product * product, pairs)
        inner -= 2 * mean * rolling_sum(product * (step + lagged(step, lag)), pairs)
        inner += mean**2 * (squares + 4 * rolling_sum(product, pairs))
        inner += mean**3 * (mean * pairs - 2 * ones)
        total += (2 * (LONG - lag) / LONG) ** 2 * inner
    return total


def hurst_exponent(variance_ratio: float) -> float:
    """H of VR(q) = q^(2H−1): ½ a random walk, above it persistence. B. Mandelbrot and J. van Ness (1968)."""
    return 0.5 + float(np.log(variance_ratio) / (2 * np.log(LONG)))
