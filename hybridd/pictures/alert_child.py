"""The child that draws an alert's chart: an AlertChart as JSON on standard input, a PNG on standard output."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

# In pixels of the picture, which a mail shows at half its size or less.
WIDTH, HEIGHT = 1120, 920
LEFT, RIGHT = 28, 958
NEWEST = 940
"""Where the newest candle ends: its mark must not lie on the prices beside it."""
PRICE_TOP, PRICE_BOTTOM = 104, 540
SCORE_TOP, SCORE_BOTTOM = 596, 800
TIMES_AT, FOOT_AT = 810, 866
FINER = 2
"""Drawn so many times larger and then reduced, which makes slanting lines smooth."""
COLOURS = 96

# Dark, so that it blinds nobody at night, in a light mail and in a dark one. Rise and fall are told apart by people who
# do not see red and green apart, and in grey.
GROUND, GRID, FAINT, TEXT = "#10151f", "#263041", "#93a0b4", "#e6ebf2"
RISE, FALL, LINE, THIS = "#2fb7a0", "#e4647a", "#f2f5f9", "#ffc247"
RISE_ZONE, FALL_ZONE, NIGHT = "#132c31", "#2c1c2a", "#1b2331"
TONES = {"LONG": RISE, "SHORT": FALL, "NEUTRAL": FAINT}


def main() -> None:
    """Read, draw, write."""
    with contextlib.suppress(OSError):
        os.nice(10)  # whoever watches the market comes first
    picture = paint(json.load(sys.stdin))
    small = picture.reduce(FINER).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    png = io.BytesIO()
    small.save(png, "PNG", optimize=True)
    sys.stdout.buffer.write(png.getvalue())


def paint(chart: dict[str, Any]) -> Image.Image:
    """The chart, FINER times as large as it is wanted."""
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), GROUND)
    pen = Pen(ImageDraw.Draw(image))
    first, last = chart["candles"][0][0], chart["candles"][-1][0] + chart["step"]
    lows, highs = [c[3] for c in chart["candles"]], [c[2] for c in chart["candles"]]
    x = scale(first, last, LEFT, NEWEST)
    # Room above and below, so that the marks do not leave the panel.
    room = (max(highs) - min(lows)) * 0.10 or abs(max(highs)) * 0.001 or 1.0
    y = scale(min(lows) - room, max(highs) + room, PRICE_BOTTOM, PRICE_TOP)
    score_y = scale(0, 100, SCORE_BOTTOM, SCORE_TOP)
    _grid(pen, chart, x, y, score_y)
    if chart["unreal"]:
        pen.text((LEFT + RIGHT) / 2, (PRICE_TOP + PRICE_BOTTOM) / 2, chart["unreal"], 130, NIGHT, "mm", bold=3)
    _candles(pen, chart, x, y)
    _scores(pen, chart, x, score_y)
    _marks(pen, chart, x, y)
    _words(pen, chart, x, y, score_y)
    return image


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws in the picture's pixels on a canvas that is FINER times as large."""

    canvas: ImageDraw.ImageDraw

    def box(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        # At least a pixel each way: a price that never moved is seen as well.
        far, low = max(right * FINER - 1, left * FINER), max(bottom * FINER - 1, top * FINER)
        self.canvas.rectangle((left * FINER, top * FINER, far, low), fill=colour)

    def line(self, points: list[tuple[float, float]], colour: str, width: float) -> None:
        scaled = [(px * FINER, py * FINER) for px, py in points]
        self.canvas.line(scaled, fill=colour, width=round(width * FINER), joint="curve")

    def shape(self, points: list[tuple[float, float]], fill: str, edge: str) -> None:
        scaled = [(px * FINER, py * FINER) for px, py in points]
        self.canvas.polygon(scaled, fill=fill, outline=edge, width=round(2.5 * FINER))

    def pill(self, left: float, middle: float, words: str, fill: str) -> None:
        box = (left * FINER, (middle - 24) * FINER, (WIDTH - 6) * FINER, (middle + 24) * FINER)
        self.canvas.rounded_rectangle(box, radius=9 * FINER, fill=fill)
        self.text(left + 12, middle, words, fitting(words, 34, WIDTH - left - 26), GROUND, "lm", bold=0.7)

    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str, bold: float = 0.0) -> None:
        self.canvas.text(
            (x * FINER, y * FINER),
            words,
            colour,
            font(size * FINER),
            anchor,
            stroke_width=bold * FINER,
        )


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From a value between `low` and `high` to a pixel between `start` and `end`."""
    return lambda value: start + (end - start) * (value - low) / ((high - low) or 1.0)


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that the library brings along: no machine lacks it."""
    return ImageFont.load_default(size)


def fitting(words: str, size: float, room: float) -> float:
    """The size at which `words` are no wider than `room`."""
    width = font(size).getlength(words)
    return size if width <= room else max(12.0, size * room / width)


Place = Callable[[float], float]


def _grid(pen: Pen, chart: dict[str, Any], x: Place, y: Place, score_y: Place) -> None:
    short, long = chart["thresholds"]
    pen.box(LEFT, score_y(100), RIGHT, score_y(long), RISE_ZONE)
    pen.box(LEFT, score_y(short), RIGHT, score_y(0), FALL_ZONE)
    for at, _ in chart["times"]:
        pen.box(x(at) - 1, PRICE_TOP, x(at) + 1, PRICE_BOTTOM, GRID)
        pen.box(x(at) - 1, SCORE_TOP, x(at) + 1, SCORE_BOTTOM, GRID)
    for value, _ in chart["prices"]:
        pen.box(LEFT, y(value) - 1, RIGHT, y(value) + 1, GRID)
    for value in (short, 50, long):
        pen.box(LEFT, score_y(value) - 1, RIGHT, score_y(value) + 1, GRID)


