"""What a replay costs, layer by layer, beside ten indicators of TA-Lib over the same candles in the same run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import talib

from hybridd.analysis.registry import shipped_layers
from hybridd.config.schema import Settings
from hybridd.model.candle import Candles
from hybridd.model.instrument import parse_instrument
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.calibration_file import calibration_in_force
from hybridd.pipeline.rules import rules_of
from hybridd.replay.run import Replay, market_of, replay
from hybridd.trading.follow import FollowRules
from tests.recorded_candles import live

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


def layer_costs(candles: Candles) -> Iterator[LayerCost]:
    """Each of the layers alone, in the order of the registry."""
    whole = market_of(parse_instrument("BTC/USDT"), candles)
    held = live(whole, len(candles) - 1, LIVE)
    for layer in shipped_layers(calibration_in_force("")):
        yield LayerCost(
            layer.name,
            best(lambda layer=layer: layer.evaluate(whole), 3),
            best(lambda layer=layer: layer.evaluate(held)),
            best(lambda layer=layer: layer.explain(held, LIVE - 1)),
        )


@dataclass(frozen=True, slots=True)
class ReplayCost:
    """Seconds of one core: a whole replay, its brain's part (layers and their combination), the rest."""

    whole: float
    brain: float
    rest: float
    result: Replay


def replay_cost(candles: Candles) -> ReplayCost:
    """A replay with the settings' defaults. The rest is a replay whose brain has its scores at hand."""
    settings = Settings()
    rules, follow = rules_of(settings), FollowRules()
    market = market_of(parse_instrument("BTC/USDT"), candles)
    analyst = analyst_of(settings)
    whole = best(lambda: replay(market, analyst, rules, follow), 3)
    brain = analyst._brain
    spent = best(lambda: brain.score_series(market), 3)
    scores = brain.score_series(market)
    brain.score_series = lambda *_: scores
    return ReplayCost(
        whole, spent, best(lambda: replay(market, analyst, rules, follow)), replay(market, analyst, rules, follow)
    )
