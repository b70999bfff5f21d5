"""Numbers, times and durations as a person reads them; a figure never says more or less than the number does."""

import math
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hybridd.clock import as_datetime

_MOST_DECIMALS = 3
_PLAIN_FROM, _PLAIN_TO = -12, 15
"""Powers of ten between which a price is written out; beyond them nobody counts the zeros."""


def price(value: float) -> str:
    """45,250.00 · 12.50 · 0.00001234: two decimals or, for small prices, five digits that count."""
    if not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if not _PLAIN_FROM <= magnitude < _PLAIN_TO:
        return f"{value:.5g}"
    decimals = 2 if magnitude >= 3 else max(2, 4 - magnitude)
    text = f"{value:,.{decimals}f}"
    while text.endswith("0") and len(text.partition(".")[2]) > 2:
        text = text[:-1]
    return text


def score(value: float, *others: float) -> str:
    """A score as an integer, with as many decimals as it takes not to look like a threshold or like the `others`.

    64.6 stays 64.6, because 65 would look like a signal: thresholds are multiples of five.
    """
    if not math.isfinite(value):
        return "unknown"
    for decimals in range(_MOST_DECIMALS):
        text = f"{value:.{decimals}f}"
        shown = float(text)
        looks_like_threshold = shown % 5 == 0 and abs(value - shown) > 1e-9
        looks_like_other = any(f"{other:.{decimals}f}" == text and abs(other - value) > 1e-9 for other in others)
        if not looks_like_threshold and not looks_like_other:
            return text
    return f"{value:.{_MOST_DECIMALS}f}"


def percent(share: float, *others: float) -> str:
    """A share of one in percent, by the rule of `score`: 0.87 is "87 %"."""
    return f"{score(share * 100, *(other * 100 for other in others))} %"


def points(value: float) -> str:
    """A difference of scores without its sign: 14, or 0.8 where an integer would lose it."""
    size = abs(value)
    text = f"{size:.0f}" if abs(size - round(size)) < 0.05 else f"{size:.1f}"
    return f"{text} point" if text == "1" else f"{text} points"


def duration(ms: int) -> str:
    """45 s · 5 min · 2 h 5 min · 3 d 4 h: the two largest units that matter."""
    seconds = max(0, ms) // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def zone_of(name: str) -> tzinfo:
    """The time zone `name`; UTC, which every time then says, on a machine that has no such zone or no zones at all."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def clock_time(ms: int, zone: tzinfo, near: int | None = None) -> str:
    """ "03:15 CET", with the date before it unless that is the date of `near` (ms UTC) in the same zone."""
    moment = as_datetime(ms).astimezone(zone)
    text = f"{moment:%H:%M} {moment.tzname()}"
    same_day = near is not None and as_datetime(near).astimezone(zone).date() == moment.date()
    return text if same_day else f"{moment:%Y-%m-%d} {text}"
