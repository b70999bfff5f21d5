"""Drawings as shapes: laid out once, then written as SVG for pages or painted as PNG for mails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

Tone = Literal["line", "soft", "rise", "fall", "grid", "text", "faint"]
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]
WIDTH = 480.0
"""Of every drawing, in units of its own: about those of a page 600 px wide, and still legible on a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A line through points; `width` in the drawing's units."""

    points: tuple[Point, ...]
    tone: Tone
    width: float = 1.5
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A filled rectangle; `hollow` ones show their edge only."""

    left: float
    top: float
    right: float
    bottom: float
    tone: Tone
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Words with their middle line at `y`."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    tone: Tone = "faint"
    size: float = 11.5


Shape = Stroke | Box | Dot | Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes on a ground WIDTH wide. `name` is unique within a report, `title` says to those who cannot see what is
    shown."""

    name: str
    title: str
    height: float
    shapes: tuple[Shape, ...]


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From a value between `low` and `high` to a place between `start` and `end`."""
    return lambda value: start + (end - start) * (value - low) / ((high - low) or 1.0)


def svg(drawing: Drawing) -> str:
    """The drawing as one `<svg>` element whose colours are classes of the page."""
    body = "".join(_WRITERS[type(shape)](shape) for shape in drawing.shapes)
    box = f'viewBox="0 0 {WIDTH:g} {drawing.height:g}"'
    return f'<svg {box} role="img"><title>{escape(drawing.title)}</title>{body}</svg>'


def _stroke(shape: Stroke) -> str:
    dash = ' stroke-dasharray="3 4"' if shape.dashed else ""
    points = _points(shape.points)
    return f'<polyline class="s-{shape.tone}" stroke-width="{shape.width:g}"{dash} points="{points}"/>'


def _box(shape: Box) -> str:
    kind = "s" if shape.hollow else "f"
    size = f'width="{shape.right - shape.left:.1f}" height="{shape.bottom - shape.top:.1f}"'
    return f'<rect class="{kind}-{shape.tone}" x="{shape.left:.1f}" y="{shape.top:.1f}" {size} rx="1.5"/>'


def _dot(shape: Dot) -> str:
    return f'<circle class="f-{shape.tone}" cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="{shape.radius:g}"/>'


def _label(shape: Label) -> str:
    place = f'x="{shape.x:.1f}" y="{shape.y + shape.size * 0.35:.1f}"'
    anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
    return f'<text class="f-{shape.tone}" {place} font-size="{shape.size:g}"{anchor}>{escape(shape.text)}</text>'


_WRITERS: dict[type, Callable[..., str]] = {Stroke: _stroke, Box: _box, Dot: _dot, Label: _label}


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
