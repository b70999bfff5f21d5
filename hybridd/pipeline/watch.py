"""The watch: collect, analyze, detect and record every symbol whose candle has closed."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from hybridd.analysis.indicators import atr
from hybridd.clock import Clock
from hybridd.errors import BrainError, FeedError, StoreError, UnknownSymbol
from hybridd.market.backoff import Backoff
from hybridd.market.feed import Feed
from hybridd.market.quality import IncidentKind
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis
from hybridd.model.candle import Candles
from hybridd.model.change import Reason
from hybridd.model.silence import Circumstances
from hybridd.model.timeframe import TimeFrame
from hybridd.pipeline.analyze import Analyst
from hybridd.pipeline.collect import Collected, Collector
from hybridd.pipeline.missed import take_back
from hybridd.pipeline.observe import Observation, Origin, Past, Rules, observe
from hybridd.pipeline.past import recall
from hybridd.pipeline.record import Finding, Quarantined, record
from hybridd.pipeline.staleness import patience_ms
from hybridd.pipeline.tell import log_analysis, log_incident
from hybridd.signals.signal import next_state
from hybridd.store.store import Store

log = logging.getLogger("hybridd.watch")

BRAIN_PAUSE_S = 5.0
"""A brain that failed is asked again after up to this long, then twice as long, up to a minute."""


@dataclass(slots=True, kw_only=True)
class SymbolStatus:
    """How a symbol is doing: the newest analysis, and what is wrong with it now, if anything.

    `seen_close`: the newest candle that was worked on, whether or not anybody could say something about it;
    `last_close`: the newest candle that has an analysis. ms UTC, -1 before there is one.
    """

    text: str
    symbol: str = ""
    seen_close: int = -1
    last_close: int = -1
    analysis: Analysis | None = None
    feed_error: FeedError | None = None
    brain_error: BrainError | None = None
    broken_layers: Mapping[str, str] = field(default_factory=dict)


class CycleReport(Struct, frozen=True, kw_only=True):
    """What a cycle did: symbols that were analysed, those that must be tried again, the alerts that were made.

    `wait_s`: monotonic seconds until the first of those that wait may be asked; None where none waits.
    """

    analysed: int = 0
    waiting: tuple[str, ...] = ()
    wait_s: float | None = None
    alerts: tuple[Alert, ...] = ()
    seconds: float = 0.0


class Watch:
    """The main job. `cycle` may be called at any time: it works on what is due and leaves the rest alone."""

    def __init__(
        self,
        *,
        store: Store,
        feed: Feed,
        collector: Collector,
        analyst: Analyst,
        rules: Rules,
        symbols: Sequence[str],
        timeframe: TimeFrame,
        channels: Mapping[str, Sequence[str]],
        clock: Clock,
        settle_ms: int = 2_000,
    ) -> None:
        self._store, self._feed, self._collector, self._analyst = store, feed, collector, analyst
        self._patience_ms = patience_ms(timeframe, settle_ms)
        self._rules, self._channels, self._clock = rules, channels, clock
        self.timeframe = timeframe
        self.started_at = clock.now()
        self.unfed: frozenset[str] = frozenset()
        self.symbols = {text: SymbolStatus(text=text) for text in symbols}
        self._named: dict[str, list[SymbolStatus]] = {}
        self._past: dict[str, Past] = {}
        self._missed: frozenset[str] = frozenset()
        self._brain_pause = Backoff(base=BRAIN_PAUSE_S)

    def cycle(self, progress: Callable[[], None] = lambda: None) -> CycleReport:
        """Work on every symbol whose newest closed candle has no analysis yet.

        `progress` is called after each batch: five hundred symbols of an exchange that is down take their time, and
        whoever waits for the end must not take that for a standstill.
        """
        began = self._clock.monotonic()
        due = self._collector.due([text for text, status in self.symbols.items() if self._is_due(status)])
        self._missed = self._store.missed.subjects()
        analysed, alerts = 0, []
        for batch in self._collector.gather(due):
            findings = [finding for collected in batch if (finding := self._work(collected))]
            alerts += self._commit(batch, findings)
            analysed += sum(1 for finding in findings if finding.observations)
            progress()
        waiting = [status for status in self.symbols.values() if self._wants_work(status)]
        now = self._clock.monotonic()
        return CycleReport(
            analysed=analysed,
            waiting=tuple(status.text for status in waiting),
            wait_s=min((self._wait(status, now) for status in waiting), default=None),
            alerts=tuple(alerts),
            seconds=now - began,
        )

    def close(self) -> None:
        """Let go of the feed."""
        self._collector.close()

    def _is_due(self, status: SymbolStatus) -> bool:
        if self._has_closed(status):
            return True
        return self._wants_work(status) and self._brain_pause.due(status.text, self._clock.monotonic())

    def _wait(self, status: SymbolStatus, now: float) -> float:
        asked = self._collector.wait(status.text, now)
        return asked if self._has_closed(status) else max(asked, self._brain_pause.wait(status.text, now))

    def _wants_work(self, status: SymbolStatus) -> bool:
        # A brain that failed gets another chance at the same candle, as long as its answer would still be told.
        told_until = status.seen_close + self._rules.time_to_live_ms
        return self._has_closed(status) or (status.brain_error is not None and self._feed.now() <= told_until)

    def _has_closed(self, status: SymbolStatus) -> bool:
        return status.seen_close < self.timeframe.open_at(self._feed.now())

    def _work(self, collected: Collected) -> Finding | None:
        status = self.symbols[collected.text]
        status.feed_error = collected.error
        if collected.error is not None or collected.market is None:
            level = logging.ERROR if isinstance(collected.error, UnknownSymbol) else logging.WARNING
            log.log(level, "%s: %s", collected.text, collected.error)
            return None
        if not status.symbol:
            status.symbol = collected.market.instrument.symbol
            self._named.setdefault(status.symbol, []).append(status)
        before = self._past.get(status.symbol)
        past, taken_back = self._heard_past(status)
        observations, past = self._observe(collected, status, past)
        return Finding(
            symbol=status.symbol,
            timeframe=self.timeframe.text,
            fresh=collected.fresh,
            quarantined=[
                Quarantined(timeframe=i.timeframe, open_time=i.open_time, detail=i.detail)
                for i in collected.incidents
                if i.kind is IncidentKind.QUARANTINED
            ],
            observations=observations,
            past=past,
            moved=before is None or before.memory != past.memory,
            seen_close=collected.market.candles.last_close,
            taken_back=taken_back,
            atr=_range(collected.market.candles, observations) if self._rules.trading.making else math.nan,
        )

    def _heard_past(self, status: SymbolStatus) -> tuple[Past | None, tuple[int, ...]]:
        """What is known of a symbol; what reached nobody is not, and its alerts are named."""
        past = self._past.get(status.symbol) or recall(self._store, status.symbol, self.timeframe.text)
        if past is None or status.symbol not in self._missed:
            return past, ()
        return take_back(self._store, status.symbol, past)

    def _observe(self, collected: Collected, status: SymbolStatus, past: Past | None) -> tuple[list[Observation], Past]:
        assert collected.market is not None
        # Ages are told by the clock that closed the candles: ours may be wrong by more than an alert's time to live.
        market, now = collected.market, self._feed.now()
        last = self._last_close(status)
        origin = Origin(
            symbol=status.symbol, timeframe=self.timeframe, source=self._feed.name, simulated=self._feed.simulated
        )
        trades = self._store.trades.open_trades(status.symbol)
        circumstances = self._circumstances(market.candles.last_close, now)
        observations: list[Observation] = []
        failed: BrainError | None = None
        try:
            if past is None or last < 0:
                past, last = Past(), market.candles.last_close - self.timeframe.ms
                # At the very first analysis the signal is followed through the history, so that it starts right.
                after = -1
            else:
                # What an absence left too little history for only moves the signal, as the past does at the start.
                after, last = last, max(last, collected.short_until)
            if not self._analyst.cheap:
                # A brain that costs seconds a candle does not make up for what nobody would be told of anyway.
                after = last = max(last, now - self._rules.time_to_live_ms - 1)
            for opinion in self._analyst.opinions(market, after):
                if opinion.candle_close <= last:
                    past = structs.replace(past, state=next_state(past.state, opinion.score, self._rules.signal))
                    continue
                observation, past = observe(past, opinion, origin, self._rules, trades, now, circumstances)
                observations.append(observation)
        except BrainError as error:
            failed = error
            self._brain_pause.failed(status.text, self._clock.monotonic())
            log.error("%s: %s", status.symbol, error)
        if failed is not None or observations:  # a brain that was asked for nothing is no better than it was
            status.brain_error = failed
        if failed is None:
            self._brain_pause.succeeded(status.text)
        status.broken_layers = self._analyst.failures()
        return observations, past or Past()

    def _circumstances(self, newest_close: int, now: int) -> Circumstances:
        # By our own clock, as whoever asked for silence meant it.
        silences = self._store.silences.active(self._clock.now())
        return Circumstances(silences=silences, stale=now - newest_close > self._patience_ms)

    def _last_close(self, status: SymbolStatus) -> int:
        if status.last_close >= 0:
            return status.last_close
        stored = self._store.analyses.last(status.symbol, self.timeframe.text)
        return stored.candle_close if stored else -1

    def _commit(self, batch: Sequence[Collected], findings: Sequence[Finding]) -> list[Alert]:
        if not findings:
            return []
        try:
            alerts = record(self._store, findings, self._rules, self._channels, self._clock.now())
        except StoreError:
            # What the database did not take did not happen: the next cycle starts from what is stored.
            self._past.clear()
            for status in self.symbols.values():
                status.last_close = -1
            raise
        for collected in batch:
            if collected.market is not None:
                self._collector.kept(collected)
            for incident in collected.incidents:
                log_incident(incident)
        for finding in findings:
            self._past[finding.symbol] = finding.past
            self._note(finding, self._named[finding.symbol])
        return alerts

    def _note(self, finding: Finding, statuses: Sequence[SymbolStatus]) -> None:
        for status in statuses:
            status.seen_close = finding.seen_close
            if finding.observations:
                status.analysis = finding.observations[-1].analysis
                status.last_close = status.analysis.candle_close
        for observation in finding.observations:
            log_analysis(observation)


def _range(candles: Candles, observations: Sequence[Observation]) -> float:
    """The ATR(14) of the newest candle, where its signal turned: that is when somebody wants a stop."""
    told = observations[-1].verdicts if observations else ()
    turned = any(v.change.reason is Reason.SIGNAL_CHANGED for v in told)
    return float(atr(candles)[-1]) if turned and len(candles) else math.nan
