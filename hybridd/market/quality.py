"""Which of the rows that a source sent can be trusted, and what was wrong with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from msgspec import Struct

from hybridd.clock import iso
from hybridd.market.usual import FEW, newer_rows
from hybridd.model.candle import (
    COLUMNS,
    BoolArray,
    Candles,
    FloatArray,
    IntArray,
    candles_from_rows,
    candles_from_table,
    no_candles,
)
from hybridd.model.timeframe import TimeFrame

NOISE = 1e-9
"""Relative difference up to which two prices are the same number written twice."""


class IncidentKind(StrEnum):
    """What happened to a candle."""

    QUARANTINED = "QUARANTINED"  # the row is not used; its fault says why
    UNORDERED = "UNORDERED"  # rows had to be sorted
    DUPLICATE = "DUPLICATE"  # the same candle more than once
    REVISION = "REVISION"  # a candle changed after it had been given
    GAP = "GAP"  # candles are missing
    GAP_FILLED = "GAP_FILLED"  # candles that were missing came later


class Fault(StrEnum):
    """Why a row is not used."""

    SHAPE = "SHAPE"  # not a row of six numbers
    NOT_A_NUMBER = "NOT_A_NUMBER"  # NaN or infinite
    FUTURE = "FUTURE"  # opens after the source's own clock
    MISALIGNED = "MISALIGNED"  # does not open on the time frame's grid
    PRICE = "PRICE"  # zero or negative
    RANGE = "RANGE"  # high below low, or open or close outside of them
    VOLUME = "VOLUME"  # negative


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that was not as it should be. `open_time` in ms UTC, -1 where the row has none.

    `count`: candles concerned. `fault`: of a quarantined row. `before` and `after`: the close prices of a revision.
    The keeper fills in symbol and time frame.
    """

    kind: IncidentKind
    open_time: int
    detail: str
    count: int = 1
    fault: Fault | None = None
    before: float | None = None
    after: float | None = None
    symbol: str = ""
    timeframe: str = ""


class Inspected(Struct, frozen=True, kw_only=True):
    """`candles`: known and new ones together; `fresh`: those whose open time was not known before, oldest first."""

    candles: Candles
    fresh: Candles
    incidents: tuple[Incident, ...]


def inspect(
    rows: Sequence[Sequence[float]] | FloatArray, *, timeframe: TimeFrame, now: int, known: Candles | None = None
) -> Inspected:
    """The closed candles among `rows` (open time ms, open, high, low, close, volume) joined to those known.

    A candle has closed when its close time is at or before `now` (ms UTC, the source's clock); one that is open at
    `now` is left out without a word. Of several rows for one candle the last stands. Nothing is ever made up.
    """
    known = known if known is not None else no_candles(timeframe.ms)
    newer = newer_rows(rows, timeframe, now, known)
    if newer is None:
        candles, fresh, incidents = _sifted(rows, timeframe, now, known)
    else:
        fresh, incidents = candles_from_rows(timeframe.ms, newer), []
        candles = known.joined(fresh)
    incidents += new_gaps(candles, known, fresh)
    return Inspected(candles=candles, fresh=fresh, incidents=tuple(incidents))


def _sifted(
    rows: Sequence[Sequence[float]] | FloatArray, timeframe: TimeFrame, now: int, known: Candles
) -> tuple[Candles, Candles, list[Incident]]:
    """All candles, the fresh ones, and all incidents but the gaps."""
    table, incidents = _table(rows)
    table, faults = _cleaned(table, timeframe, now)
    opened = table[:, 0].astype(np.int64)
    in_known = known.holds(opened)
    revisions = _revisions(known, opened[in_known], table[in_known])
    fresh = candles_from_table(timeframe.ms, table[~in_known])
    candles = known.joined(candles_from_table(timeframe.ms, table) if revisions else fresh)
    return candles, fresh, incidents + faults + revisions


