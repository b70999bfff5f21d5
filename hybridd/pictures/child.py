"""The child that draws: a scene as JSON on standard input, a picture to the path that it is given."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # no screen is needed, and none is asked for

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

# Told apart by people who do not see red and green apart, and in grey.
RISE, FALL, LINE, SOFT = "#2a9d8f", "#d1495b", "#264653", "#8d99ae"


def main() -> None:
    """Read, draw, write."""
    scene = json.load(sys.stdin)
    layers = scene["layers"]
    heights = [5, 2.2, max(0.28 * len(layers), 0.5)] if layers else [5, 2.2]
    figure, axes = plt.subplots(
        len(heights), 1, sharex=True, figsize=(11, sum(heights) * 0.95 + 0.8), gridspec_kw={"height_ratios": heights}
    )
    days = np.array([mdates.date2num(datetime.fromtimestamp(t / 1000, UTC)) for t in scene["time"]])
    width = scene["step"] / 86_400_000
    _candles(axes[0], scene, days, width)
    _score(axes[1], scene, days + width)
    if layers:
        _layers(axes[2], layers, days, width)
    ticks = mdates.AutoDateLocator()
    axes[-1].xaxis.set_major_locator(ticks)
    axes[-1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(ticks))
    axes[-1].set_xlabel("time, UTC")
    figure.suptitle(f"{scene['unreal']}  {scene['title']}".strip(), x=0.02, ha="left", weight="bold")
    figure.tight_layout()
    figure.savefig(sys.argv[1], dpi=110)


def _candles(ax: Axes, scene: dict[str, Any], days: Any, width: float) -> None:  # noqa: ANN401
    opened, high, low, close = (np.array(column) for column in scene["candles"])
    colours = np.where(close >= opened, RISE, FALL)
    middle = days + width / 2
    ax.vlines(middle, low, high, colors=colours, linewidth=0.8)
    body = np.maximum(np.abs(close - opened), (high.max() - low.min()) * 1e-4)
    ax.bar(middle, body, width * 0.75, np.minimum(opened, close), color=colours)
    for at, word in scene["marks"]:
        x = mdates.date2num(datetime.fromtimestamp(at / 1000, UTC))
        ax.axvline(x, color=SOFT, linewidth=0.8, linestyle=":")
        ax.annotate(word, (x, 1), xycoords=("data", "axes fraction"), fontsize=8, ha="right", va="top", rotation=90)
    if scene["unreal"]:
        ax.text(0.5, 0.5, scene["unreal"], transform=ax.transAxes, fontsize=42, alpha=0.12, ha="center", va="center")
    ax.set_ylabel("price")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    ax.grid(alpha=0.25)


def _score(ax: Axes, scene: dict[str, Any], closes: Any) -> None:  # noqa: ANN401
    score = np.array([np.nan if value is None else value for value in scene["score"]], dtype=float)
    short, long = scene["thresholds"]
    ax.axhspan(long, 100, color=RISE, alpha=0.10)
    ax.axhspan(0, short, color=FALL, alpha=0.10)
    ax.axhline(50, color=SOFT, linewidth=0.8)
    ax.plot(closes, score, color=LINE, linewidth=1.4)
    ax.set_ylim(0, 100)
    ax.set_yticks([0, short, 50, long, 100])
    ax.set_ylabel("score")
    ax.text(0.005, 0.93, "LONG", transform=ax.transAxes, fontsize=8, color=RISE, va="top")
    ax.text(0.005, 0.07, "SHORT", transform=ax.transAxes, fontsize=8, color=FALL, va="bottom")


def _layers(ax: Axes, layers: dict[str, Any], days: Any, width: float) -> None:  # noqa: ANN401
    table = np.array([[np.nan if v is None else v for v in row] for row in layers.values()], dtype=float)
    edges = np.append(days, days[-1] + width)
    palette = mpl.colormaps["RdBu"].copy()
    palette.set_bad("#dddddd")
    rows = np.arange(len(table) + 1)
    mesh = ax.pcolormesh(edges, rows, np.ma.masked_invalid(table), cmap=palette, vmin=0, vmax=100, rasterized=True)
    ax.set_yticks(rows[:-1] + 0.5, list(layers), fontsize=8)
    ax.invert_yaxis()
    ax.set_title("layers: blue is bullish, red is bearish, grey says nothing", fontsize=8, loc="left")
    mesh.set_edgecolor("face")


if __name__ == "__main__":
    main()
