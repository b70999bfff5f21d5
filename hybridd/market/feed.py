"""The feed protocol: a source of candles. Implementations: exchange, recorded, simulated."""

from typing import Protocol

from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import TimeFrame

Row = tuple[float, float, float, float, float, float]
"""Open time (ms UTC), open, high, low, close, volume: as the source sent it, not yet trusted."""


class Feed(Protocol):
    """A source of candles. Methods may block up to their time-out and are called from several threads."""

    name: str
    simulated: bool

    def now(self) -> int:
        """The source's own clock, ms UTC: what decides whether a candle has closed. Never blocks, never fails."""
        ...

    def instrument(self, text: str) -> Instrument:
        """The market that `text` names; raises UnknownSymbol with the nearest name, or FeedError."""
        ...

    def rows(self, instrument: Instrument, timeframe: TimeFrame, since: int, limit: int) -> list[Row]:
        """Up to `limit` candles that opened at or after `since` (ms UTC), oldest first; the last may still be open.

        None closes between the question and the answer: what drew it may not have seen its end.

        Raises FeedUnavailable, RateLimited or UnknownSymbol.
        """
        ...

    def close(self) -> None:
        """Let go of connections; safe to call twice."""
        ...
