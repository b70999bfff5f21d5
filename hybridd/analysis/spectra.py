"""The dominant cycle of log price in a rolling window, and whether red noise would show as much."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hybridd.analysis.returns import log_change
from hybridd.analysis.windows import ratio, rolling_mean
from hybridd.model.candle import FloatArray

WINDOW = 256
TURNS = np.arange(3, 11)
"""Whole turns in the window that are looked for: periods of 85 down to 26 candles."""
LEVEL = 0.05
"""Chance that red noise shows a peak among all the turns together (each is tested at 0.05/8, after Bonferroni)."""
AHEAD = 12
STILL = 1e-12  # a variance about the line below this share of the mean square is rounding, not movement
_FEW = 48
_CHUNK = 10 * _FEW  # windows at a time: 1 MB, which stays in a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Cycles:
    """At each candle, shape (n,): the period of the strongest cycle in candles, its power over what 95 % of red noise
    stays under (significant above 1), its phase now (radians: 0 at the top, ±π at the bottom, falling from 0 to π),
    and how far it alone moves price in the next 12 candles, in usual 12-candle moves."""

    period: FloatArray
    strength: FloatArray
    phase: FloatArray
    swing: FloatArray


def cycles(close: FloatArray) -> Cycles:
    """Fourier spectrum of 256 log prices, each window less its own straight line and tapered (Hann).

    Red noise of the same variance and lag-1 autocorrelation α has the spectrum
    P = (1 − α²)/(1 + α² − 2α·cos 2πk/N), and a periodogram is distributed as ½·P·χ²₂ around it: C. Torrence and
    G. Compo, "A practical guide to wavelet analysis", BAMS 79 (1998), eq. 16 to 18. The quantile of ½χ²₂ at 1 − p is
    −ln p. NaN where the window is not full or price never moved in it.
    """
    n = len(close)
    empty = np.full((4, n), np.nan)
    if n >= WINDOW:
        windows = sliding_window_view(np.log(close), WINDOW)
        for start in range(0, len(windows), _CHUNK):
            found = _strongest(windows[start : start + _CHUNK])
            empty[:, start + WINDOW - 1 : start + WINDOW - 1 + found.shape[1]] = found
    period, strength, phase, swing = empty
    change = log_change(close)
    usual = np.sqrt(AHEAD * rolling_mean(change * change, WINDOW - 1))
    return Cycles(period, strength, phase, ratio(swing, usual))


def _strongest(windows: FloatArray) -> FloatArray:
    """Period, strength, phase and move ahead (log price) of the strongest turn in each row; shape (4, rows)."""
    moved = windows - windows[:, -1:]  # exactly 0 where a price never moved
    picked = _picked(moved)
    total, beside = _about_line(moved, picked[:, -2], picked[:, -1])
    alpha = beside / total
    amplitude = picked[:, : len(TURNS)] + 1j * picked[:, len(TURNS) : -2]
    noise = (1 - alpha**2)[:, None] / (1 + alpha[:, None] ** 2 - 2 * alpha[:, None] * np.cos(_turning()))
    strength = np.abs(amplitude) ** 2 / (total / WINDOW)[:, None] / noise / -np.log(LEVEL / len(TURNS))
    best = np.where(np.isnan(strength), -1.0, strength).argmax(axis=1)
    rows = np.arange(len(best))
    turning = _turning()[best]
    now = amplitude[rows, best] * _height() * np.exp(1j * turning * (WINDOW - 1))
    ahead = np.real(now * (np.exp(1j * turning * AHEAD) - 1))
    found = np.stack([WINDOW / TURNS[best], strength[rows, best], np.angle(now), ahead])
    found[:, np.isnan(total)] = np.nan
    return found


def _picked(moved: FloatArray) -> FloatArray:
    """What each column of the basis picks out of each row.

    A few rows at a time, below the size at which the linear algebra library wakes all processors for a short sum.
    """
    picked = np.empty((len(moved), _basis().shape[1]))
    for start in range(0, len(moved), _FEW):
        np.matmul(moved[start : start + _FEW], _basis(), out=picked[start : start + _FEW])
    return picked


def _about_line(moved: FloatArray, mean: FloatArray, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Σ xₜ² and Σ xₜxₜ₋₁ of what a row is away from its line, the brackets multiplied out; NaN where it never is."""
    far = (WINDOW - 1) / 2
    spread = float(np.sum(_time() ** 2))
    squares = np.einsum("ij,ij->i", moved, moved)
    total = squares - WINDOW * mean * mean - spread * slope * slope
    total = np.where(total > STILL * squares, total, np.nan)
    # Σ (mₜ−lₜ)(mₜ₋₁−lₜ₋₁): the line's own products, and each m times the line before and after it but for the ends.
    beyond = (mean - slope * (far + 1), mean + slope * (far + 1))
    crossed = 2 * (WINDOW * mean * mean + spread * slope * slope) - moved[:, 0] * beyond[0] - moved[:, -1] * beyond[1]
    later, earlier = _time()[1:], _time()[:-1]
    own = (WINDOW - 1) * mean * mean + slope * slope * float(np.sum(later * earlier))
    beside = np.einsum("ij,ij->i", moved[:, 1:], moved[:, :-1]) - crossed + own
    return total, beside


def _time() -> FloatArray:
    return np.arange(WINDOW, dtype=np.float64) - (WINDOW - 1) / 2


def _turning() -> FloatArray:
    """Radians a candle of each turn, shape (turns,)."""
    return 2 * np.pi * TURNS / WINDOW


@cache
def _basis() -> FloatArray:
    """Columns that pick out of a row, less its line, each turn's cosine and negative sine; then its mean and its slope.

    Shape (N, 2·turns + 2). The turns are tapered to a mean square of 1 over √N, so that the squared modulus of what
    they pick out of white noise has the mean of its variance.
    """
    angle = np.outer(np.arange(WINDOW), _turning())
    taper = _hann() / np.sqrt(np.sum(_hann() ** 2))
    waves = np.concatenate([np.cos(angle), -np.sin(angle)], axis=1) * taper[:, None]
    time = _time()
    waves = waves - waves.mean(axis=0) - np.outer(time, time @ waves / np.sum(time * time))
    return np.column_stack([waves, np.full(WINDOW, 1 / WINDOW), time / np.sum(time * time)])


def _height() -> float:
    """From what the basis picks out to the height of the wave."""
    return float(2 * np.sqrt(np.sum(_hann() ** 2)) / np.sum(_hann()))


def _hann() -> FloatArray:
    return np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW) ** 2
