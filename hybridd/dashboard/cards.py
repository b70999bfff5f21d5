"""The cards of the first page: what each market came to, how old that is, and what is missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybridd.dashboard.drawings import Line, line
from hybridd.model.analysis import Analysis
from hybridd.model.timeframe import parse_timeframe
from hybridd.store.course import Point
from hybridd.store.store import Store

DRAWN = 96
LOOK_BACK = 12
"""Analyses over which the arrow of the score is told: an hour of five minutes."""
STILL = 1.0
"""Points within which a score is called steady."""
PATIENCE = 2.5
"""Time frames after which news is missing: one that has closed, and what it takes to look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One market. `analysis` None: none yet. `change` is the score's, over `span_ms`; `stale`: newer ones are missing.

    `moved` is the price's change in percent over what is drawn, `drawn_ms` long; None where nothing can be said.
    """

    symbol: str
    analysis: Analysis | None = None
    stale: bool = False
    change: float | None = None
    span_ms: int = 0
    moved: float | None = None
    drawn_ms: int = 0
    prices: Line | None = None

    @property
    def arrow(self) -> str:
        """Which way the score goes."""
        if self.change is None:
            return ""
        return "→" if abs(self.change) < STILL else "↗" if self.change > 0 else "↘"


def cards(store: Store, service: Mapping[str, Any], now: int) -> list[Card]:
    """A card for each market that is watched, in the settings' order; without a watch, of each that ever was."""
    newest = {a.symbol: a for a in store.analyses.latest()}
    watched = [str(symbol) for symbol in service.get("symbols", ())] or list(newest)
    timeframe = str(service.get("timeframe") or "")
    found = [(symbol, newest.get(symbol)) for symbol in watched]
    # What was made of another time frame, or of a market that was made up, is no news of this one.
    return [
        _card(store, a, now) if a and (not timeframe or a.timeframe == timeframe) else Card(symbol=symbol)
        for symbol, a in found
    ]


def is_stale(analysis: Analysis, now: int) -> bool:
    """Whether a newer analysis ought to be there."""
    return now - analysis.candle_close > PATIENCE * parse_timeframe(analysis.timeframe).ms


def _card(store: Store, analysis: Analysis, now: int) -> Card:
    points = store.course.points(analysis.symbol, analysis.timeframe, analysis.candle_close, DRAWN)
    change, span = _change(points)
    known = [(point.at, point.price) for point in points if point.price is not None and math.isfinite(point.price)]
    first, last = (known[0], known[-1]) if len(known) > 1 else ((0, 0.0), (0, 0.0))
    return Card(
        symbol=analysis.symbol,
        analysis=analysis,
        stale=is_stale(analysis, now),
        change=change,
        span_ms=span,
        moved=(last[1] / first[1] - 1) * 100 if first[1] > 0 else None,
        drawn_ms=last[0] - first[0],
        prices=line(known) if len(known) > 1 else None,
    )


def _change(points: Sequence[Point]) -> tuple[float | None, int]:
    if len(points) < 2:
        return None, 0
    before = points[max(0, len(points) - 1 - LOOK_BACK)]
    return points[-1].score - before.score, points[-1].at - before.at
