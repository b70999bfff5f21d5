"""What is known around the watched markets: series beyond candles, benchmarks, and the other side of each market."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hybridd.market.basis import basis_series
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.publication import PUBLICATIONS, stale_after
from hybridd.model.candle import Candles, no_candles
from hybridd.model.context import BASIS, FEAR_GREED, FUNDING, IMBALANCE, MACRO, OPEN_INTEREST, ContextSeries
from hybridd.model.instrument import Instrument
from hybridd.model.reading import Input
from hybridd.model.timeframe import TimeFrame

BENCHMARKS = ("BTC/USDT", "ETH/USDT", "PAXG/USDT")

KINDS: Mapping[Input, frozenset[str]] = {
    Input.FUNDING: frozenset({FUNDING}),
    Input.OPEN_INTEREST: frozenset({OPEN_INTEREST}),
    Input.ORDER_BOOK: frozenset({IMBALANCE}),
    Input.SENTIMENT: frozenset({FEAR_GREED}),
    Input.MACRO: frozenset(MACRO),
}

Row = tuple[int, int, float]
"""The instant a value describes, since when it is public (both ms UTC), and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """Where what is learned is kept. `load` gives what was kept under (name, symbol) at an earlier time."""

    load: Callable[[str, str], ContextSeries]
    save: Callable[[str, str, Sequence[Row]], object]
    load_candles: Callable[[Instrument, TimeFrame], Candles]
    save_candles: Callable[[Instrument, TimeFrame, Candles], None]


class Surroundings:
    """The newest of everything, in memory; safe to use from many threads, and nobody waits for a source here."""

    def __init__(
        self, *, drawer: Drawer, timeframe: TimeFrame, of_market: Sequence[str] = (), of_all: Sequence[str] = ()
    ) -> None:
        """`of_market`: the names of the series that each market has its own of; `of_all`: of those that all share."""
        self._drawer, self._timeframe = drawer, timeframe
        self._of_market, self._of_all = tuple(of_market), tuple(of_all)
        self._lock = threading.Lock()
        self._series: dict[tuple[str, str], ContextSeries] = {}
        self._benchmarks: dict[str, Candles] = {}
        self._other_side: dict[str, tuple[Candles, bool]] = {}

    @property
    def supplied(self) -> frozenset[Input]:
        """The kinds of input that this market's sources give at all, whether or not they answer now."""
        names = {*self._of_market, *self._of_all}
        return frozenset({Input.BENCHMARK, *(kind for kind, series in KINDS.items() if names & series)})

    def newest(self, name: str, symbol: str) -> int:
        """The instant of the newest value of a series, ms UTC; -1 without one."""
        series = self._of(name, symbol)
        return int(series.at[-1]) if len(series) else -1

    def learn(self, name: str, symbol: str, rows: Sequence[Row]) -> None:
        """Keep new values; those whose instant is known already stay as they were. `symbol` is "" for all markets."""
        seen = set(self._of(name, symbol).at.tolist())
        fresh = [row for row in rows if row[0] not in seen]
        if not fresh:
            return
        self._drawer.save(name, symbol, fresh)
        with self._lock:
            self._series[name, symbol] = _joined(self._series[name, symbol], fresh)

    def update(self, keeper: SeriesKeeper, instrument: Instrument) -> tuple[Candles, bool]:
        """The candles of a market that is not watched itself, and whether the newest that has closed is there."""
        update = keeper.update(instrument, self._timeframe)
        if len(update.fresh):
            self._drawer.save_candles(instrument, self._timeframe, update.fresh)
        return update.candles, not update.behind

    def seed(self, keeper: SeriesKeeper, instrument: Instrument) -> None:
        """Begin with the candles kept earlier."""
        keeper.seed(instrument, self._timeframe, self._drawer.load_candles(instrument, self._timeframe))

    def set_benchmark(self, symbol: str, candles: Candles) -> None:
        """The candles of a benchmark, by the name that the layers know it by."""
        with self._lock:
            self._benchmarks[symbol] = candles

    def set_other_side(self, symbol: str, candles: Candles, *, perpetual: bool) -> None:
        """The perpetual that belongs to a watched market, or where that is one, the thing itself."""
        with self._lock:
            self._other_side[symbol] = (candles, perpetual)

    def benchmarks(self) -> Mapping[str, Candles]:
        """Those that the source lists."""
        with self._lock:
            return dict(self._benchmarks)

    def context(self, symbol: str, candles: Candles) -> Mapping[str, ContextSeries]:
        """All series that concern a market, by name; empty ones are left out."""
        places = [(name, symbol) for name in self._of_market] + [(name, "") for name in self._of_all]
        found = {name: series for name, owner in places if len(series := self._of(name, owner))}
        with self._lock:
            other = self._other_side.get(symbol)
        if other is not None:
            basis = basis_series(other[0], candles) if other[1] else basis_series(candles, other[0])
            found |= {BASIS: basis} if len(basis) else {}
        return found

    def _of(self, name: str, symbol: str) -> ContextSeries:
        with self._lock:
            if (name, symbol) in self._series:
                return self._series[name, symbol]
        kept = self._drawer.load(name, symbol)
        with self._lock:
            return self._series.setdefault((name, symbol), kept)


def empty_drawer(timeframe: TimeFrame) -> Drawer:
    """Keeps nothing: for somebody who looks once."""
    nothing = np.empty(0, dtype=np.int64)
    return Drawer(
        load=lambda name, _: ContextSeries(name, nothing, nothing, np.empty(0), stale_after(name, timeframe.ms)),
        save=lambda *_: None,
        load_candles=lambda _, frame: no_candles(frame.ms),
        save_candles=lambda *_: None,
    )


def _columns(series: ContextSeries) -> tuple[list[int], list[int], list[float]]:
    return series.at.tolist(), series.known_at.tolist(), series.values.tolist()


def _joined(known: ContextSeries, rows: Sequence[Row]) -> ContextSeries:
    """The newest values of both, in order; a value is never known before an older one."""
    merged = {row[0]: row for row in rows}
    merged |= {row[0]: row for row in zip(*_columns(known), strict=True)}
    kept = [merged[at] for at in sorted(merged)][-PUBLICATIONS[known.name].history :]
    at, since, values = (np.array(column) for column in zip(*kept, strict=True))
    since = np.maximum.accumulate(since.astype(np.int64))
    return ContextSeries(known.name, at.astype(np.int64), since, values.astype(np.float64), known.stale_after)
