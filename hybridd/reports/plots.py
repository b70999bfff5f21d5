"""The drawings of a report: what you made against the rules, each outcome, prices with scores, odds, layers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from hybridd.reports.drawing import WIDTH, Box, Dot, Drawing, Label, Shape, Stroke, Tone, scale
from hybridd.reports.journal import Case, Fate

LEFT, RIGHT = 8.0, WIDTH - 46.0
"""Numbers stand to the right of the drawing, where the newest value is."""
BARS = 60
"""At most so many outcomes are drawn, the newest: more would be too thin to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A share with its 95 % interval and a name."""

    name: str
    value: float
    low: float
    high: float
    note: str = ""


def course(cases: Sequence[Case]) -> Drawing | None:
    """What you made so far, and what taking every proposal by the rules would have, in R; None before two cases."""
    known = [case for case in cases if case.added is not None]
    if len(known) < 2:
        return None
    yours = [0.0, *accumulate(case.made or 0.0 for case in known)]
    rules = [0.0, *accumulate(case.rules.r or 0.0 for case in known)]
    top, bottom = 30.0, 150.0
    y, shapes = _grid([*yours, *rules], top, bottom, _risk_level)
    x = scale(0, len(known), LEFT, RIGHT)
    lines: list[tuple[list[float], Tone, float, str]] = [
        (rules, "soft", 1.8, "the rules alone"),
        (yours, "line", 2.4, "you"),
    ]
    for values, tone, width, _ in lines:
        shapes.append(Stroke(points=_steps([(x(i), y(v)) for i, v in enumerate(values)]), tone=tone, width=width))
        shapes.append(Dot(x=x(len(known)), y=y(values[-1]), radius=3.2, tone=tone))
    shapes += _legend([("you", "line"), ("the rules alone", "soft")], 14)
    title = f"You made {yours[-1]:+.2f} R, the rules alone {rules[-1]:+.2f} R, over {len(known)} decisions."
    return Drawing(name="course", title=title, height=162, shapes=tuple(shapes))


def outcomes(cases: Sequence[Case]) -> Drawing | None:
    """One bar a proposal: filled what you made, hollow what the rules would have made of what was not taken."""
    bars = [(case.fate is Fate.TAKEN, _height(case)) for case in cases]
    known = [(taken, r) for taken, r in bars if r is not None][-BARS:]
    if len(known) < 2:
        return None
    y, shapes = _grid([0.0, *(r for _, r in known)], 30.0, 150.0, _risk_level)
    x = scale(0, len(known), LEFT, RIGHT)
    half = min(13.0, (RIGHT - LEFT) / len(known) * 0.36)
    for i, (taken, r) in enumerate(known):
        middle, tone = x(i + 0.5), _sign(r)
        ends = sorted((y(0), y(r)))
        low = max(ends[1], ends[0] + 1.5)
        shapes.append(
            Box(left=middle - half, right=middle + half, top=ends[0], bottom=low, tone=tone, hollow=not taken)
        )
    for left, hollow, words in (
        (LEFT, False, "taken: what you made"),
        (152.0, True, "not taken: what it would have made"),
    ):
        shapes.append(Box(left=left, right=left + 8, top=9, bottom=19, tone="rise", hollow=hollow))
        shapes.append(Label(x=left + 14, y=14, text=words, tone="text"))
    title = f"Outcomes of {len(known)} proposals in R, oldest to newest."
    return Drawing(name="outcomes", title=title, height=162, shapes=tuple(shapes))


def equity(curve: Sequence[tuple[int, float]]) -> Drawing | None:
    """What 100 became, exit by exit; `curve` is (exit in ms UTC, what 1 became). None before two exits."""
    if len(curve) < 2:
        return None
    heights = [100.0, *(100 * height for _, height in curve)]
    y, shapes = _grid(heights, 24.0, 130.0, lambda v: f"{v:.4g}")
    x = scale(0, len(curve), LEFT, RIGHT)
    shapes.append(Stroke(points=((LEFT, y(100)), (RIGHT, y(100))), tone="soft", width=1, dashed=True))
    shapes.append(Stroke(points=_steps([(x(i), y(v)) for i, v in enumerate(heights)]), tone="line", width=2.2))
    shapes.append(Dot(x=x(len(curve)), y=y(heights[-1]), radius=3.2, tone="line"))
    shapes += _legend([("what 100 became, trade by trade", "line")], 10)
    title = f"What 100 became over {len(curve)} trades: {heights[-1]:.2f}."
    return Drawing(name="equity", title=title, height=140, shapes=tuple(shapes))


def market(
    name: str, title: str, times: Sequence[int], prices: Sequence[float], scores: Sequence[float],
    thresholds: tuple[float, float], labels: tuple[str, str],
) -> Drawing | None:  # fmt: skip
    """Price above, score beneath; n analyses each, oldest first; None of fewer than two."""
    if len(times) < 2:
        return None
    x = scale(times[0], times[-1], LEFT, RIGHT)
    y, shapes = _grid(prices, 10.0, 104.0, _short_price)
    shapes.append(
        Stroke(points=tuple((x(t), y(p)) for t, p in zip(times, prices, strict=True)), tone="line", width=1.8)
    )
    shapes.append(Dot(x=x(times[-1]), y=y(prices[-1]), radius=3, tone="line"))
    low, high = thresholds
    score_y = scale(min(low - 5, *scores), max(high + 5, *scores), 176.0, 122.0)
    for level, tone in ((high, "rise"), (low, "fall")):
        near: Tone = "rise" if tone == "rise" else "fall"
        shapes.append(
            Stroke(points=((LEFT, score_y(level)), (RIGHT, score_y(level))), tone=near, width=0.8, dashed=True)
        )
        shapes.append(Label(x=RIGHT + 6, y=score_y(level), text=f"{level:g}", tone=near))
    points = tuple((x(t), score_y(s)) for t, s in zip(times, scores, strict=True))
    shapes.append(Stroke(points=points, tone="soft", width=1.4))
    shapes.append(Label(x=LEFT, y=190, text=labels[0]))
    shapes.append(Label(x=RIGHT, y=190, text=labels[1], anchor="end"))
    return Drawing(name=name, title=title, height=198, shapes=tuple(shapes))


def reliability_plot(curve: Sequence[tuple[float, float, float, float]], title: str) -> Drawing | None:
    """Odds given against what happened: (odds, share, low, high) of each bin, shares of one; None of none."""
    if not curve:
        return None
    size, top, left = 200.0, 12.0, 40.0
    # Around a half, where odds of markets lie: all of 0 to 100 % would press them into one spot.
    reach = max(abs(value - 0.5) for row in curve for value in row)
    reach = min(0.5, max(0.1, math.ceil(reach * 20) / 20))
    least, most = 0.5 - reach, 0.5 + reach
    x, y = scale(least, most, left, left + size * 1.6), scale(least, most, top + size, top)
    shapes: list[Shape] = []
    for level in (least, 0.5 - reach / 2, 0.5, 0.5 + reach / 2, most):
        shapes.append(Stroke(points=((x(least), y(level)), (x(most), y(level))), tone="grid", width=0.8))
        shapes.append(Label(x=x(least) - 6, y=y(level), text=f"{level * 100:.3g} %", anchor="end"))
        shapes.append(Label(x=x(level), y=top + size + 12, text=f"{level * 100:.3g} %", anchor="middle"))
    shapes.append(Stroke(points=((x(least), y(least)), (x(most), y(most))), tone="soft", width=1, dashed=True))
    shapes.append(Label(x=x(most) + 8, y=y(most), text="perfect", tone="soft"))
    for odds, share, low, high in curve:
        shapes.append(Stroke(points=((x(odds), y(low)), (x(odds), y(high))), tone="line", width=1))
        shapes.append(Dot(x=x(odds), y=y(share), radius=3.6, tone="line"))
    shapes.append(Label(x=x(0.5), y=top + size + 28, text="odds given for a higher price", anchor="middle"))
    shapes.append(Label(x=x(most) + 8, y=y(0.5), text="what", tone="faint"))
    shapes.append(Label(x=x(most) + 8, y=y(0.5) + 14, text="happened", tone="faint"))
    return Drawing(name="odds", title=title, height=top + size + 38, shapes=tuple(shapes))


def hit_plot(rows: Sequence[Range], title: str) -> Drawing | None:
    """Hit rates with their intervals around a half, one row each; None of none."""
    if not rows:
        return None
    step, top = 19.0, 24.0
    bottom = top + step * len(rows)
    reach = max(0.1, *(abs(edge - 0.5) for row in rows for edge in (row.low, row.high)))
    x = scale(0.5 - reach, 0.5 + reach, 112.0, WIDTH - 62.0)
    shapes: list[Shape] = [
        Stroke(points=((x(0.5), top - 8), (x(0.5), bottom)), tone="soft", width=1, dashed=True),
        Label(x=x(0.5), y=top - 16, text="50 %: a coin", anchor="middle"),
    ]
    for i, row in enumerate(rows):
        y = top + step * (i + 0.5)
        tone: Tone = "rise" if row.low > 0.5 else "fall" if row.high < 0.5 else "line"
        shapes.append(Label(x=104, y=y, text=row.name, anchor="end", tone="text"))
        shapes.append(Stroke(points=((x(row.low), y), (x(row.high), y)), tone=tone, width=1.6))
        shapes.append(Dot(x=x(row.value), y=y, radius=3.6, tone=tone))
        shapes.append(Label(x=WIDTH - 54, y=y, text=row.note, tone="faint"))
    return Drawing(name="layers", title=title, height=bottom + 8, shapes=tuple(shapes))


def _height(case: Case) -> float | None:
    if case.fate is Fate.TAKEN:
        return case.made
    return case.rules.r if case.added is not None else None


def _sign(value: float) -> Tone:
    return "rise" if value >= 0 else "fall"


def _legend(entries: Sequence[tuple[str, Tone]], y: float) -> list[Shape]:
    shapes: list[Shape] = []
    left = LEFT
    for text, tone in entries:
        shapes += [Dot(x=left + 4, y=y, radius=4, tone=tone), Label(x=left + 13, y=y, text=text, tone="text")]
        left += 30 + 6.1 * len(text)
    return shapes


def _steps(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """A course that stays until it changes."""
    corners = [corner for a, b in pairwise(points) for corner in (a, (b[0], a[1]))]
    return (*corners, points[-1])


def _grid(
    values: Sequence[float], top: float, bottom: float, word: Callable[[float], str]
) -> tuple[Callable[[float], float], list[Shape]]:
    """A scale that holds all values, and its levels with their numbers."""
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
    low, high = low - room, high + room
    y = scale(low, high, bottom, top)
    shapes: list[Shape] = []
    for level in _levels(low, high):
        shapes.append(Stroke(points=((LEFT, y(level)), (RIGHT, y(level))), tone="grid", width=0.8))
        shapes.append(Label(x=RIGHT + 6, y=y(level), text=word(level)))
    return y, shapes


def _levels(low: float, high: float) -> list[float]:
    """Two to five round numbers between `low` and `high`."""
    rough = (high - low) / 3.5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)
    return [float(f"{i * step:.12g}") for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _risk_level(value: float) -> str:
    return f"{value:+g} R" if value else "0"


def _short_price(value: float) -> str:
    """A level of prices in at most six letters or so."""
    if abs(value) >= 10_000:
        return f"{value / 1000:,.4g}k"
    return f"{value:,.5g}"
