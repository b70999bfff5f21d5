"""Where the next candles may lead: paths put together from pieces of the past, at today's volatility."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from hybridd.analysis.windows import ewma, newest, ratio, rolling_sum
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
_OUT = FAR * HORIZON**0.5
_BACKWARDS = np.arange(2 * POOL - 1, -1, -1) % POOL
_FEW = 16  # candles up to which each draws its own paths
NEEDED = MEMORY + BLOCK + POOL
"""Candles: a close before the first return, the volatility's memory, a block, and the other blocks of the pool."""


class Blocks(Struct, frozen=True, eq=False):
    """BLOCK standardised returns ending at each candle, lived through from a volatility of 1; shape (n,).

    `move`: their sum, each at the volatility that those before it in the block have led to; `growth`: the volatility
    after the block.
    """

    move: FloatArray
    growth: FloatArray


class Outlook(Struct, frozen=True, eq=False):
    """The distribution of the next 12 candles at each candle, shape (n,).

    `up`: share of paths that end higher, ties counting half; `tails`: share that ends far above less that far below.
    `ends`, shape (PATHS,): where those from the newest candle end, in volatilities of now; of few candles only.
    """

    up: FloatArray
    tails: FloatArray
    ends: FloatArray | None = None


def volatility(change: FloatArray, last: int | None = None) -> FloatArray:
    """Standard deviation of the next one-candle log return, shape (n,): J.P. Morgan, RiskMetrics (1996), sec. 5.2.

    Squares about 0, weighing 0.94 a candle, over exactly the last 384 returns.
    """
    return np.sqrt(ewma(change * change, DECAY, MEMORY, last))


def blocks(change: FloatArray, last: int | None = None) -> Blocks:
    """Returns over the volatility forecast for them, in overlapping blocks; NaN where volatility is none."""
    last = len(change) if last is None else last
    reach = min(last + BLOCK, len(change))
    before = volatility(change[:-1], max(0, reach - 1))
    unit = newest(ratio(newest(change, len(before)), before), last + BLOCK - 1)
    grown = unit * unit
    grown *= 1 - DECAY
    grown += DECAY
    np.sqrt(grown, out=grown)
    move, growth = unit[:last].copy(), grown[:last].copy()
    for place in range(1, BLOCK):
        move += growth * unit[place : place + last]
        growth *= grown[place : place + last]
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


def outlook(
    change: FloatArray, number: IntArray, symbol: str, last: int | None = None, found: Blocks | None = None
) -> Outlook:
    """Simulates PATHS paths of 12 candles from every candle, of one-candle log returns, shape (n,).

    Filtered historical simulation: G. Barone-Adesi, K. Giannopoulos and L. Vosper, "VaR without correlations for
    portfolios of derivative securities", Journal of Futures Markets 19 (1999), with moving blocks as in H. Künsch,
    Annals of Statistics 17 (1989). A path is three blocks of 4 standardised returns of the last 480, at a volatility
    that each return raises or lowers for the next as in `volatility`. Today's volatility multiplies a whole path, so
    neither share depends on it. NaN where the window is not full or holds a stretch without volatility.

    `number` is open time/step of the newest candles. A path keeps its blocks until they leave the pool, and then
    takes up those that came in: of 480 steps a block sees, 479 throw no dice, and the outlook moves with the market
    (common random numbers, Glasserman (2004), 7.1). The draw depends on symbol and candle time alone, never on
    where the history begins.
    `found`: the `blocks` of the newest `last` + POOL changes, where they are at hand.
    """
    last = len(change) if last is None else last
    found = found or blocks(change, min(len(change), last + POOL))
    counts, ends = np.full((2, last), np.nan), None
    number = number[len(number) - last :]
    offset = len(found.move) - last
    if last <= _FEW:
        for k in range(last):
            ends = _drawn_ends(found, offset + k, int(number[k]), symbol)
            counts[:, k] = _tally(ends)
    else:
        for start, end in _stretches(number):
            counts[:, start:end] = _rounds(found, offset + start, end - start, int(number[start]), _plan(symbol))
    counts[:, np.isnan(rolling_sum(found.move, POOL, last))] = np.nan
    up, tails = counts / PATHS
    return Outlook(0.5 + up / 2, tails, ends)


def path_ends(change: FloatArray, number: IntArray, symbol: str, found: Outlook | None = None) -> FloatArray:
    """Log returns at which the paths from the newest candle end, shape (PATHS,); `found`: its outlook, if known."""
    ends = found.ends if found is not None else None
    if ends is None:
        known = blocks(change, POOL)
        ends = _drawn_ends(known, len(known.move) - 1, int(number[-1]), symbol)
    return ends * float(volatility(change, 1)[0])


def outermost(ends: FloatArray, share: float) -> tuple[float, float]:
    """The ends that `share` of all lie below and above, between neighbours in proportion."""
    place = int(share * (len(ends) - 1))
    part, last = share * (len(ends) - 1) - place, len(ends) - 1
    around = [place, min(place + 1, last), max(last - place - 1, 0), last - place]
    a, b, c, d = np.partition(ends, around)[around].tolist()  # all of them in order would take five times as long
    return a + part * (b - a), d + part * (c - d)


def _drawn_ends(found: Blocks, at: int, number: int, symbol: str) -> FloatArray:
    """Where the paths from the candle at position `at` end, from a volatility of 1; NaN where blocks are missing."""
    drawn, newest_drawn = draws(symbol).T, POOL - 1 - number % POOL
    place = at - _BACKWARDS[newest_drawn : newest_drawn + POOL]
    if at >= POOL - 1:
        move, growth = found.move[place], found.growth[place]
    else:
        place = np.maximum(place, -1)
        move, growth = (np.append(column, np.nan)[place] for column in (found.move, found.growth))
    m, g = [move.take(piece) for piece in drawn], [growth.take(piece) for piece in drawn[:-1]]
    return _ends(m, g)


