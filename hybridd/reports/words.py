"""Figures as a reader of reports takes them in: signs, units, and no digit more than the number deserves."""

import math
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TypeGuard, TypeVar

from hybridd.clock import as_datetime

NONE = "–"
ROWS = 20
"""So many markets a table shows; the JSON has all of them."""
T = TypeVar("T")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def percent(value: float | None, digits: int = 2) -> str:
    """A gain or a move in percent, with its sign: "+1.25 %"."""
    return f"{_rounded(value, digits):+.{digits}f} %" if _known(value) else NONE


def share(value: float | None, digits: int = 0) -> str:
    """A share of one in percent, without a sign: 0.62 is "62 %"."""
    return f"{value * 100:.{digits}f} %" if _known(value) else NONE


def risks(value: float | None) -> str:
    """A gain in distances of the stop, with its sign: "+1.25 R"."""
    return f"{_rounded(value, 2):+.2f} R" if _known(value) else NONE


def figure(value: float | None) -> str:
    """A plain number with the digits that its size deserves."""
    if not _known(value):
        return NONE
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def price(value: float | None) -> str:
    """A price, never rounded to nothing: "45,250.00", "0.000012"."""
    if not _known(value):
        return NONE
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.6g}"


def span(ms: float | None) -> str:
    """A length of time in its two largest units: "3 min 20 s"."""
    if not _known(ms):
        return NONE
    seconds = max(0, round(ms / 1000))
    parts: list[str] = []
    for length, name in _UNITS:
        count, seconds = divmod(seconds, length)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2])


def moment(ms: int, zone: tzinfo) -> str:
    """An instant in the reader's zone, to the minute: "2025-06-16 06:10"."""
    return f"{as_datetime(ms).astimezone(zone):%Y-%m-%d %H:%M}"


def day(ms: int, zone: tzinfo) -> str:
    """The date of an instant in the reader's zone."""
    return f"{as_datetime(ms).astimezone(zone):%Y-%m-%d}"


def counted(n: int, one: str, many: str = "") -> str:
    """ "1 trade", "2 trades", "no trades"."""
    return f"{n:,} {one}" if n == 1 else f"{f'{n:,}' if n else 'no'} {many or one + 's'}"


def foremost(rows: Sequence[T], weight: Callable[[T], float], most: int = ROWS) -> list[T]:
    """Of more than `most` rows those that weigh most, as many, in the order they came: nobody reads hundreds."""
    if len(rows) <= most:
        return list(rows)
    kept = sorted(range(len(rows)), key=lambda i: -weight(rows[i]))[:most]
    return [rows[i] for i in sorted(kept)]


def listed(parts: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _rounded(value: float, digits: int) -> float:
    """Without a sign where nothing is left of it: -0.001 is "+0.00", never "-0.00"."""
    return round(value, digits) + 0.0
