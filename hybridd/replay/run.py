"""Replay: recorded candles through the same steps as a live cycle."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hybridd.analysis.indicators import atr
from hybridd.model.analysis import Analysis, Seen, Signal
from hybridd.model.candle import Candles, FloatArray, resample
from hybridd.model.change import Change, Verdict
from hybridd.model.instrument import Instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import TimeFrame, higher_than, timeframe_of
from hybridd.model.trade import Trade
from hybridd.pipeline.analyze import Analyst
from hybridd.pipeline.observe import Origin, Rules
from hybridd.replay.walk import Step, every_step, telling_steps
from hybridd.trading.follow import Follower, FollowRules
from hybridd.trading.statistics import Statistics, statistics

TICK = 2_000
"""Candles between two reports of progress."""


@dataclass(slots=True, kw_only=True)
class Replay:
    """What came of one symbol's recorded candles. `analyses` and `verdicts` are kept only where asked for.

    `candles`: those of the period; `warm_up`: those before it, which were run through as well.
    """

    symbol: str
    timeframe: TimeFrame
    candles: int = 0
    warm_up: int = 0
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
    counted = len(candles) - int(np.searchsorted(candles.close_time, period.start, side="right"))
    result = Replay(
        symbol=market.instrument.symbol,
        timeframe=timeframe_of(candles.step),
        candles=counted,
        warm_up=len(candles) - counted,
    )
    turns = _run(result, _steps(market, analyst, rules, period.start, keep), keep, progress)
    _follow(turns, candles, Follower(result.symbol, follow), result)
    result.seconds = time.perf_counter() - began
    if keep:
        result.close_times, result.layer_values = candles.close_time.tolist(), analyst.layer_values(market)
    return result


def _steps(market: Market, analyst: Analyst, rules: Rules, after: int, keep: bool) -> Iterator[Step]:
    symbol, frame = market.instrument.symbol, timeframe_of(market.candles.step)
    # With no time to live everything is late, and the whole step knows what that means.
    columns = analyst.columns(market, after) if not keep and rules.time_to_live_ms >= 0 else None
    if columns is not None:
        return telling_steps(columns, symbol, rules)
    origin = Origin(symbol=symbol, timeframe=frame, source="recorded", simulated=False)
    return every_step(analyst, market, origin, rules, after)


def _run(result: Replay, steps: Iterable[Step], keep: bool, progress: Callable[[int], None]) -> list[Seen]:
    """Count what the steps came to; gives the analyses at which the signal turned."""
    turns, reported, done = [], 0, 0
    signal, since = Signal.NEUTRAL, 0
    for step in steps:
        done += step.passed
        now = step.now
        if now is not None:
            if now.signal is not signal:
                result.signals[signal.value] += done - since
                signal, since = now.signal, done
                turns.append(now)
            done += 1
            if step.verdicts:
                _count(result, step.verdicts)
            if keep and isinstance(now, Analysis):
                result.analyses.append(now)
                result.verdicts += step.verdicts
        if done - reported >= TICK:
            progress(done - reported)
            reported = done
    result.signals[signal.value] += done - since
    result.analysed = done
    return turns


def _count(result: Replay, verdicts: Sequence[Verdict]) -> None:
    told = 0
    for verdict in verdicts:
        result.changes[verdict.change.reason.value] += 1
        if verdict.suppressed is None:
            told = 1
        else:
            result.suppressed[verdict.suppressed.value] += 1
    result.alerts += told  # all that is told of one analysis is one alert


def _follow(turns: Sequence[Seen], candles: Candles, follower: Follower, result: Replay) -> None:
    """Take every proposal. Only a turn of the signal makes one, and only one that turns ends it from this side."""
    ranges, done = atr(candles) if len(candles) else np.zeros(0), 0
    ends = candles.close_time.searchsorted([analysis.candle_close for analysis in turns], side="right")
    for analysis, end in zip(turns, ends.tolist(), strict=True):
        follower.pass_over(candles, done, end)
        follower.analysis(analysis, ranges.item(end - 1))
        done = end
    follower.pass_over(candles, done, len(candles))
    result.proposals, result.trades = follower.proposals, follower.trades
    result.statistics = statistics(result.trades)
