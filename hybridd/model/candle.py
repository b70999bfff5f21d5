"""Candles as columns: closed candles of one instrument and one time frame, oldest first."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COLUMNS = ("open", "high", "low", "close", "volume")


class Candles(Struct, frozen=True, eq=False):
    """n candles as six arrays of shape (n,), `step` ms each; `open_time` in ms UTC, strictly rising, with gaps kept."""

    step: int
    open_time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __post_init__(self) -> None:
        # Written out: candles are cut and joined a dozen times for each symbol and cycle.
        shape = self.open_time.shape
        if not (shape == self.open.shape == self.high.shape == self.low.shape == self.close.shape == self.volume.shape):
            shapes = {getattr(self, name).shape for name in ("open_time", *COLUMNS)}
            raise ValueError(f"candle columns differ in shape: {sorted(shapes)}")

    def __len__(self) -> int:
        return len(self.open_time)

    def __getitem__(self, part: slice) -> "Candles":
        """The candles of a slice, sharing memory."""
        return Candles(
            self.step,
            self.open_time[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )

    @property
    def close_time(self) -> IntArray:
        """When each candle closed, ms UTC, shape (n,)."""
        return self.open_time + self.step

    @property
    def last_close(self) -> int:
        """When the newest candle closed, ms UTC; -1 without candles."""
        return int(self.open_time[-1]) + self.step if len(self) else -1

    def closed_by(self, now: int) -> "Candles":
        """Those whose close time is at or before `now`."""
        return self[: self.count_closed_by(now)]

    def count_closed_by(self, now: int) -> int:
        """How many they are."""
        return int(self.open_time.searchsorted(now - self.step, side="right"))

    def since(self, open_time: int) -> "Candles":
        """Those that opened at or after `open_time`."""
        return self[int(self.open_time.searchsorted(open_time)) :]

    def holds(self, open_times: IntArray) -> BoolArray:
        """Which of these open times are one of its candles', by bisection."""
        if not len(self):
            return np.zeros(open_times.shape, dtype=np.bool_)
        places = np.minimum(self.open_time.searchsorted(open_times), len(self) - 1)
        return np.asarray(self.open_time[places] == open_times)

    def joined(self, newer: "Candles") -> "Candles":
        """These with `newer` put over them: where both have a candle of the same open time, the newer one stands."""
        if not len(newer):
            return self
        if not len(self) or newer.open_time.item(0) > self.open_time.item(-1):
            return concatenate((self, newer))
        rest = self.since(int(newer.open_time[0]))
        kept = rest.masked(~newer.holds(rest.open_time))
        joined = concatenate((self[: len(self) - len(rest)], newer, kept))
        return joined if not len(kept) else joined.masked(np.argsort(joined.open_time, kind="stable"))

    def masked(self, chosen: BoolArray | IntArray) -> "Candles":
        """The candles at a boolean mask or at an array of positions."""
        return Candles(self.step, self.open_time[chosen], *(getattr(self, name)[chosen] for name in COLUMNS))


def concatenate(parts: tuple[Candles, ...]) -> Candles:
    """One run of candles out of several that follow each other."""
    return Candles(
        parts[0].step,
        np.concatenate([part.open_time for part in parts]),
        np.concatenate([part.open for part in parts]),
        np.concatenate([part.high for part in parts]),
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.close for part in parts]),
        np.concatenate([part.volume for part in parts]),
    )


@cache
def no_candles(step: int) -> Candles:
    """An empty run."""
    return candles_from_rows(step, [])


def candles_from_rows(step: int, rows: Sequence[Sequence[float]]) -> Candles:
    """Columns out of rows (open time ms, open, high, low, close, volume), which must be in order."""
    times, *columns = zip(*rows, strict=True) if rows else ((),) * 6
    return Candles(step, np.array(times, dtype=np.int64), *(np.array(one, dtype=np.float64) for one in columns))


def candles_from_table(step: int, table: FloatArray) -> Candles:
    """The same out of an array of shape (n, 6)."""
    return Candles(step, table[:, 0].astype(np.int64), *np.array(table[:, 1:].T, order="C"))


def resample(candles: Candles, step: int, offset: int = 0) -> Candles:
    """Candles of a longer `step` (ms) out of shorter ones; only periods whose last moment is covered.

    A period with a gap inside is kept (an exchange that was down for an hour still prints its day), one whose end
    has not come is left out, and so is a first one that the data enter midway. `offset` shifts the periods' start.
    """
    if step % candles.step:
        raise ValueError(f"{step} ms is not a multiple of {candles.step} ms")
    if not len(candles):
        return no_candles(step)
    period = (candles.open_time - offset) // step
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]])
    ends = np.r_[starts[1:], len(candles)] - 1
    whole = Candles(
        step,
        period[starts] * step + offset,
        candles.open[starts],
        np.maximum.reduceat(candles.high, starts),
        np.minimum.reduceat(candles.low, starts),
        candles.close[ends],
        np.add.reduceat(candles.volume, starts),
    )
    first = 0 if whole.open_time[0] == candles.open_time[0] else 1
    last = len(whole) if whole.last_close <= candles.last_close else len(whole) - 1
    return whole[first:last]
