"""Line charts as SVG text: no library, no request, readable in print, in the dark and on a phone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 960, 280
LEFT, RIGHT, TOP, BOTTOM = 6, 6, 26, 28
POINTS = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something to point at: at a moment (ms UTC) and a height, with a colour class and words for the reader."""

    at: int
    value: float
    kind: str
    title: str


def line_chart(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    title: str,
    limits: tuple[float, float] | None = None,
    guides: Sequence[float] = (),
    marks: Sequence[Mark] = (),
    labels: tuple[str, str] = ("", ""),
) -> str:
    """A curve over time as an `<svg>` element. `times` ms UTC, shape (n,); `values` shape (n,), NaN leaves a hole.

    `limits` fixes the vertical scale, `guides` are the levels to draw (none: round numbers are chosen), `labels` name
    the first and the last moment. Many points become a band from each column's lowest to its highest value with the
    mean as a line, so that no spike is lost and the course can still be seen.
    """
    name = f'role="img"><title>{escape(title)}</title>'
    if not len(times) or np.all(np.isnan(values)):
        return f'<svg viewBox="0 0 {WIDTH} 40" {name}<text class="axis" x="8" y="26">no data</text></svg>'
    low, high = limits or _limits(values)
    scale = _Scale(int(times[0]), int(times[-1]), low, high)
    curves = "".join(_curve(scale, times[run], values[run]) for run in _runs(values))
    points = "".join(_mark(scale, mark) for mark in marks)
    lines, texts = _levels(scale, guides or _ticks(low, high))
    feet = (
        f'<text class="axis" x="{LEFT}" y="{HEIGHT - 6}">{escape(labels[0])}</text>'
        f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(labels[1])}</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" {name}{curves}{lines}{points}{texts}{feet}</svg>'


@dataclass(frozen=True, slots=True)
class _Scale:
    first: int
    last: int
    low: float
    high: float

    def x(self, at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - self.first) / max(1, self.last - self.first)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.low) / (self.high - self.low)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = (high - low) * 0.05 or abs(high) * 0.01 or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between `low` and `high`."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)
    return [float(f"{i * step:.12g}") for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _levels(scale: _Scale, levels: Sequence[float]) -> tuple[str, str]:
    """Lines, and the numbers that go above everything else."""
    heights = [(level, scale.y(level)) for level in levels]
    lines = (f'<line class="guide" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>' for _, y in heights)
    texts = (f'<text class="axis" x="{LEFT}" y="{y - 4:.1f}">{level:,.10g}</text>' for level, y in heights)
    return "".join(lines), "".join(texts)


def _runs(values: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """The places of values between holes, run by run."""
    known = ~np.isnan(values)
    edges = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
    return [run for run in np.split(np.arange(len(values)), edges) if known[run[0]]]


def _curve(scale: _Scale, times: NDArray[np.int64], values: NDArray[np.float64]) -> str:
    if len(values) <= 2 * POINTS:
        return f'<polyline points="{_points(scale, times, values)}"/>'
    starts = np.linspace(0, len(values), POINTS, endpoint=False).astype(np.int64)
    middles = times[starts]
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    means = np.add.reduceat(values, starts) / np.diff(starts, append=len(values))
    band = f"{_points(scale, middles, highest)} {_points(scale, middles[::-1], lowest[::-1])}"
    return f'<polygon points="{band}"/><polyline points="{_points(scale, middles, means)}"/>'


def _points(scale: _Scale, times: NDArray[np.int64], values: NDArray[np.float64]) -> str:
    return " ".join(f"{scale.x(t):.1f},{scale.y(v):.1f}" for t, v in zip(times.tolist(), values.tolist(), strict=True))


def _mark(scale: _Scale, mark: Mark) -> str:
    return (
        f'<circle class="{escape(mark.kind)}" cx="{scale.x(mark.at):.1f}" cy="{scale.y(mark.value):.1f}" r="4">'
        f"<title>{escape(mark.title)}</title></circle>"
    )