def _tally(ends: FloatArray) -> tuple[int, int]:
    """Paths above 0 less those below, and far above less far below."""
    above, below = np.count_nonzero(ends > 0), np.count_nonzero(ends < 0)
    far = np.count_nonzero(ends > _OUT) - np.count_nonzero(ends < -_OUT)
    return int(above - below), int(far)


def _stretches(number: IntArray) -> list[tuple[int, int]]:
    """Start and end of each run of candles without a gap."""
    starts = [0, *(np.flatnonzero(np.diff(number) != 1) + 1).tolist()]
    return list(zip(starts, [*starts[1:], len(number)], strict=True)) if len(number) else []


class _Group(Struct, frozen=True, eq=False):
    """Paths whose first, second and third piece change in the same order.

    `drawn`, shape (PIECES, p): the remainders of their pieces; `order`: which piece changes first, second, third.
    """

    drawn: IntArray
    order: tuple[int, ...]


class _Plan(Struct, frozen=True, eq=False):
    """What the draws amount to in a round of POOL candles.

    `groups` of paths, 6 or less; `at`, shape (POOL, SHUFFLES·PIECES): which changes of the paths, group by group and in
    each by the order of the changes, take place at each remainder.
    """

    groups: tuple[_Group, ...]
    at: IntArray


@lru_cache(maxsize=64)
def _plan(symbol: str) -> _Plan:
    drawn = draws(symbol)
    orders = np.argsort(drawn, axis=1, kind="stable")
    groups = []
    for order in permutations(range(PIECES)):
        chosen = drawn[(orders == order).all(axis=1)].T
        groups.append(_Group(np.ascontiguousarray(chosen), order))
    changes = np.concatenate([group.drawn[list(group.order)].ravel() for group in groups])
    return _Plan(tuple(groups), np.argsort(changes, kind="stable").reshape(POOL, SHUFFLES * PIECES))


def _rounds(found: Blocks, start: int, length: int, number: int, plan: _Plan) -> FloatArray:
    """The tallies of `length` candles without a gap from position `start` on, whose first has `number`: (2, length).

    At remainder u a piece drawn as c is the block numbered c of this round where c ≤ u, of the round before where not.
    So a path changes at its own three remainders only, and its ends before and after each are all that there are.
    """
    first = number % POOL
    rounds = -(-(first + length) // POOL)
    begin = start - first - POOL
    move, growth = (_by_remainder(column, begin, rounds + 1) for column in (found.move, found.growth))
    before, changes = np.zeros((2, rounds), dtype=np.int16), []
    for group in plan.groups:
        said = _said(move, growth, group)
        before += said[:, 0].sum(axis=1, dtype=np.int16)
        changes.append((said[:, 1:] - said[:, :-1]).reshape(2, -1, rounds))
    counts = np.concatenate(changes, axis=1)[:, plan.at].sum(axis=2, dtype=np.int16)
    counts[:, 0] += before
    np.cumsum(counts, axis=1, out=counts)  # of 1,920 paths: 16 bits hold them
    by_candle = counts.transpose(0, 2, 1).reshape(2, -1)
    return np.asarray(by_candle[:, first : first + length])


def _by_remainder(column: FloatArray, begin: int, rounds: int) -> FloatArray:
    """Values from position `begin` on by their remainder and round, shape (POOL, rounds); NaN where there is none."""
    out = np.full(rounds * POOL, np.nan)
    end = min(len(column), begin + len(out))
    out[max(0, -begin) : end - begin] = column[max(0, begin) : end]
    return np.ascontiguousarray(out.reshape(rounds, POOL).T)


def _said(move: FloatArray, growth: FloatArray, group: _Group) -> NDArray[np.int8]:
    """Whether each path of a group ends above (1), at or below (−1) 0, and so far out, before and after each change.

    Shape (2, PIECES + 1, paths, rounds); `move` and `growth` begin with the round before. After all changes it is as
    before the first one of the next round, so that is worked out once.
    """
    m, g = [move[drawn] for drawn in group.drawn], [growth[drawn] for drawn in group.drawn[:-1]]
    said = np.empty((2, PIECES + 1, len(m[0]), move.shape[1] - 1), dtype=np.int8)
    whole = _sides(_ends(m, g))
    said[:, 0], said[:, PIECES] = whole[:, :, :-1], whole[:, :, 1:]
    now = [slice(None, -1)] * PIECES
    for stage, piece in enumerate(group.order[:-1], start=1):
        now[piece] = slice(1, None)
        columns = [each[:, part] for each, part in zip(m, now, strict=True)]
        said[:, stage] = _sides(_ends(columns, [each[:, part] for each, part in zip(g, now[:-1], strict=True)]))
    return said


def _ends(move: Sequence[FloatArray], growth: Sequence[FloatArray]) -> FloatArray:
    """Where paths of three pieces end, from a volatility of 1."""
    end: FloatArray = move[2] * growth[1]
    end += move[1]
    end *= growth[0]
    end += move[0]
    return end


def _sides(end: FloatArray) -> NDArray[np.int8]:
    """Whether each end is above or below 0, and so far out: shape (2, …)."""
    out = np.empty((2, *end.shape), dtype=np.int8)
    for row, edge in ((0, 0.0), (1, _OUT)):
        np.subtract((end > edge).view(np.int8), (end < -edge).view(np.int8), out=out[row])
    return out