def _table(rows: Sequence[Sequence[float]] | FloatArray) -> tuple[FloatArray, list[Incident]]:
    """Rows as an array of shape (n, 6), and one incident for each that is no row."""
    if isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.shape[1] >= 6:
        return np.asarray(rows[:, :6], dtype=np.float64), []
    good: list[list[float]] = []
    incidents: list[Incident] = []
    for place, row in enumerate(rows):
        numbers = _numbers(row)
        if numbers is None:
            detail = f"row {place} is not six numbers: {str(row)[:60]}"
            incidents.append(_quarantine(Fault.SHAPE, -1, detail))
        else:
            good.append(numbers)
    return np.array(good, dtype=np.float64).reshape(-1, 6), incidents


def _numbers(row: object) -> list[float] | None:
    if not isinstance(row, list | tuple | np.ndarray) or len(row) < 6:
        return None
    try:
        return [float("nan") if cell is None else float(cell) for cell in row[:6]]
    except (TypeError, ValueError, OverflowError):
        return None


def _cleaned(table: FloatArray, timeframe: TimeFrame, now: int) -> tuple[FloatArray, list[Incident]]:
    """The rows of closed candles that can be trusted, in order, and what was wrong."""
    verdicts = _verdicts(table, timeframe, now)
    incidents = _quarantined(table, verdicts)
    table, disorder = _settled(table[(verdicts == _GOOD) & (table[:, 0] + timeframe.ms <= now)])
    return table, incidents + disorder


_GOOD = -1

# In this order; the first that holds is the reason given.
_FAULTS: tuple[tuple[Fault, str], ...] = (
    (Fault.NOT_A_NUMBER, "holds a value that is no number"),
    (Fault.FUTURE, "opens in the future"),
    (Fault.MISALIGNED, "does not open on the time frame's grid"),
    (Fault.PRICE, "has a price of zero or less"),
    (Fault.RANGE, "has high below low, or open or close outside of them"),
    (Fault.VOLUME, "has a negative volume"),
)


def _verdicts(table: FloatArray, timeframe: TimeFrame, now: int) -> IntArray:
    """For each row the position in _FAULTS of what is wrong with it, or _GOOD."""
    finite = np.isfinite(table)
    opened, first, high, low, last, volume = np.where(finite, table, 0.0).T
    lowest, highest = np.minimum(first, last), np.maximum(first, last)
    failing = np.array(
        (
            ~finite.all(axis=1),
            opened > now,
            (opened < 0) | ((opened - timeframe.open_at(0)) % timeframe.ms != 0),
            np.minimum(np.minimum(high, low), lowest) <= 0,
            (high < low) | (highest > high * (1 + NOISE)) | (lowest < low * (1 - NOISE)),
            volume < 0,
        )
    )
    return np.where(failing.any(axis=0), failing.argmax(axis=0), _GOOD)


def _quarantined(table: FloatArray, verdicts: IntArray) -> list[Incident]:
    incidents = []
    for place in (verdicts != _GOOD).nonzero()[0]:
        fault, words = _FAULTS[verdicts[place]]
        opened, *cells = (float(cell) for cell in table[place])
        at = int(opened) if 0 <= opened < 1e14 else -1
        name = f"candle of {iso(at)}" if at >= 0 else f"candle of open time {opened:g}"
        detail = f"{name} {words}: " + " ".join(f"{cell:.10g}" for cell in cells)
        incidents.append(_quarantine(fault, at, detail))
    return incidents


def _quarantine(fault: Fault, opened: int, detail: str) -> Incident:
    return Incident(kind=IncidentKind.QUARANTINED, open_time=opened, detail=detail, fault=fault)


def _differ(a: FloatArray, b: FloatArray) -> BoolArray:
    """Which rows of two tables of OHLCV, shape (n, 5), are not the same candle."""
    return np.asarray((np.abs(a - b) > NOISE * np.maximum(np.abs(a), np.abs(b))).any(axis=1), dtype=np.bool_)


