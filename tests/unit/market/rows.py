"""Rows of candles for tests: a plain walk that passes every check."""

from collections.abc import Iterable

from hybridd.market.feed import Row
from hybridd.model.candle import Candles, candles_from_rows
from hybridd.model.timeframe import parse_timeframe

M5 = parse_timeframe("5m")
T0 = 1_750_000_200_000 // M5.ms * M5.ms


def row(place: int, close: float | None = None, step: int = M5.ms) -> Row:
    """Candle number `place` from T0 on."""
    opened = 100.0 + place % 7
    closed = opened + 0.5 if close is None else close
    return (T0 + place * step, opened, max(opened, closed) + 1, min(opened, closed) - 1, closed, 10.0 + place % 3)


def rows(places: Iterable[int]) -> list[Row]:
    return [row(place) for place in places]


def run(places: Iterable[int]) -> Candles:
    return candles_from_rows(M5.ms, rows(places))


def places_of(candles: Candles) -> list[int]:
    return [(int(opened) - T0) // M5.ms for opened in candles.open_time]
