"""The dominant cycle of log price in a rolling window, and whether red noise would show as much."""

from functools import cache

import numpy as np
from msgspec import Struct
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hybridd.analysis.recall import recalled
from hybridd.analysis.windows import ratio, rolling_sum
from hybridd.model.candle import FloatArray, IntArray

WINDOW = 256
TURNS = np.arange(3, 11)
"""Whole turns in the window that are looked for: periods of 85 down to 26 candles."""
LEVEL = 0.05
"""Chance that red noise shows a peak among all the turns together (each is tested at 0.05/8, after Bonferroni)."""
AHEAD = 12
STILL = 1e-12  # a variance about the line below this share of the mean square is rounding, not movement
EVERY = 6
"""Candles between two spectra."""
REACH = WINDOW + EVERY
"""Candles before the newest ones that these need."""
_CHUNK = 1_000  # windows at a time: what is at work stays in a processor's cache


class Cycles(Struct, frozen=True, eq=False):
    """The strongest cycle as seen at each candle.

    `strength`, shape (n,): its power over what 95 % of red noise stays under (significant above 1); `swing`, shape
    (n,): how far it alone moves price in the next 12 candles, in usual 12-candle moves. At the newest candle its
    `period` in candles and its `phase` (radians: 0 at the top, ±π at the bottom, falling from 0 to π).
    """

    strength: FloatArray
    swing: FloatArray
    period: float
    phase: float


class _Waves(Struct, frozen=True, eq=False):
    """The strongest turn of each spectrum: its number, its strength, and what the basis picks out (log price)."""

    turn: IntArray
    strength: FloatArray
    amplitude: NDArray[np.complex128]


def cycles(close: FloatArray, number: IntArray, last: int | None = None) -> Cycles:
    """Fourier spectrum of 256 log prices less their own straight line and tapered (Hann), carried on for 6 candles.

    Red noise of the same variance and lag-1 autocorrelation α has the spectrum
    P = (1 − α²)/(1 + α² − 2α·cos 2πk/N), and a periodogram is distributed as ½·P·χ²₂ around it: C. Torrence and
    G. Compo, "A practical guide to wavelet analysis", BAMS 79 (1998), eq. 16 to 18. The quantile of ½χ²₂ at 1 − p is
    −ln p. The spectrum is drawn with the first candle in each 6 of the clock, and its strongest wave goes on from there
    until the next. `number`: the candles' numbers since 1970. NaN where the window is not full or price never moved
    in it.
    """
    last = len(close) if last is None else last
    reach = min(len(close), last + REACH)
    price, number = np.log(close[len(close) - reach :]), number[len(number) - reach :]
    strength, ahead, period, phase = np.full(last, np.nan), np.full(last, np.nan), float("nan"), float("nan")
    sixth = number // EVERY
    drawn = np.flatnonzero(sixth[1:] != sixth[:-1]) + 1
    drawn = drawn[int(drawn.searchsorted(WINDOW - 1)) :]
    drawn = drawn[max(0, int(drawn.searchsorted(reach - last, side="right")) - 1) :]
    step = price[1:] - price[:-1]
    steps = rolling_sum(step * step, WINDOW - 1, last + EVERY if len(drawn) > 1 else last)
    if len(drawn):
        first, waves = max(int(drawn[0]), reach - last), _waves(price, drawn, steps)
        of = np.repeat(np.arange(len(drawn)), np.append(drawn[1:], reach) - np.maximum(drawn, first))
        age = number[first:] - number[drawn][of]
        strength[first - reach :] = waves.strength[of]
        ahead[first - reach :] = _ahead(waves).take(of * EVERY + age)
        period, phase = _newest(waves, int(age[-1]))
    usual = np.sqrt(AHEAD / (WINDOW - 1) * steps[len(steps) - last :])
    return Cycles(strength, ratio(ahead, usual), period, phase)


def _ahead(waves: _Waves) -> FloatArray:
    """How far each wave alone moves log price in 12 candles, from 0, 1 … 5 candles after its spectrum: (m, EVERY)."""
    turned = _turned()[waves.turn]
    return np.real(waves.amplitude)[:, None] * turned.real - np.imag(waves.amplitude)[:, None] * turned.imag


def _newest(waves: _Waves, age: int) -> tuple[float, float]:
    """Period and phase of the last wave when it has gone on for `age` candles."""
    turning = _turning()[waves.turn[-1]]
    now = waves.amplitude[-1] * np.exp(1j * turning * (WINDOW - 1 + age))
    return float(2 * np.pi / turning), float(np.angle(now))


