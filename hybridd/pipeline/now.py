"""An analysis now, for somebody who asks: the same steps as a cycle, nothing stored, nothing sent."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from hybridd.config.schema import Settings
from hybridd.errors import FeedUnavailable, HybriddError, UsageError
from hybridd.market.feed import Feed
from hybridd.market.keeper import SeriesKeeper
from hybridd.model.analysis import Analysis
from hybridd.model.candle import FloatArray
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from hybridd.model.timeframe import higher_than
from hybridd.pipeline.analyze import Analyst
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.collect import HIGHER_HISTORY
from hybridd.pipeline.observe import Origin, Past, Rules, observe
from hybridd.pipeline.rules import rules_of
from hybridd.pipeline.surroundings import Surroundings


def names_of(settings: Settings, symbols: Sequence[str]) -> list[str]:
    """The markets that `symbols` name, as they are written everywhere; what names none is left out."""
    names = []
    for text in symbols:
        with contextlib.suppress(ValueError):
            names.append(parse_instrument(text, settings.market.market_type).symbol)
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An analysis with what it was made of: for whoever wants to draw it.

    `score`: of each candle of the market, shape (n,), NaN where there is none; `turns`: when the signal changed (close
    time, ms UTC) and to what.
    """

    analysis: Analysis
    market: Market
    score: FloatArray
    layers: Mapping[str, FloatArray]
    turns: Sequence[tuple[int, str]]


def analyse_now(
    settings: Settings, feed: Feed, symbols: Sequence[str], around: Surroundings
) -> tuple[list[Look], list[HybriddError]]:
    """The newest analysis of each symbol, and what kept those that have none. `around`: all that is not candles."""
    analyst, rules = analyst_of(settings), rules_of(settings)
    keeper = SeriesKeeper(feed=feed, history=settings.market.history)
    found: list[Look] = []
    problems: list[HybriddError] = []
    for text in symbols:
        try:
            found.append(_one(settings, feed, keeper, around, analyst, rules, text))
        except HybriddError as error:
            problems.append(error)
    return found, problems


def _one(
    settings: Settings,
    feed: Feed,
    keeper: SeriesKeeper,
    around: Surroundings,
    analyst: Analyst,
    rules: Rules,
    text: str,
) -> Look:
    try:
        name = parse_instrument(text, settings.market.market_type).symbol
    except ValueError as error:
        raise UsageError(str(error), remedy="name a market, such as BTC/USDT") from None
    instrument = feed.instrument(name)
    base = settings.monitor.timeframe
    candles = keeper.update(instrument, base).candles
    higher = {f.text: keeper.update(instrument, f, HIGHER_HISTORY).candles for f in higher_than(base)}
    market = Market(
        instrument=instrument,
        candles=candles,
        higher=higher,
        benchmarks=around.benchmarks(),
        context=around.context(instrument.symbol, candles),
    )
    origin = Origin(symbol=instrument.symbol, timeframe=base, source=feed.name, simulated=feed.simulated)
    # The signal has a memory (hysteresis): it is followed through the history, as the daemon has done.
    after = -1 if analyst.cheap else candles.last_close - base.ms
    analyses, past = [], Past()
    for opinion in analyst.opinions(market, after):
        observation, past = observe(past, opinion, origin, rules, (), opinion.candle_close)
        analyses.append(observation.analysis)
    if not analyses:
        raise FeedUnavailable(
            f"{instrument}: no layer can speak yet, there are only {len(candles)} closed {base} candles",
            remedy="choose a shorter time frame, or wait until the market has more history",
        )
    return _look(replace(analyses[-1], made_at=feed.now()), analyses, market, analyst)


def _look(newest: Analysis, analyses: Sequence[Analysis], market: Market, analyst: Analyst) -> Look:
    scores = {a.candle_close: a.score for a in analyses}
    closes = market.candles.close_time.tolist()
    turns = [(b.candle_close, b.signal.value) for a, b in pairwise(analyses) if a.signal is not b.signal]
    return Look(
        analysis=newest,
        market=market,
        score=np.array([scores.get(close, np.nan) for close in closes]),
        layers=analyst.layer_values(market),
        turns=turns,
    )
