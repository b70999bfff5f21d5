"""Draws a market with its scores as PNG or SVG. The drawing itself happens in a child process, with a time limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hybridd.errors import DataError, UsageError
from hybridd.model.candle import Candles, FloatArray
from hybridd.pictures.children import run

TIMEOUT_S = 60.0
FORMATS = (".png", ".svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn: n candles, the score of each (NaN: none), the layers' scores by name, the thresholds.

    `marks`: moments (ms UTC) with a word, such as changes of signal. `unreal` is written across the picture: SIMULATED,
    RECORDED or "".
    """

    title: str
    candles: Candles
    score: FloatArray
    layers: Mapping[str, FloatArray] = field(default_factory=dict)
    long_threshold: float = 65.0
    short_threshold: float = 35.0
    marks: Sequence[tuple[int, str]] = ()
    unreal: str = ""


def draw(scene: Scene, path: Path) -> None:
    """Write the picture to `path`; its ending says the format. Raises UsageError or DataError in one line."""
    if path.suffix not in FORMATS:
        raise UsageError(f"{path} is neither .png nor .svg", remedy="end the file's name in .png or .svg")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}", remedy="make it, or name another place")
    try:
        run("hybridd.pictures.child", str(path), scene=_plain(scene), timeout=TIMEOUT_S)
    except DataError as error:
        raise DataError(f"{path} could not be drawn: {error.message}", remedy=error.remedy) from None


def _plain(scene: Scene) -> dict[str, object]:
    c = scene.candles
    return {
        "title": scene.title,
        "unreal": scene.unreal,
        "thresholds": [scene.short_threshold, scene.long_threshold],
        "step": c.step,
        "time": c.open_time.tolist(),
        "candles": [column.tolist() for column in (c.open, c.high, c.low, c.close)],
        "score": _numbers(scene.score),
        "layers": {name: _numbers(values) for name, values in scene.layers.items()},
        "marks": [[at, word] for at, word in scene.marks],
    }


def _numbers(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 3) for value in values]
