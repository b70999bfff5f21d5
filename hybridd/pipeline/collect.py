"""Collect: the candles of every watched symbol, each on its own, so that one in trouble holds up no other."""

import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue

import numpy as np
from msgspec import Struct, field

from hybridd.clock import Clock
from hybridd.errors import FeedError, FeedUnavailable, RateLimited, UnknownSymbol
from hybridd.market.backoff import Backoff
from hybridd.market.feed import Feed
from hybridd.market.keeper import SeriesKeeper, Update
from hybridd.market.quality import Incident, IncidentKind
from hybridd.model.candle import Candles
from hybridd.model.instrument import Instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import TimeFrame, higher_than
from hybridd.pipeline.surroundings import Surroundings

log = logging.getLogger("hybridd.collect")

GLANCE_S = 0.5
"""How often somebody who waits for candles looks whether the collector has been closed."""
HIGHER_HISTORY = 300
"""Candles kept of each higher time frame: twice what the timeframes layer looks back."""


class Collected(Struct, frozen=True, kw_only=True):
    """What a symbol's source gave: a market, or the error; `behind` says that the newest candle has not come yet.

    `short_until`: candles that closed by then cannot be judged, -1 where all can (`Update`).
    `fresh` and `incidents` are all that has come and that nobody has said to be in the state (`Collector.kept`).
    """

    text: str
    market: Market | None = None
    fresh: dict[str, Candles] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    expected_close: int = 0
    short_until: int = -1
    behind: bool = False
    error: FeedError | None = None


@dataclasses.dataclass(slots=True)
class _Owed:
    """What has come of a symbol and is not known to be in the state yet."""

    fresh: dict[str, Candles] = dataclasses.field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()


