"""The parts that look beyond candles, as the settings want them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridd.clock import Clock
from hybridd.config.schema import Settings
from hybridd.market.context import ContextSource, Exchange
from hybridd.market.derivatives import Funding, OpenInterest
from hybridd.market.feed import Feed
from hybridd.market.indices import FearGreed, MacroSeries
from hybridd.market.order_book import OrderBook
from hybridd.pipeline.context import ContextWorker
from hybridd.pipeline.errands import benchmark_errands, other_side_errands, series_errands
from hybridd.pipeline.surroundings import Drawer, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What lies around the watched markets, the worker that fetches it, and the feeds that it asks."""

    around: Surroundings
    worker: ContextWorker
    feeds: Sequence[Feed]

    def gather(self, seconds: float) -> None:
        """Fetch everything once, waiting at most `seconds` of the wall; what has not come by then is missing."""
        self.worker.round()
        self.worker.finish(seconds)

    def close(self) -> None:
        """Begin nothing more, and let go of the feeds; safe to call twice."""
        self.worker.close()
        for feed in self.feeds:
            feed.close()


def context_parts(
    settings: Settings,
    feed: Feed,
    sides: Mapping[bool, Exchange],
    market: Feed,
    symbols: Sequence[str],
    drawer: Drawer,
    clock: Clock,
) -> Context:
    """`feed` is what is watched; `market` has its benchmarks and the other side of its markets.

    `sides`: the exchange's things (False) and its perpetuals (True); empty where the market is no exchange.
    """
    frame, history = settings.monitor.timeframe, settings.market.history
    settle_ms = round(settings.monitor.settle_seconds * 1000)
    sources = _sources(settings, sides)
    around = Surroundings(
        drawer=drawer,
        timeframe=frame,
        of_market=[name for source in sources if source.per_market for name in source.series],
        of_all=[name for source in sources if not source.per_market for name in source.series],
    )
    errands = series_errands(sources, symbols, around, frame, feed.now)
    errands += benchmark_errands(market, around, history, settle_ms)
    if settings.market.context.funding and not feed.simulated:
        errands += other_side_errands(market, symbols, around, history, settle_ms)
    worker = ContextWorker(errands=errands, timeframe=frame, now=feed.now, clock=clock, seed=str(os.getpid()))
    return Context(around=around, worker=worker, feeds=tuple(sides.values()))


def _sources(settings: Settings, sides: Mapping[bool, Exchange]) -> list[ContextSource]:
    """Those that are switched on. A market that is recorded or made up has none of today's world around it."""
    if not sides:
        return []
    wanted = settings.market.context
    perpetuals = sides[True]
    found: list[ContextSource | None] = [
        Funding(perpetuals) if wanted.funding else None,
        OpenInterest(perpetuals, settings.monitor.timeframe) if wanted.open_interest else None,
        OrderBook(lambda market: sides[bool(market.settle)]) if wanted.order_book else None,
        FearGreed(wanted.sentiment_url) if wanted.sentiment_url else None,
        MacroSeries(wanted.macro_url) if wanted.macro_url else None,
    ]
    return [source for source in found if source is not None]
