"""What a replay costs, layer by layer, beside ten indicators of TA-Lib over the same candles in the same run."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import talib

from hybridd.analysis.brain import Brain
from hybridd.analysis.registry import shipped_layers
from hybridd.analysis.timing import COMBINATION, layer_seconds
from hybridd.analysis.view import View
from hybridd.config.schema import Settings
from hybridd.model.candle import Candles
from hybridd.model.reading import Market
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.calibration_file import calibration_in_force
from hybridd.pipeline.rules import rules_of
from hybridd.replay.run import Replay, replay
from hybridd.trading.follow import FollowRules
from tests.recorded_context import live_informed

CYCLES = 60
"""Live cycles in a row that a layer's cost is the mean of: what is drawn anew in one of many counts as such."""
LOOP = 200_000
"""Additions of the plain loop."""
LIVE = 2_000
"""Candles that a daemon holds of a market."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """Seconds of one core: over all candles, over those that a daemon holds, and for the sentence about the newest."""

    name: str
    history: float
    live: float
    sentence: float


def best(job: Callable[[], object], times: int = 5) -> float:
    """The least of several tries, in seconds of one core: what else the machine did meanwhile is not the job's."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        job()
        spent.append(time.process_time() - began)
    return min(spent)


def reference(c: Candles) -> None:
    """Ten indicators by TA-Lib."""
    talib.RSI(c.close), talib.MACD(c.close), talib.BBANDS(c.close), talib.ATR(c.high, c.low, c.close)
    talib.ADX(c.high, c.low, c.close), talib.OBV(c.close, c.volume), talib.STOCH(c.high, c.low, c.close)
    for n in (20, 50, 200):
        talib.EMA(c.close, n)


def plain_loop() -> None:
    """Additions in plain Python: how quick the interpreter is at this moment, which other guests of a machine change.

    TA-Lib's loops hardly feel such neighbours, and a live cycle is Python for the most part.
    """
    total = 0
    for i in range(LOOP):
        total += i & 7


def layer_costs(market: Market) -> Iterator[LayerCost]:
    """Each of the layers as the brain runs them: what several share counts for the one that needs it first."""
    calibration = calibration_in_force("")
    layers = shipped_layers(calibration)
    brain = Brain(layers, calibration, {}, len(layers))
    history = least([layer_seconds(brain, market, time.thread_time) for _ in range(5)])
    n = len(market.candles)
    held = [live_informed(market, i, LIVE) for i in range(n - CYCLES, n)]
    cycles = [layer_seconds(brain, one, time.thread_time, one.candles.last_close - 1) for one in held]
    for name in (*brain.names, COMBINATION):
        sentence = 0.0 if name == COMBINATION else _sentence(brain, name, held[-1])
        yield LayerCost(name, history[name], statistics.mean(one[name] for one in cycles), sentence)


def least(tries: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: min(one[name] for one in tries) for name in tries[0]}


def _sentence(brain: Brain, name: str, held: Market) -> float:
    """What the sentence costs beside the value."""
    layer, spent = brain.layers[brain.names.index(name)], []
    for _ in range(5):
        view = View(held, 1)
        view.once(layer.said)
        began = time.thread_time()
        layer.why(view)
        spent.append(time.thread_time() - began)
    return min(spent)


@dataclass(frozen=True, slots=True)
class ReplayCost:
    """Seconds of one core: a whole replay, its brain's part (layers and their combination), the rest."""

    whole: float
    brain: float
    rest: float
    result: Replay


def replay_cost(market: Market) -> ReplayCost:
    """A replay with the settings' defaults. The rest is a replay whose brain has its scores at hand."""
    settings = Settings()
    rules, follow = rules_of(settings), FollowRules()
    analyst = analyst_of(settings)
    whole = best(lambda: replay(market, analyst, rules, follow))
    brain = analyst._brain
    spent = best(lambda: brain.score_series(market))
    scores = brain.score_series(market)
    brain.score_series = lambda *_: scores
    return ReplayCost(
        whole, spent, best(lambda: replay(market, analyst, rules, follow)), replay(market, analyst, rules, follow)
    )
