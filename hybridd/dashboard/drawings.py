"""Drawings: figures as places on a surface. Templates make SVG of them, which needs no script and no style."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hybridd.store.course import Bar, Point

WIDTH, HEIGHT = 240.0, 48.0
CHART_WIDTH, PRICE_HEIGHT, SCORE_TOP, SCORE_HEIGHT = 960.0, 300.0, 330.0, 110.0
CHART_HEIGHT = SCORE_TOP + SCORE_HEIGHT
MARGIN = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of prices: the points of an SVG polyline, where it ends, and between what it runs."""

    points: str
    end: tuple[float, float]
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """A candle on the surface: the middle, the wick from `high` to `low`, the body's top and height."""

    x: float
    high: float
    low: float
    top: float
    body: float
    rising: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at `at` (ms UTC): its kind, what it was, and where more of it stands ("" for nowhere)."""

    at: int
    kind: str
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Candles, the score beneath them, and marks between, each with its place. `width` is a body's."""

    candles: tuple[Candle, ...]
    width: float
    scores: str
    marks: tuple[tuple[float, Mark], ...]
    low: float
    high: float
    first: int
    last: int
    selected: float


def line(known: Sequence[tuple[int, float]]) -> Line:
    """Prices over time, at least two of them, as a small line."""
    low, high = min(price for _, price in known), max(price for _, price in known)
    first, last = known[0][0], known[-1][0]
    places = [
        (_scaled(at, first, last) * (WIDTH - 2 * MARGIN) + MARGIN, _down(price, low, high, MARGIN, HEIGHT - MARGIN))
        for at, price in known
    ]
    return Line(points=_joined(places), end=places[-1], low=low, high=high)


def chart(
    bars: Sequence[Bar], points: Sequence[Point], marks: Sequence[Mark], step_ms: int, selected: int
) -> Chart | None:
    """The drawing of a market; None where there is nothing to draw. `selected` is the close that is looked at."""
    whole = [bar for bar in bars if all(map(math.isfinite, (bar.open, bar.high, bar.low, bar.close)))]
    times = [bar.opened + step_ms for bar in whole] + [point.at for point in points]
    if not times or max(times) == min(times):
        return None
    first, last = min(times), max(times)
    prices = [p for bar in whole for p in (bar.high, bar.low)] or [p.price for p in points if p.price is not None]
    low, high = (min(prices), max(prices)) if prices else (0.0, 0.0)
    slot = CHART_WIDTH / ((last - first) / step_ms + 1)

    def across(at: int) -> float:
        return round(slot / 2 + _scaled(at, first, last) * (CHART_WIDTH - slot), 1)

    def price_at(value: float) -> float:
        return round(_down(value, low, high, MARGIN, PRICE_HEIGHT - MARGIN), 1)

    return Chart(
        candles=tuple(_candle(bar, across(bar.opened + step_ms), price_at) for bar in whole),
        width=round(max(1.0, slot * 0.7), 1),
        scores=_joined([(across(p.at), _down(p.score, 0, 100, SCORE_TOP, SCORE_TOP + SCORE_HEIGHT)) for p in points]),
        marks=tuple((across(mark.at), mark) for mark in marks if first <= mark.at <= last),
        low=low,
        high=high,
        first=first,
        last=last,
        selected=across(selected) if first <= selected <= last else -1.0,
    )


def _candle(bar: Bar, x: float, price_at: Callable[[float], float]) -> Candle:
    top = price_at(max(bar.open, bar.close))
    body = max(1.0, round(price_at(min(bar.open, bar.close)) - top, 1))
    return Candle(x=x, high=price_at(bar.high), low=price_at(bar.low), top=top, body=body, rising=bar.close >= bar.open)


def _scaled(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _down(value: float, low: float, high: float, top: float, bottom: float) -> float:
    return bottom - _scaled(value, low, high) * (bottom - top)


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
