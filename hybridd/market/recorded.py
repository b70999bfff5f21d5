"""Recorded candles: files of them, and a market that is played from a folder of such files."""

import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybridd.clock import Clock
from hybridd.errors import DataError, FeedUnavailable, UnknownSymbol
from hybridd.market.feed import Row
from hybridd.market.quality import Incident, inspect
from hybridd.market.tables import FORMAT, SUFFIXES, read_table
from hybridd.model.candle import COLUMNS, Candles, FloatArray, resample
from hybridd.model.instrument import QUOTES, Instrument, nearest, parse_instrument
from hybridd.model.timeframe import TimeFrame, parse_timeframe, timeframe_of

_PERPETUAL_WORDS = frozenset({"usdm", "um", "swap", "perp", "perpetual", "futures"})

_CONTEXT = re.compile(r"funding|(open)?interest|metrics", re.IGNORECASE)
"""How a word begins in the name of a file of funding rates, or of open interest and other metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a file holds: candles that passed, their time frame, and what was wrong with the others."""

    candles: Candles
    timeframe: TimeFrame
    incidents: tuple[Incident, ...]


def read_candles(path: Path) -> Recording:
    """Read CSV, .csv.gz, a Binance klines zip, Parquet or Feather; the time frame is the most frequent spacing.

    Rows out of order, twice, or impossible are put right or left out, and reported in `incidents`. Raises DataError
    with file, line and remedy where there is nothing to go on with.
    """
    table = read_table(path)
    frame = _spacing(table, path)
    seen = inspect(table, timeframe=frame, now=int(np.nanmax(table[:, 0])) + frame.ms)
    if not len(seen.candles):
        raise DataError(f"{path.name} holds no usable candle: {seen.incidents[0].detail}", remedy=FORMAT)
    return Recording(candles=seen.candles, timeframe=frame, incidents=seen.incidents)


def symbol_of(path: Path) -> str:
    """The symbol that a file is named after ("binance_spot_BTCUSDT_5m.csv.gz" → "BTC/USDT"), "" if after none."""
    words = _words(path)
    settled = any(word.lower() in _PERPETUAL_WORDS for word in words)
    pairs = [f"{a}/{b}" for a, b in itertools.pairwise(words) if b.upper() in QUOTES]
    for text in (*pairs, *words):
        try:
            return parse_instrument(text, "swap" if settled else "spot").symbol
        except ValueError:
            continue
    return ""


def timeframe_in(path: Path) -> TimeFrame | None:
    """The time frame in a file's name, if there is one."""
    for word in _words(path):
        try:
            return parse_timeframe(word)
        except ValueError:
            continue
    return None