def _candles(pen: Pen, chart: dict[str, Any], x: Place, y: Place) -> None:
    step = chart["step"]
    half = max(1.5, (x(step) - x(0)) * 0.36)
    for opened, first, high, low, last in chart["candles"]:
        colour = RISE if last >= first else FALL
        middle = x(opened + step / 2)
        top, bottom = y(max(first, last)), y(min(first, last))
        pen.box(middle - 1, y(high), middle + 1, y(low), colour)
        pen.box(middle - half, top, middle + half, max(bottom, top + 2), colour)


def _scores(pen: Pen, chart: dict[str, Any], x: Place, score_y: Place) -> None:
    half, longest = chart["step"] / 2, chart["step"] * 1.5
    run: list[tuple[float, float]] = []
    before = None
    for at, value in chart["scores"]:
        if before is not None and at - before > longest:
            _curve(pen, run)
            run = []
        run.append((x(at - half), score_y(value)))
        before = at
    _curve(pen, run)


def _curve(pen: Pen, points: list[tuple[float, float]]) -> None:
    if len(points) > 1:
        pen.line(points, LINE, 3.2)
    elif points:
        (px, py) = points[0]
        pen.box(px - 3, py - 3, px + 3, py + 3, LINE)


def _marks(pen: Pen, chart: dict[str, Any], x: Place, y: Place) -> None:
    step = chart["step"]
    candles = {candle[0] + step: candle for candle in chart["candles"]}
    for mark in sorted(chart["marks"], key=lambda one: one["this"]):
        candle = candles.get(mark["at"])
        if candle is None:
            continue
        middle = x(mark["at"] - step / 2)
        if mark["this"]:
            for top in range(PRICE_TOP, SCORE_BOTTOM, 14):
                pen.box(middle - 1, top, middle + 1, top + 7, THIS)
        _sign(pen, mark, middle, y(candle[2]), y(candle[3]))


def _sign(pen: Pen, mark: dict[str, Any], middle: float, high: float, low: float) -> None:
    """A triangle under the candle for LONG, above it for SHORT, a diamond above it for neither."""
    size = 17.0 if mark["this"] else 12.0
    fill = THIS if mark["this"] else TONES[mark["kind"]]
    if mark["kind"] == "LONG":
        top = low + 8
        points = [(middle, top), (middle - size, top + size * 1.5), (middle + size, top + size * 1.5)]
    elif mark["kind"] == "SHORT":
        foot = high - 8
        points = [(middle, foot), (middle - size, foot - size * 1.5), (middle + size, foot - size * 1.5)]
    else:
        foot = high - 8
        points = [(middle, foot), (middle - size, foot - size), (middle, foot - 2 * size), (middle + size, foot - size)]
    pen.shape(points, fill, GROUND)


def _words(pen: Pen, chart: dict[str, Any], x: Place, y: Place, score_y: Place) -> None:
    short, long = chart["thresholds"]
    pen.text(LEFT, 52, chart["title"], fitting(chart["title"], 48, WIDTH - 2 * LEFT), TEXT, "lm", bold=0.9)
    _, opened, _, _, last = chart["candles"][-1]
    _labels(pen, chart["prices"], y, last, chart["price_label"], RISE if last >= opened else FALL)
    levels = [(value, f"{value:g}") for value in (long, short)]
    if chart["scores"]:
        latest = chart["scores"][-1][1]
        tone = RISE if latest >= long else FALL if latest <= short else LINE
        _labels(pen, levels, score_y, latest, chart["score_label"], tone)
    pen.text(LEFT + 8, SCORE_TOP + 8, "LONG", 30, RISE, "lt")
    pen.text(LEFT + 8, SCORE_BOTTOM - 8, "SHORT", 30, FALL, "lb")
    pen.text(LEFT, SCORE_TOP - 14, "score", 32, FAINT, "lb")
    for at, label in chart["times"]:
        pen.text(x(at), TIMES_AT, label, 34, FAINT, "mt")
    pen.text(LEFT, FOOT_AT, chart["foot"], 32, FAINT, "lt")
    _legend(pen, chart)


def _labels(pen: Pen, levels: list[tuple[float, str]], y: Place, latest: float, label: str, tone: str) -> None:
    """The latest value on its own ground, and the levels that it leaves room for."""
    edge, room = RIGHT + 10, WIDTH - RIGHT - 18
    for value, words in levels:
        if abs(y(value) - y(latest)) > 44:
            pen.text(edge, y(value), words, fitting(words, 34, room), FAINT, "lm")
    pen.pill(edge - 4, y(latest), label, tone)


def _legend(pen: Pen, chart: dict[str, Any]) -> None:
    marks = [("this alert", THIS, True)]
    if any(not mark["this"] for mark in chart["marks"]):
        marks.append(("earlier", FAINT, False))
    right = float(WIDTH - 28)
    for words, colour, this in reversed(marks):
        pen.text(right, FOOT_AT, words, 32, FAINT, "rt")
        middle = right - font(32).getlength(words) - 26
        size = 13 if this else 10
        pen.shape([(middle, FOOT_AT), (middle - size, FOOT_AT + 25), (middle + size, FOOT_AT + 25)], colour, GROUND)
        right = middle - 36


if __name__ == "__main__":
    main()
