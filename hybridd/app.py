"""The composition root: settings in, a working hybridd out. The only file that names concrete feeds and channels."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hybridd.brokerage import desk_of, quotes_of
from hybridd.channels import channels_of
from hybridd.clock import Clock, SystemClock
from hybridd.config.check import secret_words
from hybridd.config.schema import Settings
from hybridd.daemon.companion import Companion
from hybridd.daemon.journal import register_secret
from hybridd.daemon.lock import InstanceLock
from hybridd.delivery.channel import Channel
from hybridd.errors import ConfigError
from hybridd.market.backoff import Backoff
from hybridd.market.derivatives import PERPETUALS_AT
from hybridd.market.exchange import ExchangeFeed
from hybridd.market.feed import Feed
from hybridd.market.keeper import SeriesKeeper
from hybridd.market.mixed import MixedFeed
from hybridd.market.publication import PUBLICATIONS, stale_after
from hybridd.market.recorded import RecordedFeed
from hybridd.market.simulated import SimulatedFeed
from hybridd.model.candle import Candles
from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import TimeFrame
from hybridd.pipeline import overrides
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.charts import Charts
from hybridd.pipeline.collect import HIGHER_HISTORY, Collector
from hybridd.pipeline.context_parts import Context, context_parts
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.health import HealthBook
from hybridd.pipeline.parts import Parts
from hybridd.pipeline.restrain import Restraint
from hybridd.pipeline.rules import restraint_of, rules_of
from hybridd.pipeline.service import Service
from hybridd.pipeline.surroundings import Drawer, Surroundings, empty_drawer
from hybridd.pipeline.watch import CycleReport, Watch
from hybridd.pipeline.web_settings import tell_the_web
from hybridd.store.answer_key import answer_key
from hybridd.store.store import Store, open_store

log = logging.getLogger("hybridd.app")

CONTEXT_PATIENCE_S = 15.0
"""How long somebody who wants one analysis now waits for the inputs beyond candles."""


def feed_of(settings: Settings, clock: Clock) -> Feed:
    """The source of candles that the settings name. Nothing outside of this machine is asked yet."""
    market = settings.market
    if market.source == "simulated":
        return SimulatedFeed(clock=clock, seed=market.seed, timeframe=settings.monitor.timeframe)
    if market.source == "recorded":
        return RecordedFeed(folder=Path(market.path), clock=clock)
    perpetuals = {bool(instrument.settle) for instrument in settings.instruments}
    feeds = {
        perpetual: ExchangeFeed(
            exchange=market.exchange,
            market_type="swap" if perpetual else "spot",
            base_url=market.base_url,
            clock=clock,
        )
        for perpetual in perpetuals
    }
    return MixedFeed(spot=feeds[False], swap=feeds[True]) if len(feeds) == 2 else next(iter(feeds.values()))


def assemble(settings: Settings, store: Store, clock: Clock, given: Sequence[Channel] | None = None) -> Parts:
    """All parts that the settings decide, ready to be scheduled; `given` channels in place of those that they name."""
    for word in secret_words(settings):
        register_secret(word)
    rules = rules_of(settings, key=answer_key(store.path))
    feed = feed_of(settings, clock)
    symbols = list(dict.fromkeys(instrument.symbol for instrument in settings.instruments))
    context = context_of(settings, feed, clock, symbols, store)
    found = channels_of(settings, store, clock) if given is None else given
    channels = {channel.name: channel.recipients for channel in found}
    zone, simulated = settings.alerts.timezone, feed.simulated
    restraint = Restraint(
        store=store,
        rules=restraint_of(settings),
        routes=rules.routes,
        channels=channels,
        zone=zone,
        simulated=simulated,
    )
    couriers = couriers_of(settings, store, clock, found, restraint, rules.trading.key)
    analyst = analyst_of(settings)
    watch = Watch(
        store=store,
        feed=feed,
        collector=_collector(settings, store, feed, clock, context.around),
        analyst=analyst,
        rules=rules,
        symbols=symbols,
        timeframe=settings.monitor.timeframe,
        channels=channels,
        clock=clock,
        settle_ms=round(settings.monitor.settle_seconds * 1000),
    )
    watch.unfed = analyst.unfed(context.around.supplied)
    health = HealthBook(store=store, routes=rules.routes, channels=channels, clock=clock, simulated=simulated)
    return Parts(
        settings=settings,
        rules=rules,
        feed=feed,
        watch=watch,
        context=context,
        couriers=couriers,
        health=health,
        channels=channels,
        source=feed.name,
        settle_ms=round(settings.monitor.settle_seconds * 1000),
        ping_url=settings.health.ping_url.get_secret_value(),
        skew_ms=_skew_of(feed),
        desk=desk_of(settings, store, feed, clock, rules.trading, rules.routes, channels),
        quotes=quotes_of(store, feed, clock),
    )


def couriers_of(
    settings: Settings, store: Store, clock: Clock, channels: Sequence[Channel], restraint: Restraint, key: bytes
) -> list[Courier]:
    """One for each channel."""
    zone, rules = settings.alerts.timezone, settings.analysis
    blocked: set[str] = set()
    charts = Charts(store=store, clock=clock, zone=zone, thresholds=(rules.short_threshold, rules.long_threshold))
    return [
        Courier(
            store=store,
            channel=channel,
            clock=clock,
            zone=zone,
            public_url=settings.dashboard.public_url,
            charts=charts,
            blocked=blocked,
            restraint=restraint,
            key=key,
        )
        for channel in channels
    ]


def drawer_of(settings: Settings, store: Store | None) -> Drawer:
    """Where the context is kept; nowhere without a store."""
    frame, history = settings.monitor.timeframe, settings.market.history
    if store is None:
        return empty_drawer(frame)
    return Drawer(
        load=lambda name, symbol: store.context.load(
            name, symbol, PUBLICATIONS[name].history, stale_after=stale_after(name, frame.ms)
        ),
        save=store.context.save_many,
        load_candles=lambda market, frame: store.candles.load(market.symbol, frame.text, frame.ms, history),
        save_candles=lambda market, frame, candles: store.candles.save(market.symbol, frame.text, candles),
    )


def context_of(settings: Settings, feed: Feed, clock: Clock, symbols: Sequence[str], store: Store | None) -> Context:
    """What lies around the watched markets, and the worker that fetches it. Nobody is asked yet."""
    sides = _sides(settings, feed, clock)
    market = MixedFeed(spot=sides[False], swap=sides[True]) if sides else feed
    return context_parts(settings, feed, sides, market, symbols, drawer_of(settings, store), clock)


def _sides(settings: Settings, feed: Feed, clock: Clock) -> Mapping[bool, ExchangeFeed]:
    """The exchange's things (False) and its perpetuals (True): feeds that are there already, and new ones."""
    market = settings.market
    sides = {}
    if isinstance(feed, MixedFeed):
        sides = {False: feed.spot, True: feed.swap}
    elif isinstance(feed, ExchangeFeed):
        sides = {any(instrument.settle for instrument in settings.instruments): feed}
    found = {perpetual: side for perpetual, side in sides.items() if isinstance(side, ExchangeFeed)}
    for perpetual in {False, True} - found.keys() if found else ():
        found[perpetual] = ExchangeFeed(
            exchange=PERPETUALS_AT.get(market.exchange, market.exchange) if perpetual else market.exchange,
            market_type="swap" if perpetual else "spot",
            base_url=market.base_url,
            clock=clock,
        )
    return found


