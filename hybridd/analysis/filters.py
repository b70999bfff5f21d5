"""The local linear trend filter as weights of the newest values, so that it is exact at any history."""

from functools import cache

import numpy as np
from msgspec import Struct
from numpy.lib.stride_tricks import sliding_window_view

from hybridd.analysis.windows import cut, newest, rolling_mean
from hybridd.model.candle import FloatArray

WINDOW = 288
MEMORY = 24
"""Candles that the slope remembers: its variance is 1/24² of the level's, which makes its gain about 1/24."""
NOISE = 0.05
"""Variance of the observation over the level's: what a first autocorrelation of returns of −0.05 amounts to."""
ERRORS = 288
_FEW = 512  # sums up to which a dot product each is quicker than a product of matrices
_BLOCK = 64


class TrendWeights(Struct, frozen=True, eq=False):
    """Kalman's filter after WINDOW values, written out.

    `slope` and `forecast`, shape (WINDOW − 1,), newest first: what each one-step change weighs in the filtered slope
    and in (forecast of the next value − newest value). `slope_variance` and `forecast_variance` in units of the
    level's variance.
    """

    slope: FloatArray
    forecast: FloatArray
    slope_variance: float
    forecast_variance: float


@cache
def trend_weights() -> TrendWeights:
    """The filter of μₜ = μₜ₋₁ + βₜ₋₁ + ηₜ, βₜ = βₜ₋₁ + ζₜ, yₜ = μₜ + εₜ begun at the first of WINDOW values.

    A. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989), ch. 2.3 (the local linear
    trend) and 3.2 (the recursions), begun from the first two values, which is the limit of a diffuse beginning. With
    the ratios of the variances fixed the gains do not depend on the data, so the filter is a weighted sum.
    """
    move = np.array([[1.0, 1.0], [0.0, 1.0]])
    disturbance = np.diag([1.0, 1 / MEMORY**2])
    variance = np.array([[NOISE, NOISE], [NOISE, 2 * NOISE + 1 + 1 / MEMORY**2]])
    state = np.zeros((2, WINDOW))  # the state as weights of y, oldest first
    state[0, 1], state[1, 0], state[1, 1] = 1.0, -1.0, 1.0
    for t in range(2, WINDOW):
        state, variance = move @ state, move @ variance @ move.T + disturbance
        spread = variance[0, 0] + NOISE
        gain = variance[:, 0] / spread
        error = -state[0]
        error[t] += 1.0
        state, variance = state + np.outer(gain, error), variance - np.outer(gain, variance[0])
    ahead = state[0] + state[1]
    ahead[-1] -= 1.0
    predicted = move @ variance @ move.T + disturbance
    return TrendWeights(
        _of_changes(state[1]), _of_changes(ahead), float(variance[1, 1]), float(predicted[0, 0] + NOISE)
    )


def _of_changes(weights: FloatArray) -> FloatArray:
    """Weights of values that sum to 0, oldest first, as weights of their changes, newest first."""
    return np.cumsum(weights[:0:-1])


def weighted_sum(x: FloatArray, weights: FloatArray, last: int | None = None) -> FloatArray:
    """Σ weights[k]·x[i−k] of the newest `last` values, shape (n,); NaN where the window is not full."""
    x, out, full = cut(x, len(weights), last)
    if 0 < len(full) <= _FEW:
        full[:] = np.correlate(x, weights[::-1])
    elif len(full):
        full[:] = _in_blocks(x, weights)
    return out


def _in_blocks(x: FloatArray, weights: FloatArray) -> FloatArray:
    """All weighted sums, _BLOCK of them at a time as one product of matrices.

    What lies outside a window has the weight 0 there: it adds exactly nothing.
    """
    m, n = len(weights), len(x) - len(weights) + 1
    spread = np.zeros((m + _BLOCK - 1, _BLOCK))
    for k in range(_BLOCK):
        spread[k : k + m, k] = weights[::-1]
    whole = n // _BLOCK * _BLOCK
    rows = sliding_window_view(x, m + _BLOCK - 1)[:whole:_BLOCK]
    return np.concatenate(
        [(np.ascontiguousarray(rows) @ spread).ravel(), np.correlate(x[whole:], weights[::-1])[: n - whole]]
    )


def local_slope(change: FloatArray, last: int | None = None) -> tuple[FloatArray, FloatArray]:
    """The filtered slope a candle and its standard error, of one-step changes of log price, shape (n,).

    Each value is the filter's after exactly the WINDOW newest prices. The level's variance is the mean of the last 288
    squared one-step errors over their own variance, as in a concentrated likelihood (Harvey (1989), ch. 3.4). NaN
    where price never moved.
    """
    weights, last = trend_weights(), len(change) if last is None else last
    change = change[1:] if len(change) and change[0] != change[0] else change
    slope = weighted_sum(change, weights.slope, last)
    inner = min(last + ERRORS, len(change))
    error = newest(change, inner)[1:] - weighted_sum(change, weights.forecast, inner)[:-1]
    level = rolling_mean(error * error, ERRORS, last) / weights.forecast_variance
    return slope, np.sqrt(weights.slope_variance * np.where(level > 0, level, np.nan))
