"""Replay: recorded candles through the same steps as a live cycle."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hybridd.alerts.compose import market_alert
from hybridd.analysis.indicators import atr
from hybridd.model.analysis import Analysis
from hybridd.model.candle import Candles, FloatArray, resample
from hybridd.model.change import Change, Verdict
from hybridd.model.instrument import Instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import TimeFrame, higher_than, timeframe_of
from hybridd.model.trade import Trade
from hybridd.pipeline.analyze import Analyst
from hybridd.pipeline.observe import Origin, Past, Rules, observe
from hybridd.trading.follow import Follower, FollowRules
from hybridd.trading.statistics import Statistics, statistics

TICK = 2_000
"""Candles between two reports of progress."""


@dataclass(slots=True, kw_only=True)
class Replay:
    """What came of one symbol's recorded candles. `analyses` and `changes` are kept only where asked for."""

    symbol: str
    timeframe: TimeFrame
    candles: int = 0
    seconds: float = 0.0
    analysed: int = 0
    alerts: int = 0
    proposals: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    trades: list[Trade] = field(default_factory=list)
    statistics: Statistics | None = None
    analyses: list[Analysis] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    close_times: list[int] = field(default_factory=list)
    layer_values: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def told(self) -> list[Change]:
        """The changes that somebody would have heard of."""
        return [v.change for v in self.verdicts if v.suppressed is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Which analyses count: candles that close after `start` and at or before `end`, ms UTC. Earlier ones warm up."""

    start: int = 0
    end: int = 2**62


def market_of(instrument: Instrument, candles: Candles) -> Market:
    """A recorded market: the higher time frames are drawn from the base."""
    base = timeframe_of(candles.step)
    higher = {f.text: resample(candles, f.ms) for f in higher_than(base)}
    return Market(instrument=instrument, candles=candles, higher=higher)


def replay(
    market: Market,
    analyst: Analyst,
    rules: Rules,
    follow: FollowRules,
    *,
    period: Period | None = None,
    keep: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Replay:
    """Run a market from its first candle to its last. `keep` holds on to every analysis and verdict."""
    began = time.perf_counter()
    period = period or Period()
    candles = market.candles.closed_by(period.end)
    market = replace(market, candles=candles)
    result = Replay(symbol=market.instrument.symbol, timeframe=timeframe_of(candles.step), candles=len(candles))
    follower = Follower(result.symbol, follow)
    _walk(_Walk(market, analyst, rules, period, follower, result, keep, progress))
    result.proposals, result.trades = follower.proposals, follower.trades
    result.statistics = statistics(result.trades)
    result.seconds = time.perf_counter() - began
    if keep:
        result.close_times, result.layer_values = candles.close_time.tolist(), analyst.layer_values(market)
    return result


@dataclass(slots=True)
class _Walk:
    market: Market
    analyst: Analyst
    rules: Rules
    period: Period
    follower: Follower
    result: Replay
    keep: bool
    progress: Callable[[int], None]


def _walk(walk: _Walk) -> None:
    market, result = walk.market, walk.result
    origin = Origin(symbol=result.symbol, timeframe=result.timeframe, source="recorded", simulated=False)
    ranges = _ranges(market.candles)
    rows = _rows(market.candles)
    past, position = Past(), 0
    for opinion in walk.analyst.opinions(market, walk.period.start, explain=False):
        while rows[position][0] + market.candles.step <= opinion.candle_close:
            walk.follower.candle(rows[position])
            position += 1
            if position == len(rows):
                break
        observation, past = observe(past, opinion, origin, walk.rules, (), opinion.candle_close)
        analysis = observation.analysis
        walk.follower.analysis(analysis, ranges[position - 1])
        result.analysed += 1
        result.signals[analysis.signal.value] += 1
        if observation.verdicts:
            _count(result, observation.verdicts, analysis, observation.before, walk)
        if walk.keep:
            result.analyses.append(analysis)
        if result.analysed % TICK == 0:
            walk.progress(TICK)


def _count(
    result: Replay, verdicts: Sequence[Verdict], analysis: Analysis, before: Analysis | None, walk: _Walk
) -> None:
    for verdict in verdicts:
        result.changes[verdict.change.reason.value] += 1
        if verdict.suppressed is not None:
            result.suppressed[verdict.suppressed.value] += 1
    made_at, ttl = analysis.candle_close, walk.rules.time_to_live_ms
    if market_alert(verdicts, analysis, before, None, made_at=made_at, time_to_live_ms=ttl) is not None:
        result.alerts += 1
    if walk.keep:
        result.verdicts += verdicts


def _rows(candles: Candles) -> list[tuple[int, float, float, float]]:
    columns = (candles.open_time, candles.open, candles.high, candles.low)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _ranges(candles: Candles) -> list[float]:
    return atr(candles).tolist() if len(candles) else []
