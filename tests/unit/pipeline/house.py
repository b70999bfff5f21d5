"""The watch, its couriers and its health on a clock that is driven: real parts, a feed that fails on script."""

import contextlib
import sqlite3
from collections import deque

from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import UnknownSymbol
from hybridd.market.backoff import Backoff
from hybridd.market.keeper import SeriesKeeper
from hybridd.model.alert import Alert
from hybridd.model.candle import Candles, resample
from hybridd.model.change import Change, Reason, Severity, Verdict
from hybridd.model.instrument import nearest, parse_instrument
from hybridd.model.reading import Reading
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.collect import HIGHER_HISTORY, Collector
from hybridd.pipeline.conditions import Scene, conditions, undecided
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.health import HealthBook
from hybridd.pipeline.observe import Opinion, Rules
from hybridd.pipeline.record import post
from hybridd.pipeline.watch import Watch
from hybridd.store.store import open_store
from tests.makers import STEP, T0
from tests.recorded_candles import walk

FRAME = parse_timeframe("5m")
READY = 100
"""Candles of a made-up market that have closed when a house opens."""
TTL = 900_000


def route(*channels, after=(0,)):
    steps = tuple(Step(after_ms=ms, channels=channels) for ms in after)
    return Route(severities=frozenset(Severity), steps=steps)


def rules(*channels, **changes):
    return Rules(routes=(route(*channels or ("memory",)),), **changes)


class ScriptFeed:
    """Made-up candles of some markets; `trouble` holds what the next requests for a market raise, None for nothing."""

    name, simulated = "script", False

    def __init__(self, clock, markets):
        self.clock, self.markets = clock, dict(markets)
        self.trouble = {symbol: deque() for symbol in self.markets}
        self.lag = {}
        self.asked = []

    def now(self):
        return self.clock.now()

    def instrument(self, text):
        found = parse_instrument(text)
        if found.symbol not in self.markets:
            near = nearest(text, self.markets)
            raise UnknownSymbol(f'there is no "{text}"', nearest=near, remedy=f"did you mean {near}?")
        return found

    def rows(self, instrument, timeframe, since, limit):
        symbol = instrument.symbol
        self.asked.append((symbol, timeframe.text))
        if self.trouble[symbol]:
            error = self.trouble[symbol].popleft()
            if error is not None:
                raise error
        base = self.markets[symbol].closed_by(self.now() - self.lag.get(symbol, 0))
        made = base if timeframe.ms == base.step else resample(base, timeframe.ms)
        part = made.since(since)[:limit]
        columns = (part.open_time, part.open, part.high, part.low, part.close, part.volume)
        return list(zip(*(column.astype(float).tolist() for column in columns), strict=True))

    def revise(self, symbol, index, close):
        """The source corrects a candle."""
        old = self.markets[symbol]
        closes = old.close.copy()
        closes[index] = close
        high, low = old.high.copy(), old.low.copy()
        high[index], low[index] = max(high[index], close), min(low[index], close)
        self.markets[symbol] = Candles(old.step, old.open_time, old.open, high, low, closes, old.volume)

    def close(self):
        pass


class Said:
    """A brain that says what `score` gives for a candle's close; None: it has no opinion. `errors` come first."""

    def __init__(self, score=lambda _: 50.0, *, cheap=True, confidence=0.5, readings=()):
        self.score, self.cheap, self.confidence, self.readings = score, cheap, confidence, readings
        self.errors = deque()
        self.asked = []

    def opinions(self, market, after, *, explain=True):
        if self.errors:
            error = self.errors.popleft()
            if error is not None:
                raise error
        c = market.candles
        columns = (c.close_time.tolist(), c.close.tolist(), c.high.tolist(), c.low.tolist())
        for close_time, price, high, low in zip(*columns, strict=True):
            if close_time <= after:
                continue
            self.asked.append((market.instrument.symbol, close_time))
            score = self.score(close_time)
            if score is not None:
                yield Opinion(
                    candle_close=close_time, price=price, high=high, low=low, score=score, confidence=self.confidence,
                    agreeing=1, answered=1, layers=1, degraded=False, readings=self.readings,
                )  # fmt: skip

    def failures(self):
        return {}

    def layer_values(self, market):
        return {}


WORDY = (Reading(layer="wordy", score=50.0, weight=1.0, reason="x" * 50_000),)


