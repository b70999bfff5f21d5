"""Where the next candles may lead: paths put together from pieces of the past, at today's volatility."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hybridd.analysis.windows import ewma, lagged, ratio, rolling_sum
from hybridd.model.candle import FloatArray, IntArray

DECAY = 0.94
MEMORY = 384
"""0.94³⁸⁴ = 5e-11: what the volatility leaves out."""
BLOCK = 4
PIECES = 3
HORIZON = BLOCK * PIECES
POOL = 480
"""Blocks that a path is drawn from: those that ended in the last 480 candles."""
SHUFFLES = 4
PATHS = SHUFFLES * POOL
FAR = 2.0
"""A path ends far out beyond 2·√12 of the volatility of now."""
NEEDED = MEMORY + BLOCK + POOL
"""Candles: a close before the first return, the volatility's memory, a block, and the other blocks of the pool."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """BLOCK standardised returns ending at each candle, lived through from a volatility of 1; shape (n,).

    `move`: their sum, each at the volatility that those before it in the block have led to; `growth`: the volatility
    after the block.
    """

    move: FloatArray
    growth: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """The distribution of the next 12 candles at each candle, shape (n,).

    `up`: share of paths that end higher, ties counting half; `tails`: share that ends far above less that far below.
    """

    up: FloatArray
    tails: FloatArray


def volatility(change: FloatArray) -> FloatArray:
    """Standard deviation of the next one-candle log return, shape (n,): J.P. Morgan, RiskMetrics (1996), sec. 5.2.

    Squares about 0, weighing 0.94 a candle, over exactly the last 384 returns.
    """
    return np.sqrt(ewma(change * change, DECAY, MEMORY))


def blocks(change: FloatArray) -> Blocks:
    """Returns over the volatility forecast for them, in overlapping blocks; NaN where volatility is none."""
    unit = ratio(change, lagged(volatility(change), 1))
    move, growth = np.zeros(len(change)), np.ones(len(change))
    for age in range(BLOCK - 1, -1, -1):
        piece = lagged(unit, age)
        move = move + growth * piece
        growth = growth * np.sqrt(DECAY + (1 - DECAY) * piece * piece)
    return Blocks(move, growth)


@lru_cache(maxsize=256)
def draws(symbol: str) -> IntArray:
    """Which blocks each path is made of, by the remainder of their candle's number: shape (PATHS, PIECES), under POOL.

    Drawn by Philox from the symbol's SHA-256, each remainder SHUFFLES times a column: Latin hypercube sampling
    (P. Glasserman, Monte Carlo Methods in Financial Engineering (2004), 4.4), by which the first pieces have exactly
    the mean of all blocks.
    """
    key = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:16], "little")
    # The order of raw words and not numpy's own shuffle, which another release of numpy may do differently.
    words = np.random.Philox(key=key).random_raw(PATHS * PIECES).reshape(PIECES, SHUFFLES, POOL)
    return np.argsort(words, axis=2, kind="stable").reshape(PIECES, PATHS).T


def outlook(change: FloatArray, number: IntArray, symbol: str) -> Outlook:
    """Simulates PATHS paths of 12 candles from every candle: one-candle log returns and candle numbers, shape (n,).

    Filtered historical simulation: G. Barone-Adesi, K. Giannopoulos and L. Vosper, "VaR without correlations for
    portfolios of derivative securities", Journal of Futures Markets 19 (1999), with moving blocks as in H. Künsch,
    Annals of Statistics 17 (1989). A path is three blocks of 4 standardised returns of the last 480, at a volatility
    that each return raises or lowers for the next as in `volatility`. Today's volatility multiplies a whole path, so
    neither share depends on it. NaN where the window is not full or holds a stretch without volatility.

    `number` is open time/step. A path keeps its blocks until they leave the pool, and then takes up those that came
    in: of 480 steps a block sees, 479 throw no dice, and the outlook moves with the market (common random numbers,
    Glasserman (2004), 7.1). The draw depends on symbol and candle time alone, never on where the history begins.
    """
    found = blocks(change)
    up, tails = np.full(len(change), np.nan), np.full(len(change), np.nan)
    for start, end in _stretches(number):
        first = int(number[start]) % POOL
        counts = _counts(found, _plan(symbol), start - first)
        up[start:end], tails[start:end] = counts[:, first : first + end - start]
    known = ~np.isnan(rolling_sum(found.move, POOL))
    return Outlook(np.where(known, 0.5 + up / (2 * PATHS), np.nan), np.where(known, tails / PATHS, np.nan))


def path_ends(change: FloatArray, number: IntArray, symbol: str) -> FloatArray:
    """Log returns at which the paths from the newest candle end, shape (PATHS,), in rising order."""
    age = (int(number[-1]) - draws(symbol)) % POOL
    return np.sort(volatility(change)[-1] * _ends(blocks(change), len(change) - 1 - age))


def _stretches(number: IntArray) -> list[tuple[int, int]]:
    """Start and end of each run of candles without a gap whose numbers share a multiple of POOL."""
    if not len(number):
        return []
    broken = (np.diff(number) != 1) | (np.diff(number // POOL) != 0)
    starts = [0, *(np.flatnonzero(broken) + 1).tolist()]
    return list(zip(starts, [*starts[1:], len(number)], strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What the draws amount to in a round of POOL candles.

    `offset`, shape (PIECES + 1, PATHS, PIECES): positions of the blocks less the round's start, before a path's first
    change, after it, and so on; `at`, shape (PIECES·PATHS,): the remainders of all first changes, all second ones …
    """

    offset: IntArray
    at: IntArray


@lru_cache(maxsize=256)
def _plan(symbol: str) -> _Plan:
    drawn = draws(symbol)
    rank = np.argsort(np.argsort(drawn, axis=1, kind="stable"), axis=1)
    stage = np.arange(PIECES + 1)[:, None, None]
    return _Plan(drawn - POOL * (rank >= stage), np.sort(drawn, axis=1).T.ravel())


def _counts(found: Blocks, plan: _Plan, round_start: int) -> FloatArray:
    """Paths above less paths below 0, and far above less far below, at each remainder: shape (2, POOL), whole numbers.

    At remainder u a piece drawn as c is the block numbered c of this round where c ≤ u, of the round before where not.
    So a path changes at its own three remainders only, and its four ends (before, after the first change …) are all.
    """
    ends = np.nan_to_num(_ends(found, round_start + plan.offset))
    far = FAR * np.sqrt(HORIZON)
    counts = []
    for said in (np.sign(ends), (ends > far) * 1.0 - (ends < -far)):
        change = np.bincount(plan.at, weights=np.diff(said, axis=0).ravel(), minlength=POOL)
        counts.append(said[0].sum() + np.cumsum(change))
    return np.array(counts)


def _ends(found: Blocks, at: IntArray) -> FloatArray:
    """Where paths of the blocks at positions `at`, shape (…, PIECES), end, from a volatility of 1; NaN out of range."""
    inside = np.clip(at, 0, len(found.move) - 1)
    move = np.where(inside == at, found.move[inside], np.nan)
    growth = found.growth[inside]
    end = move[..., -1]
    for piece in range(PIECES - 2, -1, -1):
        end = move[..., piece] + growth[..., piece] * end
    return end