class RecordedFeed:
    """A Feed out of a folder of candle files, found by the symbol and time frame in their names.

    A time frame without a file of its own is made from the longest shorter one that fills it. Candles that close
    after the clock's time are not shown; the feed's own clock stops at the end of the recording, so that a market
    that is over looks finished and not stale.
    """

    simulated = False

    def __init__(self, *, folder: Path, clock: Clock) -> None:
        if not folder.is_dir():
            raise DataError(f'there is no folder "{folder}"', remedy="set [market] path to the folder of candle files")
        self.name = f"recorded {folder.name}"
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[tuple[str, int], Candles] = {}
        self._end: int | None = None

    def now(self) -> int:
        """The clock's time, ms UTC, but not beyond the end of what was read."""
        now, end = self._clock.now(), self._end
        return now if end is None else min(now, end)

    def instrument(self, text: str) -> Instrument:
        """The market of one of the files; raises UnknownSymbol with the nearest that there is."""
        symbols = {symbol_of(path) for path in self._files()} - {""}
        for kind in ("spot", "swap"):
            try:
                instrument = parse_instrument(text, kind)
            except ValueError:
                continue
            if instrument.symbol in symbols:
                return instrument
        near = nearest(text, sorted(symbols))
        hint = f"did you mean {near}?" if near else 'name files like "BTCUSDT_5m.csv.gz"'
        raise UnknownSymbol(f'{self._folder} holds no candles of "{text}"', nearest=near, remedy=hint)

    def rows(self, instrument: Instrument, timeframe: TimeFrame, since: int, limit: int) -> list[Row]:
        """Candles that closed by now, from `since` on."""
        candles = self._candles(instrument, timeframe).closed_by(self._clock.now()).since(since)[: max(0, limit)]
        columns = (candles.open_time.astype(np.float64), *(getattr(candles, name) for name in COLUMNS))
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def close(self) -> None:
        """Forget what was read."""
        with self._lock:
            self._read.clear()

    def _candles(self, instrument: Instrument, timeframe: TimeFrame) -> Candles:
        with self._lock:
            key = (instrument.symbol, timeframe.ms)
            if key not in self._read:
                self._read[key] = self._load(instrument, timeframe)
                self._end = max(self._end or 0, self._read[key].last_close)
            return self._read[key]

    def _load(self, instrument: Instrument, timeframe: TimeFrame) -> Candles:
        frames = self._by_frame(instrument.symbol)
        whole = [ms for ms in frames if timeframe.ms % ms == 0]
        if not frames:
            raise UnknownSymbol(f"{self._folder} holds no candles of {instrument}")
        if not whole:
            known = ", ".join(timeframe_of(ms).text for ms in sorted(frames))
            raise FeedUnavailable(
                f"the recorded candles of {instrument} are {known} long", remedy=f"add a file of {timeframe}"
            )
        parts = iter(frames[max(whole)])
        candles = next(parts)
        for part in parts:
            candles = candles.joined(part)
        if candles.step == timeframe.ms:
            return candles
        return resample(candles, timeframe.ms, timeframe.open_at(0) % timeframe.ms)

    def _by_frame(self, symbol: str) -> dict[int, Iterator[Candles]]:
        """Time frame in ms → the candles of its files, read only when they are asked for."""
        files = [path for path in self._files() if symbol_of(path) == symbol]
        named = [(frame, path) for path in files if (frame := timeframe_in(path))]
        if named:
            frames = {frame.ms for frame, _ in named}
            return {ms: self._each([path for frame, path in named if frame.ms == ms]) for ms in frames}
        found: dict[int, list[Candles]] = {}
        for candles in self._each(files):
            found.setdefault(candles.step, []).append(candles)
        return {ms: iter(runs) for ms, runs in found.items()}

    def _each(self, paths: list[Path]) -> Iterator[Candles]:
        for path in paths:
            try:
                yield read_candles(path).candles
            except DataError as error:
                raise FeedUnavailable(error.message, remedy=error.remedy) from error

    def _files(self) -> list[Path]:
        """Those that may hold candles: what lies around a market is kept in the same folder, named after it too."""
        files = (path for path in self._folder.iterdir() if path.name.lower().endswith(SUFFIXES))
        return sorted(path for path in files if not any(_CONTEXT.match(word) for word in _words(path)))


def _words(path: Path) -> list[str]:
    name = path.name.lower()
    suffix = next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), path.suffix)
    return [word for word in re.split(r"[\s_\-./]+", path.name[: len(path.name) - len(suffix)]) if word]


def _spacing(table: FloatArray, path: Path) -> TimeFrame:
    """The most frequent difference between neighbouring open times."""
    opened = np.unique(table[np.isfinite(table[:, 0]), 0])
    if len(opened) < 2:
        raise DataError(f"{path.name} holds one candle: its time frame cannot be told", remedy="give at least two")
    steps, counts = np.unique(np.diff(opened), return_counts=True)
    step = float(steps[np.argmax(counts)])
    try:
        if step != int(step):
            raise ValueError(f"{step} ms is not a whole number")
        return timeframe_of(int(step))
    except ValueError as error:
        raise DataError(f"{path.name}: {error}", remedy=FORMAT) from error
