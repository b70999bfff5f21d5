"""Collect: the candles of every watched symbol, each on its own, so that one in trouble holds up no other."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np

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

log = logging.getLogger("hybridd.collect")

HIGHER_HISTORY = 300
"""Candles kept of each higher time frame: twice what the timeframes layer looks back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a symbol's source gave: a market, or the error; `behind` says that the newest candle has not come yet."""

    text: str
    market: Market | None = None
    fresh: dict[str, Candles] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    expected_close: int = 0
    behind: bool = False
    error: FeedError | None = None


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
    ) -> None:
        """`stored` gives the candles kept from earlier days, so that a restart asks only for what is new."""
        self._feed, self._keeper, self._backoff, self._clock, self._stored = feed, keeper, backoff, clock, stored
        self._timeframe = timeframe
        self._instruments: dict[str, Instrument] = {}
        self._said: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="collect")

    def due(self, texts: Sequence[str]) -> list[str]:
        """Those that may be asked for now."""
        now = self._clock.monotonic()
        return [text for text in texts if self._backoff.due(text, now)]

    def gather(self, texts: Sequence[str]) -> Iterator[list[Collected]]:
        """Batches of symbols as they come in: a slow one delays none that is ready."""
        pending: set[Future[Collected]] = {self._pool.submit(self._one, text) for text in texts}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield [future.result() for future in done]

    def close(self) -> None:
        """Stop asking; requests under way end by their own time-out."""
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
        updates = {self._timeframe.text: base, **self._higher(instrument)}
        return Collected(
            text=text,
            market=Market(
                instrument=instrument,
                candles=base.candles,
                higher={name: u.candles for name, u in updates.items() if name != self._timeframe.text},
            ),
            fresh={name: kept for name, u in updates.items() if len(kept := _to_keep(u))},
            incidents=tuple(incident for u in updates.values() for incident in u.incidents),
            expected_close=base.expected_close,
            behind=base.behind,
        )

    def _enter(self, text: str) -> Instrument:
        instrument = self._feed.instrument(text)
        for frame in (self._timeframe, *higher_than(self._timeframe)):
            self._keeper.seed(instrument, frame, self._stored(instrument, frame))
        self._instruments[text] = instrument
        return instrument

    def _say_once(self, what: str, line: str) -> None:
        # An exchange that lacks a time frame lacks it at every cycle: said once, it is news; repeated, it is noise.
        if what not in self._said:
            self._said.add(what)
            log.warning("%s", line)

    def _higher(self, instrument: Instrument) -> dict[str, Update]:
        found: dict[str, Update] = {}
        for frame in higher_than(self._timeframe):
            try:
                found[frame.text] = self._keeper.update(instrument, frame, HIGHER_HISTORY)
            except (FeedUnavailable, RateLimited) as error:
                # The layer that reads this frame abstains when it grows too old: the others need not wait.
                self._say_once(
                    f"{instrument} {frame} {type(error).__name__}", f"{instrument}: no {frame} candles: {error}"
                )
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
