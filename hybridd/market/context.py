"""The protocol of inputs beyond candles, and the sieve that every value of theirs goes through."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hybridd.clock import iso
from hybridd.errors import FeedUnavailable
from hybridd.market.feed import Feed
from hybridd.market.publication import PUBLICATIONS
from hybridd.model.instrument import Instrument

T = TypeVar("T")

Value = tuple[int, float]
"""The instant that a value describes (ms UTC), and the value."""

FUTURE_MS = 60_000
"""How far ahead of our clock a source's stamp may be: clocks differ a little."""
EARLIEST_MS = 946_684_800_000
"""The year 2000: what is stamped earlier has its time in other units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a source gave: values by series name, oldest first, and one line about those that were not believed."""

    values: Mapping[str, Sequence[Value]]
    refused: str = ""


class ContextSource(Protocol):
    """One input beyond candles. `series` are the names that it gives; `name` is how lines about it begin.

    `per_market`: it is asked once for each watched market, else once for all. `interval_s`: seconds between two
    looks, by the clock; 0: once a candle, shortly before it closes. `offset_s`: when, from the full hour or whatever
    begins an interval: before its values count (`release_times`), and with time to ask for those of all markets.
    """

    name: str
    series: tuple[str, ...]
    per_market: bool
    interval_s: int
    offset_s: int

    def fetch(self, symbol: str, newest: int, now: int) -> Given:
        """What the source has after `newest` (ms UTC, -1: nothing is known) for a watched `symbol` ("" for all).

        Blocks up to its time-outs. Raises FeedError.
        """
        ...


class Exchange(Feed, Protocol):
    """A feed that can be asked for more than candles."""

    def offers(self, method: str) -> bool:
        """Whether the exchange has what ccxt calls `method`."""
        ...

    def ask(self, instrument: Instrument, what: str, question: Callable[[Any], T]) -> T:
        """The answer to a question about one market."""
        ...


def sifted(name: str, source: str, rows: Iterable[tuple[object, object]], now: int) -> tuple[list[Value], str]:
    """The rows (instant, value) that can be true, in order and each instant once, and a line about the first other.

    Raises FeedUnavailable where there are rows and none can be true.
    """
    good: dict[int, float] = {}
    refused, count = "", 0
    for at, value in rows:
        why = _doubt(name, at, value, now)
        if why:
            refused = refused or why
            count += 1
        else:
            good[int(at)] = float(value)  # type: ignore[call-overload,arg-type]
    line = f"{source} gave {refused}" + (f" and {count - 1} more that cannot be" if count > 1 else "") if count else ""
    if count and not good:
        raise FeedUnavailable(f"{line}: nothing of it was used")
    return sorted(good.items()), line and f"{line}: left out"


def number(cell: object) -> object:
    """A text as the number that it spells; anything else, and other texts, as they are."""
    if isinstance(cell, str):
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell


def _doubt(name: str, at: object, value: object, now: int) -> str:
    """Why a row cannot be true, "" where it can."""
    rule = PUBLICATIONS[name]
    if not isinstance(at, int | float) or isinstance(at, bool) or not math.isfinite(at):
        return f"a {name} with the time {str(at)[:40]!r}"
    if at > now + FUTURE_MS:
        return f"a {name} of the future"
    if at < EARLIEST_MS:
        return f"a {name} with the time {at:g}"
    when = iso(int(at))
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return f"{name} {str(value)[:40]!r} for {when}"
    if not rule.low <= value <= rule.high:
        return f"{name} {value:g} for {when} (it lies in {rule.low:g} to {rule.high:g})"
    return ""
