"""The mathematics of a made-up market: random access to its candles, always the same for the same seed.

The price is pinned at the borders of blocks of candles by noise on a lattice, octave upon octave, each drawn from
its place alone; between two borders run fat-tailed returns with clustering volatility, bent to meet the second.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hybridd.model.candle import Candles, FloatArray, IntArray

BLOCK = 512
"""Candles between two pinned prices."""

_YEAR_MS = 365.25 * 86_400_000
_YEARLY_VOLATILITY = 0.7
_LONGEST_MS = 500 * 86_400_000
"""The slowest octave: beyond this the price comes back, so that it neither vanishes nor explodes in decades."""
_MEMORY = 384
"""Candles over which a shock to volatility or drift is felt."""
_VOLATILITY_DECAY, _VOLATILITY_SIZE = 0.985, 0.55
_DRIFT_DECAY, _DRIFT_SIZE = 0.99, 0.12
_TAIL = 5.0
_JUMP_CHANCE, _JUMP_SIZE = 1 / 800, 3.5
_SHOCKS, _VOLATILITY, _DRIFT, _SHAPE, _BORDER, _LEVEL = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePath:
    """One market: everything about it follows from `key` (seed and symbol) and the length of its candles in ms.

    `anchor`: the open time of candle 0, to which all others are aligned.
    """

    key: str
    step: int
    anchor: int = 0

    @property
    def level(self) -> float:
        """The price around which this market moves: between 0.1 and 50,000, evenly in the logarithm."""
        return float(0.1 * 500_000.0 ** _uniform(self.key, _LEVEL, 0))

    @property
    def tick(self) -> float:
        """The smallest difference between two prices."""
        return float(10.0 ** (np.floor(np.log10(self.level)) - 5))

    @property
    def sigma(self) -> float:
        """The typical standard deviation of one candle's return."""
        return float(_YEARLY_VOLATILITY * np.sqrt(self.step / _YEAR_MS))

    def candles(self, first: int, last: int) -> Candles:
        """Candles number `first` to `last` - 1, where candle i opens at anchor + i * step."""
        blocks = range(first // BLOCK, (last - 1) // BLOCK + 1)
        table = np.concatenate([block_of(self, k) for k in blocks], axis=1)
        table = table[:, first - blocks.start * BLOCK : last - blocks.start * BLOCK]
        opened = self.anchor + np.arange(first, last, dtype=np.int64) * self.step
        return Candles(self.step, opened, *(np.ascontiguousarray(row) for row in table))


@lru_cache(maxsize=128)
def block_of(path: PricePath, block: int) -> FloatArray:
    """Open, high, low, close and volume of one block, shape (5, BLOCK)."""
    rng = _rng(path.key, _SHOCKS, block)
    activity = _activity(path, block)
    sigma = path.sigma * activity
    shocks = rng.standard_t(_TAIL, BLOCK) / np.sqrt(_TAIL / (_TAIL - 2))
    jumps = (rng.random(BLOCK) < _JUMP_CHANCE) * rng.normal(0, _JUMP_SIZE, BLOCK)
    regime = np.round(2 * np.tanh(_felt(path.key, _DRIFT, block, _DRIFT_DECAY))) / 2
    returns = sigma * (shocks + jumps + _DRIFT_SIZE * regime)
    start, end = (border(path, k) for k in (block, block + 1))
    returns += (end - start - returns.sum()) / BLOCK
    edges = np.exp(start + np.r_[0.0, np.cumsum(returns)])
    return _drawn(path, block, edges, sigma, returns)


@lru_cache(maxsize=256)
def border(path: PricePath, block: int) -> float:
    """The logarithm of the price at the start of a block: octaves of lattice noise, bounded in sum."""
    length = BLOCK * path.step
    octaves = max(1, int(np.ceil(np.log2(_LONGEST_MS / length))) + 1)
    unit = path.sigma * np.sqrt(BLOCK) / 2
    total = np.log(path.level)
    for octave in range(octaves):
        cell, place = divmod(block, 2**octave)
        share = place / 2**octave
        a, b = (_normal(path.key, _BORDER, octave, cell + k) for k in (0, 1))
        total += unit * 2 ** (octave / 2) * (a + (b - a) * share)
    return float(total)


def _drawn(path: PricePath, block: int, edges: FloatArray, sigma: FloatArray, returns: FloatArray) -> FloatArray:
    """Candles around a run of prices, on the tick: a candle opens where the one before it closed."""
    rng = _rng(path.key, _SHAPE, block)
    tick = path.tick
    prices = np.maximum(np.round(edges / tick), 1)
    opened, closed = prices[:-1], prices[1:]
    wicks = np.abs(rng.normal(0, 0.45, (2, BLOCK))) * sigma
    high = np.ceil(np.maximum(opened, closed) * (1 + wicks[0]))
    low = np.maximum(np.floor(np.minimum(opened, closed) * (1 - wicks[1])), 1)
    effort = 0.35 + np.abs(returns) / path.sigma
    size = 20_000 * path.step / 60_000 / path.level
    volume = size * effort * _hours(path, block) * np.exp(rng.normal(0, 0.35, BLOCK))
    lot = 10.0 ** np.floor(np.log10(size) - 5)
    volume = np.maximum(np.round(volume / lot), 1) * lot
    # Rounded once more: 3 * 0.1 is not the 0.3 that a person reads.
    digits = max(0, round(-np.log10(tick)))
    return np.vstack([np.round(np.stack([opened, high, low, closed]) * tick, digits), volume])


def _activity(path: PricePath, block: int) -> FloatArray:
    """How lively each candle is, 1 on average: clusters, and the hours of the day."""
    clusters = np.exp(_VOLATILITY_SIZE * _felt(path.key, _VOLATILITY, block, _VOLATILITY_DECAY))
    lively: FloatArray = clusters / np.exp(_VOLATILITY_SIZE**2 / 2) * np.sqrt(_hours(path, block))
    return lively


def _hours(path: PricePath, block: int) -> FloatArray:
    """The day's U shape, 1 on average: busy around midnight UTC, quiet around noon."""
    opened: IntArray = path.anchor + (block * BLOCK + np.arange(BLOCK, dtype=np.int64)) * path.step
    day = (opened % 86_400_000) / 86_400_000
    return 0.75 + 3 * (day - 0.5) ** 2


def _felt(key: str, stream: int, block: int, decay: float) -> FloatArray:
    """An autoregression of unit variance, shape (BLOCK,), that runs on over the borders of blocks."""
    noise = np.concatenate([_noise(key, stream, k) for k in (block - 1, block)])
    weights = decay ** np.arange(_MEMORY)
    felt = np.convolve(noise[BLOCK - _MEMORY + 1 :], weights / np.sqrt((weights**2).sum()), mode="valid")
    return np.asarray(felt, dtype=np.float64)


@lru_cache(maxsize=64)
def _noise(key: str, stream: int, block: int) -> FloatArray:
    return _rng(key, stream, block).standard_normal(BLOCK)


def _rng(key: str, *place: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(key, *place), "big")))


def _uniform(key: str, *place: int) -> float:
    return (int.from_bytes(_digest(key, *place)[:8], "big") + 0.5) / 2**64


def _normal(key: str, *place: int) -> float:
    """One standard normal number (Box and Muller, 1958), far cheaper than a generator of its own."""
    draw = _digest(key, *place)
    first, second = ((int.from_bytes(half, "big") + 0.5) / 2**64 for half in (draw[:8], draw[8:]))
    return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)


def _digest(key: str, *place: int) -> bytes:
    return hashlib.blake2b("|".join([key, *map(str, place)]).encode(), digest_size=16).digest()
