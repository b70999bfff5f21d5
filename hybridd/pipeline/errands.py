"""What the context worker is sent for: series from their sources, benchmarks, and the other side of each market."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hybridd.market.context import ContextSource
from hybridd.market.derivatives import perpetual_of, spot_of
from hybridd.market.feed import Feed
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.publication import known_at
from hybridd.model.candle import Candles
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.timeframe import TimeFrame
from hybridd.pipeline.context import Errand
from hybridd.pipeline.surroundings import BENCHMARKS, Surroundings

log = logging.getLogger("hybridd.context")

BEFORE_CLOSE_MS = 10_000
"""How long before a close a book is looked at: late enough to speak for the close, early enough to be there then."""
SOONEST_S = 10.0
"""Where candles are shorter than this, books are looked at no more often."""


@dataclass(slots=True, kw_only=True)
class _Look:
    """One source, for one market or for all; `before`: when it last answered (ms UTC)."""

    source: ContextSource
    symbol: str
    around: Surroundings
    now: Callable[[], int]
    before: int | None = None
    refused: str = ""

    def __call__(self) -> bool:
        source, around, now = self.source, self.around, self.now()
        newest = max(around.newest(name, self.symbol) for name in source.series)
        given = source.fetch(self.symbol, newest, now)
        for name, values in given.values.items():
            at = np.array([at for at, _ in values], dtype=np.int64)
            since = known_at(name, at, looked_before=self.before, now=now).tolist()
            numbers = [value for _, value in values]
            around.learn(name, self.symbol, list(zip(at.tolist(), since, numbers, strict=True)))
        self.before = now
        if given.refused and given.refused != self.refused:
            log.warning("%s", given.refused)
        self.refused = given.refused
        return True


@dataclass(slots=True, kw_only=True)
class _Company:
    """The candles of one market that is not watched itself; `tell` hands them on."""

    name: str
    feed: Feed
    keeper: SeriesKeeper
    around: Surroundings
    tell: Callable[[Candles], None]
    instrument: Instrument | None = None

    def __call__(self) -> bool:
        if self.instrument is None:
            found = self.feed.instrument(self.name)
            self.around.seed(self.keeper, found)
            self.instrument = found
        candles, current = self.around.update(self.keeper, self.instrument)
        self.tell(candles)
        return current


def series_errands(
    sources: Sequence[ContextSource],
    symbols: Sequence[str],
    around: Surroundings,
    timeframe: TimeFrame,
    now: Callable[[], int],
) -> list[Errand]:
    """One for each source, and where it is asked for each market, one for each of `symbols`."""
    lead = min(BEFORE_CLOSE_MS, timeframe.ms // 2)
    at_closes = timeframe.ms >= SOONEST_S * 1000
    return [
        Errand(
            name=f"{source.name} of {symbol}" if symbol else source.name,
            run=_Look(source=source, symbol=symbol, around=around, now=now),
            interval_s=0.0 if at_closes or source.interval_s else SOONEST_S,
            step_ms=source.interval_s * 1000,
            offset_ms=source.offset_s * 1000 if source.interval_s else -lead,
        )
        for source in sources
        for symbol in (symbols if source.per_market else ("",))
    ]


def benchmark_errands(feed: Feed, around: Surroundings, history: int, settle_ms: int) -> list[Errand]:
    """One for each benchmark that the feed may list, half-way between a close and the cycle that reads it."""
    keeper = SeriesKeeper(feed=feed, history=history)

    def telling(name: str) -> Callable[[Candles], None]:
        return lambda candles: around.set_benchmark(name, candles)

    return [
        Errand(
            name=f"benchmark {name}",
            run=_Company(name=name, feed=feed, keeper=keeper, around=around, tell=telling(name)),
            offset_ms=settle_ms // 2,
            optional=True,
        )
        for name in BENCHMARKS
    ]


def other_side_errands(
    other: Feed, symbols: Sequence[str], around: Surroundings, history: int, settle_ms: int
) -> list[Errand]:
    """One for each watched market: the perpetual of a thing, or the thing of a perpetual, to draw the basis from."""
    keeper = SeriesKeeper(feed=other, history=history)

    def telling(symbol: str, perpetual: bool) -> Callable[[Candles], None]:
        return lambda candles: around.set_other_side(symbol, candles, perpetual=perpetual)

    errands = []
    for symbol in symbols:
        watched = parse_instrument(symbol)
        is_thing = not watched.settle
        name = (perpetual_of(watched) if is_thing else spot_of(watched)).symbol
        tell = telling(symbol, is_thing)
        run = _Company(name=name, feed=other, keeper=keeper, around=around, tell=tell)
        errands.append(Errand(name=f"basis of {symbol}", run=run, offset_ms=settle_ms // 2, optional=True))
    return errands
