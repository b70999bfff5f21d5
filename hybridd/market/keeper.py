"""Keeps the closed candles of every watched series up to date: fetches what is missing, trusts only what passes."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from msgspec import Struct, structs

from hybridd.errors import FeedError
from hybridd.market.feed import Feed
from hybridd.market.quality import Incident, IncidentKind, Inspected, gap_incident, gaps, inspect, new_gaps
from hybridd.model.candle import Candles, no_candles
from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import TimeFrame

OVERLAP = 3
"""Closed candles asked for again each time, so that a revision by the source is seen."""
REFETCHES = 4
"""Gaps asked for again in one update; the others wait for the next, so that a ragged history cannot stall a cycle."""

MISSED = 2
"""Histories of candles that are made up for at least, each candle with a whole history up to it."""

Gap = tuple[int, int]


class Update(Struct, frozen=True, kw_only=True):
    """What an update brought. `fresh`: closed candles that were not known before, oldest first.

    `expected_close`: when the newest candle that can have closed did (ms UTC, the source's clock); `behind`: the
    series ends before that. `missed`: how many of the fresh candles followed on what was known, 0 at the beginning.
    `short_until`: candles that closed by then have too little before them to be judged; -1 where none is such.
    """

    candles: Candles
    fresh: Candles
    incidents: tuple[Incident, ...]
    expected_close: int
    behind: bool
    missed: int = 0
    short_until: int = -1


@dataclass(slots=True)
class _Series:
    """One series: `reach` is the history it was fetched for (0: never), `unasked` the gaps to ask for once more.

    `missed` and `short_until` as in Update, of the candles as they are.
    """

    candles: Candles
    lock: threading.Lock = field(default_factory=threading.Lock)
    reach: int = 0
    unasked: set[Gap] = field(default_factory=set)
    missed: int = 0
    short_until: int = -1


class _Ask(Struct, frozen=True):
    """What one update is for; `expected` is the close of the newest candle that can have closed, ms UTC."""

    instrument: Instrument
    timeframe: TimeFrame
    expected: int
    history: int


class SeriesKeeper:
    """The closed candles of each (instrument, time frame), `history` of them; safe to use from many threads.

    After an absence there are more until the next update: what was missed, and a history up to each candle of that, so
    that it is judged as it would have been in time.
    """

    def __init__(self, *, feed: Feed, history: int) -> None:
        if history < 1:
            raise ValueError(f"history must be at least 1 candle, not {history}")
        self._feed = feed
        self._history = history
        self._series: dict[tuple[str, int], _Series] = {}
        self._lock = threading.Lock()

    def seed(self, instrument: Instrument, timeframe: TimeFrame, candles: Candles) -> None:
        """Start a series from candles kept earlier; gaps inside them are taken as known."""
        if candles.step != timeframe.ms:
            raise ValueError(f"candles of {candles.step} ms cannot seed a series of {timeframe}")
        series = self._of(instrument, timeframe)
        with series.lock:
            series.candles = _newest(candles, self._history)
            series.reach = 0
            series.unasked.clear()

    def update(self, instrument: Instrument, timeframe: TimeFrame, limit_history: int | None = None) -> Update:
        """Fetch what has closed since the last candle known; all of the history the first time.

        Makes no request when no further candle can have closed. `limit_history` keeps this series shorter than the
        others. Raises what the feed raises; the series then stays as it was.
        """
        series, history = self._of(instrument, timeframe), limit_history or self._history
        with series.lock:
            now = self._feed.now()
            expected = timeframe.open_at(now)
            if series.reach >= history and series.candles.last_close >= expected:
                return _update(series, no_candles(timeframe.ms), (), expected)
            ask = _Ask(instrument, timeframe, expected, history)
            series.candles = _newest(series.candles, ask.history)
            since = _since(series, ask)
            rows = self._feed.rows(instrument, timeframe, since, (ask.expected - since) // timeframe.ms + 1)
            after = self._feed.now()
            # A candle may close while the answer travels: it counts as closed, but nobody is late with it yet.
            if not 0 <= after - now < timeframe.ms:
                ask = structs.replace(ask, expected=timeframe.open_at(after))
            # After too long an absence nothing of what was known is part of the history any more.
            known = series.candles if series.candles.last_close >= since else no_candles(timeframe.ms)
            seen = inspect(rows, timeframe=timeframe, now=after, known=known)
            return self._settle(series, ask, known, seen)

    def _of(self, instrument: Instrument, timeframe: TimeFrame) -> _Series:
        key = (instrument.symbol, timeframe.ms)
        with self._lock:
            if key not in self._series:
                self._series[key] = _Series(no_candles(timeframe.ms))
            return self._series[key]

    def _settle(self, series: _Series, ask: _Ask, before: Candles, seen: Inspected) -> Update:
        """Ask for the gaps once more, keep what came, and tell what is new."""
        incidents = [i for i in seen.incidents if i.kind is not IncidentKind.GAP]
        found = {(i.open_time, i.count) for i in seen.incidents if i.kind is IncidentKind.GAP}
        series.unasked |= found
        filled = self._ask_again(series, ask, seen.candles, incidents)
        missed = len(filled) - filled.count_closed_by(before.last_close) if len(before) else 0
        lost = len(series.candles) > len(before)
        count = ask.history * (1 + MISSED) if lost else ask.history + max(0, missed - 1)
        series.candles = candles = _newest(filled, count)
        series.reach = ask.history
        series.unasked = {gap for gap in series.unasked if len(candles) and gap[0] > candles.open_time[0]}
        at_once = filled is seen.candles  # as nearly always: nothing more came when gaps were asked for
        fresh = seen.fresh if at_once and _begins_in(candles, seen.fresh) else _fresh(candles, before)
        if found or not at_once:
            incidents += new_gaps(candles, before, fresh)
        incidents += _healed(_holes(before, fresh), fresh) + _healed(found, candles)
        named = tuple(replace(i, symbol=ask.instrument.symbol, timeframe=ask.timeframe.text) for i in incidents)
        series.missed = len(candles) if lost else missed
        series.short_until = int(candles.open_time[min(ask.history, len(candles)) - 1]) if lost and len(candles) else -1
        return _update(series, fresh, named, ask.expected)

    def _ask_again(self, series: _Series, ask: _Ask, candles: Candles, incidents: list[Incident]) -> Candles:
        """The candles with what a second request for their newest gaps gave. A gap that it confirms stays one."""
        for gap in sorted(series.unasked, reverse=True)[:REFETCHES]:
            try:
                rows = self._feed.rows(ask.instrument, ask.timeframe, gap[0], gap[1])
            except FeedError:
                break  # the gap stays unasked: the next update tries it again, and what has come is kept
            series.unasked.discard(gap)
            seen = inspect(rows, timeframe=ask.timeframe, now=self._feed.now(), known=candles)
            incidents += [i for i in seen.incidents if i.kind is not IncidentKind.GAP]
            candles = seen.candles
        return candles


def _update(series: _Series, fresh: Candles, incidents: tuple[Incident, ...], expected: int) -> Update:
    return Update(
        candles=series.candles,
        fresh=fresh,
        incidents=incidents,
        expected_close=expected,
        behind=series.candles.last_close < expected,
        missed=series.missed,
        short_until=series.short_until,
    )


def _newest(candles: Candles, count: int) -> Candles:
    return candles[len(candles) - count :] if len(candles) > count else candles


def _since(series: _Series, ask: _Ask) -> int:
    """From when on to ask: the whole history unless it is there, else a few candles before the last."""
    step, known = ask.timeframe.ms, series.candles
    if not len(known):
        return ask.expected - ask.history * step
    missed = (ask.expected - known.last_close) // step
    if missed > MISSED * ask.history:
        return ask.expected - (1 + MISSED) * ask.history * step
    oldest = ask.expected - (ask.history + max(0, missed - 1)) * step
    if series.reach < ask.history and known.open_time[0] > oldest:
        return oldest
    return int(known.open_time[-1]) - (OVERLAP - 1) * step


def _begins_in(candles: Candles, fresh: Candles) -> bool:
    """Whether those of the fresh ones that came first are among the candles that are kept."""
    return not len(fresh) or (len(candles) > 0 and fresh.open_time.item(0) >= candles.open_time.item(0))


def _fresh(candles: Candles, before: Candles) -> Candles:
    """Those of `candles` that are not in `before`, of which they hold every one since their own first."""
    older = int(candles.open_time.searchsorted(before.last_close))
    # As nearly always: nothing came between those that were known.
    if not older or older == len(before) - int(before.open_time.searchsorted(candles.open_time[0])):
        return candles[older:]
    return candles.masked(~before.holds(candles.open_time))


def _holes(before: Candles, fresh: Candles) -> list[Gap]:
    """The gaps that were known and that something fresh may lie in."""
    return gaps(before) if len(fresh) and fresh.open_time[0] < before.last_close else []


def _healed(holes: Iterable[Gap], arrived: Candles) -> list[Incident]:
    """One incident for each hole in which candles have arrived."""
    incidents = []
    for start, count in holes:
        inside = arrived.since(start).closed_by(start + count * arrived.step)
        if len(inside):
            at = int(inside.open_time[0])
            incidents.append(gap_incident(at, len(inside), arrived.step, IncidentKind.GAP_FILLED))
    return incidents