def _waves(price: FloatArray, drawn: IntArray, steps: FloatArray) -> _Waves:
    """The strongest wave of the window that ends at each of `drawn`, of more than one of which `steps` are at hand."""
    if len(drawn) == 1:
        end = int(drawn[0]) + 1
        return recalled(_wave, price[end - WINDOW : end])
    windows, stepped = sliding_window_view(price, WINDOW), steps[drawn - len(price) + len(steps)]
    parts = [slice(k, k + _CHUNK) for k in range(0, len(drawn), _CHUNK)]
    found = [_seen(windows[drawn[part] - WINDOW + 1], stepped[part]) for part in parts]
    return _strongest(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _wave(window: FloatArray) -> _Waves:
    step = window[1:] - window[:-1]
    return _strongest(*_seen(window[None].copy(), np.array([step.dot(step)])))


def _seen(moved: FloatArray, stepped: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What the basis picks out of each row, and of what that is away from its line Σ xₜ² and Σ xₜxₜ₋₁.

    `stepped`: Σ (xₜ − xₜ₋₁)² of each row.
    """
    moved -= moved[:, -1:].copy()  # exactly 0 where a price never moved
    picked = moved @ _basis()
    return picked, *_about_line(moved, stepped, picked[:, -2], picked[:, -1])


def _strongest(picked: FloatArray, total: FloatArray, beside: FloatArray) -> _Waves:
    """The strongest turn in each row."""
    alpha = beside / total
    square = alpha * alpha
    noise = _cosines()[:, None] * (-2 * alpha)
    noise += 1 + square
    noise *= WINDOW / -np.log(LEVEL / len(TURNS)) / (total * (1 - square))
    picked = np.ascontiguousarray(picked.T)  # a turn a row: many columns are quicker than few
    east, north = picked[: len(TURNS)], picked[len(TURNS) : -2]
    strength = (east * east + north * north) * noise
    best = np.where(np.isnan(total), 0, strength.argmax(axis=0))
    rows = np.arange(len(best))
    return _Waves(best, strength[best, rows], east[best, rows] + 1j * north[best, rows])


def _about_line(
    moved: FloatArray, stepped: FloatArray, mean: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Σ xₜ² and Σ xₜxₜ₋₁ of what a row is away from its line, the brackets multiplied out; NaN where it never is."""
    far = (WINDOW - 1) / 2
    spread, neighbours = _of_time()
    squares = np.vecdot(moved, moved)
    total = squares - WINDOW * mean * mean - spread * slope * slope
    total = np.where(total > STILL * squares, total, np.nan)
    # Σ (mₜ−lₜ)(mₜ₋₁−lₜ₋₁): the line's own products, and each m times the line before and after it but for the ends.
    beyond = (mean - slope * (far + 1), mean + slope * (far + 1))
    crossed = 2 * (WINDOW * mean * mean + spread * slope * slope) - moved[:, 0] * beyond[0] - moved[:, -1] * beyond[1]
    own = (WINDOW - 1) * mean * mean + slope * slope * neighbours
    # Σ mₜmₜ₋₁ follows from Σ mₜ² and the steps: (mₜ − mₜ₋₁)² multiplied out.
    ends = moved[:, 0] ** 2 + moved[:, -1] ** 2
    return total, squares - (ends + stepped) / 2 - crossed + own


@cache
def _of_time() -> tuple[float, float]:
    """Σ t² and Σ t·(t − 1) of the times of a window about its middle."""
    time = _time()
    return float(np.sum(time**2)), float(np.sum(time[1:] * time[:-1]))


@cache
def _cosines() -> FloatArray:
    return np.cos(_turning())


def _time() -> FloatArray:
    return np.arange(WINDOW, dtype=np.float64) - (WINDOW - 1) / 2


@cache
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


@cache
def _turned() -> NDArray[np.complex128]:
    """From what the basis picks out to the move in 12 candles, by turn and candles gone, shape (turns, EVERY)."""
    height = 2 * np.sqrt(np.sum(_hann() ** 2)) / np.sum(_hann())
    turning = _turning()[:, None]
    now = np.exp(1j * turning * (WINDOW - 1 + np.arange(EVERY)))
    return np.asarray(height * now * (np.exp(1j * turning * AHEAD) - 1))


def _hann() -> FloatArray:
    return np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW) ** 2
