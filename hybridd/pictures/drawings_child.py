"""The child that paints drawings: scenes as JSON on standard input; PNGs, each after its length, on standard output."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

from PIL import Image, ImageDraw, ImageFont

SHARP = 2.4
"""Pixels for each unit of a drawing: sharp on a phone's screen at the width of a mail."""
FINER = 2
"""Drawn so many times larger and then reduced, which makes slanting lines smooth."""
SCALE = SHARP * FINER
COLOURS = 64
# On white, since no mail program tells a picture whether it is shown in the dark; the page's own colours.
GROUND = "#ffffff"
TONES = {
    "line": "#1d4ed8", "soft": "#8a94a6", "rise": "#0f8a7e", "fall": "#d13b55", "grid": "#e3e8ef", "text": "#17202e",
    "faint": "#5b6779",
}  # fmt: skip
ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}
_PLAIN = str.maketrans({"–": "-", "−": "-", "·": ".", "…": "..."})
"""The font that the library brings along knows little more than ASCII."""


def main() -> None:
    """Read, paint, write."""
    with contextlib.suppress(OSError):
        os.nice(10)  # whoever watches the market comes first
    for scene in json.load(sys.stdin)["scenes"]:
        png = io.BytesIO()
        small = paint(scene).reduce(FINER).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(png, "PNG", optimize=True)
        sys.stdout.buffer.write(len(png.getvalue()).to_bytes(4, "big") + png.getvalue())


def paint(scene: dict[str, Any]) -> Image.Image:
    """One drawing, FINER times as large as it is wanted."""
    image = Image.new("RGB", (round(scene["width"] * SCALE), round(scene["height"] * SCALE)), GROUND)
    canvas = ImageDraw.Draw(image)
    for shape in scene["shapes"]:
        _PAINTERS[shape["kind"]](canvas, shape)
    return image


def _stroke(canvas: ImageDraw.ImageDraw, shape: dict[str, Any]) -> None:
    points = [(x * SCALE, y * SCALE) for x, y in shape["points"]]
    width, tone = max(1, round(shape["width"] * SCALE)), TONES[shape["tone"]]
    if not shape["dashed"]:
        canvas.line(points, fill=tone, width=width, joint="curve")
        return
    for (x0, y0), (x1, y1) in pairwise(points):
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
        on, period = 3 * SCALE / length, 7 * SCALE / length
        at = 0.0
        while at < 1:
            end = min(1.0, at + on)
            ends = [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (at, end)]
            canvas.line(ends, fill=tone, width=width)
            at += period


def _box(canvas: ImageDraw.ImageDraw, shape: dict[str, Any]) -> None:
    edges = tuple(shape[side] * SCALE for side in ("left", "top", "right", "bottom"))
    tone = TONES[shape["tone"]]
    if shape["hollow"]:
        canvas.rounded_rectangle(edges, radius=1.5 * SCALE, outline=tone, width=round(1.5 * SCALE))
    else:
        canvas.rounded_rectangle(edges, radius=1.5 * SCALE, fill=tone)


def _dot(canvas: ImageDraw.ImageDraw, shape: dict[str, Any]) -> None:
    x, y, r = (shape[name] * SCALE for name in ("x", "y", "radius"))
    canvas.ellipse((x - r, y - r, x + r, y + r), fill=TONES[shape["tone"]])


def _label(canvas: ImageDraw.ImageDraw, shape: dict[str, Any]) -> None:
    place = (shape["x"] * SCALE, shape["y"] * SCALE)
    words = shape["text"].translate(_PLAIN)
    canvas.text(place, words, TONES[shape["tone"]], _font(shape["size"] * SCALE), ANCHORS[shape["anchor"]])


_PAINTERS: dict[str, Callable[[ImageDraw.ImageDraw, dict[str, Any]], None]] = {
    "Stroke": _stroke,
    "Box": _box,
    "Dot": _dot,
    "Label": _label,
}


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


if __name__ == "__main__":
    main()