def _collector(settings: Settings, store: Store, feed: Feed, clock: Clock, around: Surroundings) -> Collector:
    base, history = settings.monitor.timeframe, settings.market.history

    def stored(instrument: Instrument, frame: TimeFrame) -> Candles:
        limit = history if frame == base else HIGHER_HISTORY
        return store.candles.load(instrument.symbol, frame.text, frame.ms, limit)

    return Collector(
        feed=feed,
        keeper=SeriesKeeper(feed=feed, history=history),
        backoff=Backoff(seed=str(os.getpid())),
        clock=clock,
        timeframe=base,
        stored=stored,
        around=around,
    )


def _skew_of(feed: Feed) -> Callable[[], int | None]:
    feed = feed.spot if isinstance(feed, MixedFeed) else feed
    if isinstance(feed, ExchangeFeed):
        return lambda: feed.offset_ms if feed.offset_known else None
    return lambda: None


def database_url(settings: Settings) -> str:
    """Where the state lives."""
    return settings.database.url.get_secret_value()


def read_settings(path: Path | None, *, need_secrets: bool = True) -> Settings:
    """The settings as the daemon sees them; raises ConfigError with a line for each problem."""
    return overrides.read(path, os.environ, need_secrets=need_secrets)


def daemon_settings(path: Path | None) -> Settings:
    """The same, with what is doubtful about them told in the journal."""
    found = overrides.looked_at(path, os.environ)
    settings = found.settings or read_settings(path)
    for problem in found.problems:
        log.warning("settings: %s", problem)
    tell_the_web(path, os.environ, database_url(settings))
    return settings


@contextmanager
def hold(store: Store) -> Iterator[None]:
    """Be the only daemon on this state; raises InstanceRunning where there is one already."""
    if not store.path:
        yield
        return
    with InstanceLock(Path(f"{store.path}.lock")):
        yield


def run_service(
    settings: Settings, again: Callable[[], Settings], clock: Clock | None = None, beside: Companion | None = None
) -> bool:
    """The daemon, until it is told to end; False when a thread is left that waits for somebody outside.

    `again` reads the settings anew at a reload; `beside` runs from READY to the end.
    """
    clock = clock or SystemClock()
    store = open_store(database_url(settings), clock=clock)

    def reassemble() -> Parts:
        fresh = again()
        if database_url(fresh) != database_url(settings):
            raise ConfigError("database.url changed", remedy="restart hybridd: a running daemon keeps its state")
        return assemble(fresh, store, clock)

    ended = True
    try:
        with hold(store):
            parts = assemble(settings, store, clock)
            ready = beside.start if beside else lambda: None
            service = Service(
                parts=parts, store=store, clock=clock, assemble=reassemble, environ=os.environ, on_ready=ready
            )
            ended = service.run()
            return ended
    finally:
        if beside:
            beside.stop()
        # A connection that a thread still works with must not be closed under it: SQLite would crash the process.
        if ended:
            store.close()


def run_once(settings: Settings) -> CycleReport:
    """One cycle over all symbols and one attempt at every delivery that is due."""
    clock = SystemClock()
    store = open_store(database_url(settings), clock=clock)
    try:
        with hold(store):
            store.outbox.recover(clock.now())
            parts = assemble(settings, store, clock)
            try:
                parts.context.gather(CONTEXT_PATIENCE_S)
                report = parts.watch.cycle()
                while sum([courier.drain() for courier in parts.couriers]):
                    pass  # what one hands over to the next step, another has to send
                return report
            finally:
                parts.close()
    finally:
        store.close()
