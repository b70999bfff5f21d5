"""Line charts as SVG text: no library, no request, readable in print and in the dark."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 960, 220
LEFT, RIGHT, TOP, BOTTOM = 70, 10, 12, 24
POINTS = 900


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

    `limits` fixes the vertical scale, `guides` are thin level lines, `labels` name the first and the last moment.
    Thinned to 900 columns by keeping each column's lowest and highest value, so that no spike is lost.
    """
    if not len(times) or np.all(np.isnan(values)):
        return f'<svg viewBox="0 0 {WIDTH} 40" role="img"><title>{title}</title><text x="8" y="26">no data</text></svg>'
    low, high = limits or _limits(values)
    scale = _Scale(int(times[0]), int(times[-1]), low, high)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{title}</title>', *_axis(scale, guides, labels)]
    parts += [f'<polyline points="{points}"/>' for points in _curves(scale, times, values)]
    parts += [_mark(scale, mark) for mark in marks]
    return "".join([*parts, "</svg>"])


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


def _axis(scale: _Scale, guides: Sequence[float], labels: tuple[str, str]) -> list[str]:
    levels = (scale.low, (scale.low + scale.high) / 2, scale.high)
    parts = [
        f'<text class="axis" x="{LEFT - 6}" y="{scale.y(level) + 4:.1f}" text-anchor="end">{level:,.6g}</text>'
        for level in levels
    ]
    for level in guides:
        y = scale.y(level)
        parts.append(f'<line class="guide" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts.append(f'<text class="axis" x="{LEFT}" y="{HEIGHT - 6}">{labels[0]}</text>')
    parts.append(f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{labels[1]}</text>')
    return parts


def _curves(scale: _Scale, times: NDArray[np.int64], values: NDArray[np.float64]) -> list[str]:
    known = ~np.isnan(values)
    edges = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
    runs = [run for run in np.split(np.arange(len(values)), edges) if known[run[0]]]
    return [_points(scale, times[run], values[run]) for run in runs]


def _points(scale: _Scale, times: NDArray[np.int64], values: NDArray[np.float64]) -> str:
    if len(values) > 2 * POINTS:
        chunks = np.array_split(np.arange(len(values)), POINTS)
        extremes = (sorted({int(c[values[c].argmin()]), int(c[values[c].argmax()])}) for c in chunks)
        chosen = np.array([i for pair in extremes for i in pair])
        times, values = times[chosen], values[chosen]
    return " ".join(f"{scale.x(t):.1f},{scale.y(v):.1f}" for t, v in zip(times.tolist(), values.tolist(), strict=True))


def _mark(scale: _Scale, mark: Mark) -> str:
    return (
        f'<circle class="{mark.kind}" cx="{scale.x(mark.at):.1f}" cy="{scale.y(mark.value):.1f}" r="3">'
        f"<title>{mark.title}</title></circle>"
    )
