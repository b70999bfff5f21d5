"""One step of the watch, pure: an opinion and the past in; an analysis, verdicts and the new past out.

A live cycle and a replay both take this step, candle by candle: that is why they agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from hybridd.alerts.policy import PolicyRules, judge
from hybridd.alerts.routing import Route
from hybridd.model.analysis import Analysis, Odds, Signal, SignalState
from hybridd.model.change import Change, Verdict
from hybridd.model.memory import Memory
from hybridd.model.said import Reading
from hybridd.model.silence import NO_CIRCUMSTANCES, Circumstances
from hybridd.model.timeframe import TimeFrame
from hybridd.model.trade import Trade
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.signals.changes import ChangeRules, forget_closed, keep_touched, market_changes, trade_changes
from hybridd.signals.signal import SignalRules, next_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every rule of the way from a score to a message."""

    signal: SignalRules = field(default_factory=SignalRules)
    change: ChangeRules = field(default_factory=ChangeRules)
    policy: PolicyRules = field(default_factory=PolicyRules)
    routes: tuple[Route, ...] = ()
    trading: TradingRules = field(default_factory=TradingRules)
    time_to_live_ms: int = 900_000


class Opinion(Struct, frozen=True, kw_only=True):
    """What a brain says of one closed candle. `signal` is set by a brain that decides it itself."""

    candle_close: int
    price: float
    high: float
    low: float
    score: float
    confidence: float
    agreeing: int
    answered: int
    layers: int
    degraded: bool
    missing: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    signal: Signal | None = None
    odds: Odds | None = None


class Origin(Struct, frozen=True, kw_only=True):
    """Whose opinion it is: the symbol, the time frame, where the candles come from."""

    symbol: str
    timeframe: TimeFrame
    source: str
    simulated: bool


class Past(Struct, frozen=True, kw_only=True):
    """What came before: the last analysis that could be told of, where the signal stands, what the person knows."""

    before: Analysis | None = None
    state: SignalState = SignalState()
    memory: Memory = Memory()


class Observation(Struct, frozen=True, kw_only=True):
    """An analysis, what it was compared with, and the verdict on each change in it."""

    analysis: Analysis
    before: Analysis | None
    verdicts: tuple[Verdict, ...]


def observe(
    past: Past,
    opinion: Opinion,
    origin: Origin,
    rules: Rules,
    trades: Sequence[Trade],
    now: int,
    circumstances: Circumstances = NO_CIRCUMSTANCES,
) -> tuple[Observation, Past]:
    """Take one step. `now` (ms UTC) is when it is made: a candle older than the time to live is kept but not told.

    What such a candle did to a trade is told with the first one in time.
    """
    analysis = _analysis(past.state, opinion, origin, rules, now)
    if analysis.late:
        memory = keep_touched(analysis, trades, past.memory, origin.timeframe.ms) if trades else past.memory
        seen = Observation(analysis=analysis, before=past.before, verdicts=())
        return seen, structs.replace(past, state=analysis.state, memory=memory)
    changes = _changes(past, analysis, rules, trades, origin.timeframe.ms)
    verdicts, memory = judge(changes, analysis, past.memory, rules.policy, circumstances)
    observation = Observation(analysis=analysis, before=past.before, verdicts=verdicts)
    # Only what the next step compares with is kept: readings of a year of candles would fill the memory.
    kept = structs.replace(analysis, readings=()) if analysis.readings else analysis
    return observation, Past(before=kept, state=analysis.state, memory=forget_closed(memory, trades))


def _changes(past: Past, analysis: Analysis, rules: Rules, trades: Sequence[Trade], step: int) -> tuple[Change, ...]:
    changes = market_changes(past.before, analysis, past.memory, rules.change)
    return changes + trade_changes(analysis, trades, past.memory, step) if trades else changes


def _analysis(state: SignalState, opinion: Opinion, origin: Origin, rules: Rules, now: int) -> Analysis:
    if opinion.signal is None:
        state = next_state(state, opinion.score, rules.signal)
    else:
        state = SignalState(signal=opinion.signal)
    return Analysis(
        symbol=origin.symbol,
        timeframe=origin.timeframe.text,
        candle_close=opinion.candle_close,
        price=opinion.price,
        high=opinion.high,
        low=opinion.low,
        score=opinion.score,
        state=state,
        confidence=opinion.confidence,
        agreeing=opinion.agreeing,
        answered=opinion.answered,
        layers=opinion.layers,
        degraded=opinion.degraded,
        missing=opinion.missing,
        readings=opinion.readings,
        odds=opinion.odds,
        source=origin.source,
        simulated=origin.simulated,
        made_at=now,
        late=now - opinion.candle_close > rules.time_to_live_ms,
    )
