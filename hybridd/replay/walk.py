"""The walk over a market: the step of the watch at each opinion, or only where something can come of it."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from hybridd.alerts.policy import judge, settled
from hybridd.model.analysis import Seen, SignalState
from hybridd.model.change import Verdict
from hybridd.model.memory import Memory
from hybridd.model.reading import Market
from hybridd.pipeline.analyze import Analyst, Columns
from hybridd.pipeline.observe import Origin, Past, Rules, observe
from hybridd.signals.changes import market_changes
from hybridd.signals.quiet import quiet_band, stirred
from hybridd.signals.signal import next_state


class Step(Struct, frozen=True):
    """How many analyses were passed over, each with the signal of the step before, and what came after them.

    `now` is None where the walk ends quietly.
    """

    passed: int
    now: Seen | None
    verdicts: tuple[Verdict, ...] = ()


def every_step(analyst: Analyst, market: Market, origin: Origin, rules: Rules, after: int) -> Iterator[Step]:
    """One for each candle that closed after `after` (ms UTC), with its whole analysis."""
    past = Past()
    for opinion in analyst.opinions(market, after, explain=False):
        seen, past = observe(past, opinion, origin, rules, (), opinion.candle_close)
        yield Step(0, seen.analysis, seen.verdicts)


def telling_steps(columns: Columns, symbol: str, rules: Rules) -> Iterator[Step]:
    """What `every_step` gives, without the analyses of which nothing can come.

    Between two of its steps no rule fires, the signal stands still and nothing new is remembered: so says `quiet`,
    which lies beside the rules.
    """
    # NaN lies in no band: where more than the band decides, the band does not hold.
    bands = np.where(stirred(columns.score, columns.confidence, rules.change), np.nan, columns.score).tolist()
    before, state, memory = None, SignalState(), Memory()
    i, n = 0, len(columns)
    while i < n:
        at = i if before is None else _reached(bands, i, state, memory, rules)
        if at == n:
            yield Step(n - i, None)
            return
        if at > i:
            before = columns.glimpse(at - 1, symbol, state.signal)
        state = next_state(state, columns.score.item(at), rules.signal)
        now = columns.glimpse(at, symbol, state.signal)
        changes = market_changes(before, now, memory, rules.change)
        verdicts, memory = judge(changes, now, memory, rules.policy)
        yield Step(at - i, now, verdicts)
        before, i = now, at + 1


def _reached(bands: list[float], i: int, state: SignalState, memory: Memory, rules: Rules) -> int:
    """The first position from `i` on at which a step may change anything; the end where none does."""
    if not settled(memory) or memory.anchor_score is None:
        return i
    low, high = quiet_band(state, memory.anchor_score, rules.signal, rules.change)
    for at in range(i, len(bands)):
        if not low < bands[at] < high:
            return at
    return len(bands)