class Collector:
    """Fetches symbols side by side, each with its own back-off."""

    def __init__(
        self,
        *,
        feed: Feed,
        keeper: SeriesKeeper,
        backoff: Backoff,
        clock: Clock,
        timeframe: TimeFrame,
        stored: Callable[[Instrument, TimeFrame], Candles],
        around: Surroundings | None = None,
    ) -> None:
        """`stored` gives the candles kept from earlier days, so that a restart asks only for what is new.

        `around` is what others fetch: it is taken as it is at that moment, and never waited for.
        """
        self._feed, self._keeper, self._backoff, self._clock, self._stored = feed, keeper, backoff, clock, stored
        self._timeframe, self._around = timeframe, around
        self._instruments: dict[str, Instrument] = {}
        self._said: set[str] = set()
        self._owed: dict[str, _Owed] = {}
        self._lock, self._closed = threading.Lock(), False
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="collect")

    def due(self, texts: Sequence[str]) -> list[str]:
        """Those that may be asked for now."""
        now = self._clock.monotonic()
        return [text for text in texts if self._backoff.due(text, now)]

    def wait(self, text: str, now: float) -> float:
        """Seconds until a symbol may be asked for; `now` is the monotonic time."""
        return self._backoff.wait(text, now)

    def gather(self, texts: Sequence[str]) -> Iterator[list[Collected]]:
        """Batches of symbols as they come in: a slow one delays none that is ready.

        An error that is not the feed's is raised at the end, when the other symbols have had their turn.
        """
        ready: SimpleQueue[Future[Collected]] = SimpleQueue()
        with self._lock:
            pending = [self._pool.submit(self._one, text) for text in texts if not self._closed]
        for future in pending:
            future.add_done_callback(ready.put)
        left, broken = len(pending), list[BaseException]()
        while left and not self._closed:
            done = _all_in(ready)
            left -= len(done)
            finished = [future for future in done if not future.cancelled()]  # as close() does with what waits
            broken += [error for future in finished if (error := future.exception())]
            yield [future.result() for future in finished if not future.exception()]
        if broken:
            raise broken[0]

    def kept(self, collected: Collected) -> None:
        """Say that candles and incidents are in the state; until then every answer brings them again."""
        with self._lock:
            owed = self._owed[collected.text]
            for frame, candles in collected.fresh.items():
                if owed.fresh.get(frame) is candles:
                    del owed.fresh[frame]
            owed.incidents = owed.incidents[len(collected.incidents) :]

    def close(self) -> None:
        """Stop asking; requests under way end by their own time-out."""
        with self._lock:
            self._closed = True
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._feed.close()

    def _one(self, text: str) -> Collected:
        try:
            collected = self._fetch(text)
        except FeedError as error:
            self._backoff.failed(text, self._clock.monotonic(), _pause(error))
            return Collected(text=text, error=error)
        if collected.behind:
            self._backoff.failed(text, self._clock.monotonic())
        else:
            self._backoff.succeeded(text)
        return collected

    def _fetch(self, text: str) -> Collected:
        instrument = self._instruments.get(text) or self._enter(text)
        base = self._keeper.update(instrument, self._timeframe)
        self._owe(text, self._timeframe, base)
        higher = self._higher(text, instrument, base.missed)
        with self._lock:
            owed = self._owed[text]
            fresh, incidents = dict(owed.fresh), owed.incidents
        return Collected(
            text=text,
            market=Market(
                instrument=instrument,
                candles=base.candles,
                higher={name: u.candles for name, u in higher.items()},
                benchmarks=self._around.benchmarks() if self._around else {},
                context=self._around.context(text, base.candles) if self._around else {},
            ),
            fresh=fresh,
            incidents=incidents,
            expected_close=base.expected_close,
            short_until=base.short_until,
            behind=base.behind,
        )

    def _owe(self, text: str, frame: TimeFrame, update: Update) -> None:
        # The keeper tells of a candle once. Whatever breaks between here and the commit, it must reach the state:
        # a hole there would be taken for the market's own at the next start.
        new = _to_keep(update)
        if not update.incidents and not len(new):
            return
        with self._lock:
            owed = self._owed[text]
            owed.incidents += update.incidents
            if len(new):
                before = owed.fresh.get(frame.text)
                owed.fresh[frame.text] = new if before is None else before.joined(new)

    def _enter(self, text: str) -> Instrument:
        instrument = self._feed.instrument(text)
        for frame in (self._timeframe, *higher_than(self._timeframe)):
            self._keeper.seed(instrument, frame, self._stored(instrument, frame))
        self._owed[text], self._instruments[text] = _Owed(), instrument
        return instrument

    def _say_once(self, what: str, line: str) -> None:
        # An exchange that lacks a time frame lacks it at every cycle: said once, it is news; repeated, it is noise.
        if what not in self._said:
            self._said.add(what)
            log.warning("%s", line)

    def _higher(self, text: str, instrument: Instrument, missed: int) -> dict[str, Update]:
        found: dict[str, Update] = {}
        for frame in higher_than(self._timeframe):
            try:
                # The oldest candle that was missed must find the frame's candles of its own time.
                history = HIGHER_HISTORY + missed * self._timeframe.ms // frame.ms
                found[frame.text] = self._keeper.update(instrument, frame, history)
                self._owe(text, frame, found[frame.text])
            except (FeedUnavailable, RateLimited) as error:
                # The layer that reads this frame abstains when it grows too old: the others need not wait.
                self._say_once(
                    f"{instrument} {frame} {type(error).__name__}", f"{instrument}: no {frame} candles: {error}"
                )
        return found


def _all_in(ready: SimpleQueue[Future[Collected]]) -> list[Future[Collected]]:
    """Waits for one, at most GLANCE_S, and takes the others that are there as well: they share a transaction."""
    found = []
    try:
        found.append(ready.get(timeout=GLANCE_S))
        while True:
            found.append(ready.get_nowait())
    except Empty:
        return found


def _to_keep(update: Update) -> Candles:
    """The candles that the state does not have yet: new ones, and those that the source has corrected."""
    revised = [i.open_time for i in update.incidents if i.kind is IncidentKind.REVISION]
    if not revised:
        return update.fresh
    corrected = update.candles.masked(np.isin(update.candles.open_time, revised))
    return corrected.joined(update.fresh)


def _pause(error: FeedError) -> float | None:
    if isinstance(error, RateLimited):
        return error.retry_after
    # A symbol that does not exist may be listed one day; asking again each second would be rude.
    return 3600.0 if isinstance(error, UnknownSymbol) else None
