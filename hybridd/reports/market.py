"""What the markets did in a period: how far price went, what the score said, where the signal stood."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise

from hybridd.model.analysis import Analysis, Signal
from hybridd.reports.document import Block, Grid, Section, Words
from hybridd.reports.plots import market
from hybridd.reports.words import NONE, ROWS, counted, foremost, moment, percent, price, share

POINTS = 240
DRAWN = 6
"""So many markets are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """At most POINTS analyses, evenly picked, the newest included: closes (ms UTC), prices and scores."""

    times: tuple[int, ...] = ()
    prices: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """One market over a period. `move` in percent from the first to the last close; `turns` counts the signals that
    it turned to, `time` the share of analyses at each signal."""

    symbol: str
    timeframe: str
    simulated: bool
    analyses: int
    first: float
    last: float
    move: float
    highest: float
    lowest: float
    score_low: float
    score_high: float
    score_last: float
    signal: str
    turns: dict[str, int]
    time: dict[str, float]
    course: Course


def market_facts(analyses: Sequence[Analysis]) -> MarketFacts | None:
    """Of one market's analyses, oldest first; None without any that has a price."""
    known = [a for a in analyses if a.price > 0]
    if not known:
        return None
    prices, scores = [a.price for a in known], [a.score for a in known]
    turned = [b.signal for a, b in pairwise(known) if a.signal is not b.signal]
    counts = Counter(a.signal for a in known)
    return MarketFacts(
        symbol=known[-1].symbol,
        timeframe=known[-1].timeframe,
        simulated=any(a.simulated for a in known),
        analyses=len(known),
        first=prices[0],
        last=prices[-1],
        move=(prices[-1] / prices[0] - 1) * 100,
        highest=max(prices),
        lowest=min(prices),
        score_low=min(scores),
        score_high=max(scores),
        score_last=scores[-1],
        signal=known[-1].signal.value,
        turns={signal.value: turned.count(signal) for signal in Signal},
        time={signal.value: counts[signal] / len(known) for signal in Signal},
        course=_course(known),
    )


def section(markets: Sequence[MarketFacts], thresholds: tuple[float, float], zone: tzinfo) -> Section:
    """The markets as a part of a report; `thresholds` are those of SHORT and LONG."""
    return Section(title="The market", blocks=tuple(_blocks(markets, thresholds, zone)))


def _blocks(markets: Sequence[MarketFacts], thresholds: tuple[float, float], zone: tzinfo) -> Iterator[Block]:
    if not markets:
        yield Words(text="No market was analysed in this period.")
        return
    yield Grid(
        columns=("market", " price", " move", " score", " range", "signal", " LONG", " SHORT"),
        rows=tuple(_row(m) for m in foremost(markets, lambda m: abs(m.move or 0.0))),
    )
    if len(markets) > ROWS:
        yield Words(text=f"Of {len(markets)} markets the {ROWS} that moved most.", tone="quiet")
    yield Words(text="LONG and SHORT: how much of the time the signal stood there.", tone="quiet")
    for i, m in enumerate(markets[:DRAWN]):
        turns = sum(m.turns.values())
        title = f"{m.symbol}: {percent(m.move)}, {counted(turns, 'change')} of signal"
        labels = (moment(m.course.times[0], zone), moment(m.course.times[-1], zone))
        c = m.course
        drawn = market(f"market-{i}", title, c.times, c.prices, c.scores, thresholds, labels)
        if drawn is not None:
            yield Words(text=f"{title}. Price above, score beneath.", tone="strong")
            yield drawn


def _row(m: MarketFacts) -> tuple[str, ...]:
    return (
        m.symbol,
        price(m.last),
        percent(m.move),
        f"{m.score_last:.0f}",
        f"{m.score_low:.0f}–{m.score_high:.0f}",
        m.signal,
        share(m.time[Signal.LONG.value]) if m.analyses else NONE,
        share(m.time[Signal.SHORT.value]) if m.analyses else NONE,
    )


def _course(known: Sequence[Analysis]) -> Course:
    step = max(1, -(-len(known) // POINTS))
    picked = known[::-step][::-1]
    return Course(
        times=tuple(a.candle_close for a in picked),
        prices=tuple(a.price for a in picked),
        scores=tuple(a.score for a in picked),
    )
