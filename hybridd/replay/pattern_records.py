"""What followed candlestick patterns on recorded candles."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hybridd.analysis.calibration import PatternRecord
from hybridd.analysis.candle_patterns import BLOCK, NAMES, WARM, pattern_hits, rising
from hybridd.analysis.indicators import WILDER_WINDOW, atr
from hybridd.analysis.layers.patterns import HORIZON
from hybridd.analysis.windows import ratio
from hybridd.model.candle import BoolArray, Candles, FloatArray, IntArray

DAY = 86_400_000
LEAST = 100  # cases; below that a t-statistic by days says little


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """One row for each pattern at each candle: its cell (pattern, sign, trend) as one number, the day, the move."""

    cell: IntArray
    day: IntArray
    move: FloatArray


def pattern_records(candles: Sequence[Candles]) -> tuple[PatternRecord, ...]:
    """The record of every pattern, by its direction and by trend, over all the candles together.

    The move is close 12 candles later less close, in ATR(14), less that instrument's mean move in the same trend. The
    standard error of its mean counts days as the independent units, since moves overlap in time and instruments move
    together: √Σ_day(Σ residuals)²/n (K.-Y. Liang and S. Zeger, Biometrika 73 (1986), p. 13, for a mean).
    """
    parts = [_events(one) for one in candles]
    cell, day, move = (np.concatenate([getattr(part, name) for part in parts]) for name in ("cell", "day", "move"))
    order = np.argsort(cell, kind="stable")
    edges = np.flatnonzero(np.r_[True, np.diff(cell[order]) != 0, True])
    records = []
    for start, end in pairwise(edges.tolist()):
        chosen = order[start:end]
        if len(chosen) >= LEAST:
            records.append(_record(int(cell[chosen[0]]), day[chosen], move[chosen]))
    return tuple(record for record in records if record.t)


def _events(candles: Candles) -> _Events:
    hits, up = pattern_hits(candles), rising(candles)
    move = excess_moves(candles, up)
    known = ~np.isnan(move) & (np.arange(len(candles)) >= BLOCK + WARM)
    row, at = np.nonzero(hits)
    row, at = row[known[at]], at[known[at]]
    cell = row * 4 + (hits[row, at] > 0) * 2 + up[at]
    return _Events(cell.astype(np.int64), candles.open_time[at] // DAY, move[at])


def excess_moves(candles: Candles, up: BoolArray) -> FloatArray:
    """Close 12 candles later less close, in ATR, less the mean of that in the same trend; NaN across a gap.

    Without taking the trend's own mean away every pattern of a rising market would look like a bullish one.
    """
    move = np.full(len(candles), np.nan)
    if len(candles) > WILDER_WINDOW + HORIZON:
        later = ratio(candles.close[HORIZON:] - candles.close[:-HORIZON], atr(candles)[:-HORIZON])
        whole = candles.open_time[HORIZON:] - candles.open_time[:-HORIZON] == HORIZON * candles.step
        move[:-HORIZON] = np.where(whole, later, np.nan)
    for side in (up, ~up):
        known = side & ~np.isnan(move)
        if known.any():
            move[known] -= move[known].mean()
    return move


def _record(cell: int, day: IntArray, move: FloatArray) -> PatternRecord:
    mean = float(move.mean())
    _, which = np.unique(day, return_inverse=True)
    by_day = np.bincount(which, weights=move - mean)
    error = float(np.sqrt(np.sum(by_day**2))) / len(move)
    return PatternRecord(
        pattern=NAMES[cell // 4],
        sign=1 if cell & 2 else -1,
        rising=bool(cell & 1),
        n=len(move),
        mean=round(mean, 5),
        t=round(mean / error, 3) if error > 0 else 0.0,
    )