def _settled(table: FloatArray) -> tuple[FloatArray, list[Incident]]:
    """The rows sorted, one a candle, and what had to be done for that."""
    if (table[1:, 0] > table[:-1, 0]).all():
        return table, []
    incidents = []
    backwards = np.diff(table[:, 0]) < 0
    if backwards.any():
        at = int(table[1:, 0][backwards][0])
        detail = f"{backwards.sum()} rows came after a later one, the first is {iso(at)}: sorted"
        incidents.append(Incident(kind=IncidentKind.UNORDERED, open_time=at, detail=detail, count=int(backwards.sum())))
        table = table[np.argsort(table[:, 0], kind="stable")]
    again = np.diff(table[:, 0]) == 0
    differ = again & _differ(table[:-1, 1:], table[1:, 1:])
    same = again & ~differ
    if same.any():
        at = int(table[1:, 0][same][0])
        detail = f"{same.sum()} rows were sent twice, the first is {iso(at)}"
        incidents.append(Incident(kind=IncidentKind.DUPLICATE, open_time=at, detail=detail, count=int(same.sum())))
    places = np.flatnonzero(differ)
    incidents += [_revision(int(table[k, 0]), table[k, 4], table[k + 1, 4]) for k in places]
    return table[np.r_[~again, True]], incidents


def _revision(opened: int, before: float, after: float) -> Incident:
    detail = f"candle of {iso(opened)} was revised: close {before:.10g} is now {after:.10g}"
    return Incident(
        kind=IncidentKind.REVISION, open_time=opened, detail=detail, before=float(before), after=float(after)
    )


def _revisions(known: Candles, opened: IntArray, again: FloatArray) -> list[Incident]:
    """Each candle that came with other values than it was known with; `again` holds their rows."""
    places = known.open_time.searchsorted(opened)
    old = np.array([getattr(known, name)[places] for name in COLUMNS]).T
    new = again[:, 1:]
    if (old == new).all():
        return []
    close = COLUMNS.index("close")
    return [_revision(int(opened[k]), old[k, close], new[k, close]) for k in _differ(old, new).nonzero()[0]]


def gaps(candles: Candles) -> list[tuple[int, int]]:
    """Every run of missing candles: (open time of the first missing one in ms, how many)."""
    return _gaps(candles.open_time, candles.step)


def _gaps(opened: IntArray, step: int) -> list[tuple[int, int]]:
    if len(opened) <= FEW:  # as in a cycle: one step
        return [(a + step, (b - a) // step - 1) for a, b in pairwise(opened.tolist()) if b - a > step]
    steps = opened[1:] - opened[:-1]
    return [(int(opened[k]) + step, int(steps[k]) // step - 1) for k in (steps > step).nonzero()[0]]


def new_gaps(candles: Candles, known: Candles, fresh: Candles) -> list[Incident]:
    """The gaps in `candles` that were not between two candles known before, none where nothing is fresh."""
    if not len(fresh):
        return []
    # A new gap has a fresh candle on one side at least: what lies before the first of them was judged when it came.
    first = max(0, int(candles.open_time.searchsorted(fresh.open_time[0])) - 1)
    found = _gaps(candles.open_time[first:], candles.step)
    return [gap_incident(*gap, candles.step) for gap in found if not _between(gap, known)]


def _between(gap: tuple[int, int], known: Candles) -> bool:
    start, count = gap
    return bool(known.holds(np.array([start - known.step, start + count * known.step])).all())


def gap_incident(start: int, count: int, step: int, kind: IncidentKind = IncidentKind.GAP) -> Incident:
    """The incident of `count` candles missing (or found again) from `start` (ms UTC) on."""
    words = "missing" if kind is IncidentKind.GAP else "were missing and came later"
    detail = f"{count} candles {words}: from {iso(start)} to {iso(start + count * step)}"
    return Incident(kind=kind, open_time=start, detail=detail, count=count)
