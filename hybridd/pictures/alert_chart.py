"""The chart of an alert, for a phone: candles, the score beneath, marks for this alert and for earlier ones."""

import importlib.util
from dataclasses import asdict, dataclass
from typing import Literal

from hybridd.pictures.children import run

TIMEOUT_S = 3.0
"""Drawing takes a fifth of a second; a machine that needs fifteen times as long has better things to do."""

Tick = tuple[float, str]
Kind = Literal["LONG", "SHORT", "NEUTRAL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An alert in the chart: the close of its candle (ms UTC), the signal then, whether it is this one."""

    at: int
    kind: Kind
    this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChart:
    """What is drawn, every label in words already; ASCII only, for the font knows little more.

    `candles`: (open time ms UTC, open, high, low, close), oldest first, each `step` ms long; `scores`: (candle close
    ms UTC, score); `prices` and `times` are ticks: a value or an instant with its label. `unreal` is written
    across: SIMULATED, RECORDED or "".
    """

    title: str
    foot: str
    step: int
    candles: tuple[tuple[int, float, float, float, float], ...]
    scores: tuple[tuple[int, float], ...]
    thresholds: tuple[float, float]
    prices: tuple[Tick, ...]
    times: tuple[Tick, ...]
    price_label: str
    score_label: str
    marks: tuple[Mark, ...]
    unreal: str


def can_draw() -> bool:
    """Whether the library that draws is installed."""
    return importlib.util.find_spec("PIL") is not None


def draw_alert(chart: AlertChart, timeout: float = TIMEOUT_S) -> bytes:
    """The chart as PNG; raises DataError in one line."""
    return run("hybridd.pictures.alert_child", scene=asdict(chart), timeout=timeout)