def path_of_scores(*scores):
    """One score a candle from the first close after the start on; the last one stays."""
    return lambda close: 50.0 if close <= T0 else scores[min((close - T0) // STEP - 1, len(scores) - 1)]


class House:
    """One daemon's worth of parts. `restart` forgets all that is not in the state."""

    def __init__(
        self, folder, *, symbols=("BTC/USDT",), brain=None, frame=FRAME, channels=None, history=READY, **changes
    ):
        self.path = folder / "state.db"
        self.clock = ManualClock(T0)
        start = T0 - READY * frame.ms
        known = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
        candles = {name: walk(READY + 400, seed=i, step=frame.ms, start=start) for i, name in enumerate(known)}
        self.feed = ScriptFeed(self.clock, candles)
        self.brain = brain or Said()
        self.channels = channels or [MemoryChannel()]
        self.rules = rules(*(c.name for c in self.channels), **changes)
        self.symbols, self.frame, self.history = list(symbols), frame, history
        self.skew = 0
        self.watch = self.store = None
        self.restart()

    @property
    def channel(self):
        return self.channels[0]

    def restart(self):
        self.close()
        self.store = store = open_store(f"sqlite:///{self.path}", clock=self.clock, busy_seconds=0.05)
        store.outbox.recover(self.clock.now())
        self.reload()

    def reload(self):
        if self.watch is not None:
            self.watch.close()
        store, addresses = self.store, {c.name: c.recipients for c in self.channels}
        self.collector = Collector(
            feed=self.feed, keeper=SeriesKeeper(feed=self.feed, history=self.history), backoff=Backoff(),
            clock=self.clock, timeframe=self.frame, stored=self._stored,
        )  # fmt: skip
        self.watch = Watch(
            store=store, feed=self.feed, collector=self.collector, analyst=self.brain, rules=self.rules,
            symbols=self.symbols, timeframe=self.frame, channels=addresses, clock=self.clock,
        )  # fmt: skip
        self.couriers = [Courier(store=store, channel=c, clock=self.clock, zone="UTC") for c in self.channels]
        self.book = HealthBook(
            store=store, routes=self.rules.routes, channels=addresses, clock=self.clock, simulated=False
        )

    def _stored(self, instrument, frame):
        limit = self.history if frame == self.frame else HIGHER_HISTORY
        return self.store.candles.load(instrument.symbol, frame.text, frame.ms, limit)

    def candles(self, count=1, deliver=True):
        """Let `count` candles close, each with a cycle; the alerts that came of them."""
        return [alert for _ in range(count) for alert in self._candle(deliver)]

    def _candle(self, deliver):
        self.clock.advance(self.frame.ms)
        return self.again(deliver)

    def again(self, deliver=True):
        alerts = self.watch.cycle().alerts
        if deliver:
            self.deliver()
        return alerts

    def patiently(self, tries=8):
        """Cycle as the schedule does while somebody waits: a minute between two tries, no candle's worth in all."""
        for _ in range(tries):
            report = self.watch.cycle()
            if not report.waiting:
                return report
            self.clock.advance(61_000)
        return report

    def deliver(self):
        for courier in self.couriers:
            courier.round(lambda: False)

    def scene(self, **changes):
        facts = {
            "store": self.store, "watch": self.watch, "couriers": self.couriers, "clock": self.clock,
            "feed_now": self.feed.now, "settle_ms": 2_000, "skew_ms": lambda: self.skew,
        }  # fmt: skip
        return Scene(**{**facts, **changes})

    def tick(self, **changes):
        """What the housekeeper does every ten seconds, told as (reason, subject, begins or is over)."""
        scene = self.scene(**changes)
        made = self.book.reconcile(conditions(scene), undecided(scene))
        return [(a.reasons[0].value, a.subject, "is over" if a.resolves else "begins") for a in made]

    def closes(self, symbol="BTC/USDT"):
        return [a.candle_close for a in self.store.analyses.between(symbol, self.frame.text, 0, 2**62)]

    def titles(self):
        return [message.title for message in self.channel.sent]

    @contextlib.contextmanager
    def locked(self):
        """Another process writes, and does not end."""
        other = sqlite3.connect(self.path)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()

    @contextlib.contextmanager
    def full(self):
        """The disk has no page left for the state; the brain must be wordy, or its words fit into the last one."""
        cursor = self.store._database.engine.cursor
        pages = cursor().execute("PRAGMA page_count").fetchone()[0]
        cursor().execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            cursor().execute("PRAGMA max_page_count = 1073741823")

    def close(self):
        if self.watch is not None:
            self.watch.close()
        if self.store is not None:
            self.store.close()


def put(store, now, *, channels, reason=Reason.TEST, key="a", after=(0,), lives=TTL):
    """An alert in the outbox, with its change; its id."""
    change = Change(subject="hybridd", reason=reason, at=now, before=None, after=None)
    alert = Alert(key=key, subject="hybridd", created_at=now, expires_at=now + lives, changes=(change,))
    addresses = {c.name: c.recipients for c in channels}
    with store.transaction():
        stored = post(store, alert, (route(*addresses, after=after),), addresses, now)
        store.changes.add(Verdict(change=change), analysis_id=None, alert_id=stored.id)
    return stored.id
