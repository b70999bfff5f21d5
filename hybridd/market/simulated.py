"""A made-up market that says so: the whole system can be tried without an account and without a network."""

import numpy as np

from hybridd.clock import Clock
from hybridd.errors import FeedUnavailable, UnknownSymbol
from hybridd.market.feed import Row
from hybridd.market.price_path import PricePath
from hybridd.model.candle import COLUMNS, Candles, no_candles, resample
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.timeframe import TimeFrame

LONGEST = 300_000
"""Candles of the base time frame behind one answer: what a longer time frame can look back on, in a second of work."""
_PIECE = 65_536


class SimulatedFeed:
    """A Feed of invented candles, the same for the same seed, symbol and time, whenever and from wherever asked.

    `timeframe` is the one that is made up; longer ones are made from it. Only closed candles are shown: the one
    being drawn would give its own end away.
    """

    name = "simulated"
    simulated = True

    def __init__(self, *, clock: Clock, seed: int, timeframe: TimeFrame) -> None:
        self._clock = clock
        self._seed = seed
        self._base = timeframe

    def now(self) -> int:
        """The clock's time, ms UTC."""
        return self._clock.now()

    def instrument(self, text: str) -> Instrument:
        """Any market that has the form of one."""
        try:
            return parse_instrument(text)
        except ValueError as error:
            raise UnknownSymbol(str(error), remedy="write it like BTC/USDT") from error

    def rows(self, instrument: Instrument, timeframe: TimeFrame, since: int, limit: int) -> list[Row]:
        """Closed candles from `since` on. A longer time frame reaches back LONGEST candles of the base, no further."""
        base = self._base
        if timeframe.ms % base.ms:
            raise FeedUnavailable(f"the simulated market has candles of {base} and multiples of it, not {timeframe}")
        now = self._clock.now()
        earliest = timeframe.open_at(now - LONGEST * base.ms) + timeframe.ms if timeframe.ms > base.ms else 0
        first = _first_open(max(since, earliest, 0), timeframe)
        end = min(first + max(0, limit) * timeframe.ms, timeframe.open_at(now))
        candles = self._candles(instrument, timeframe, first, end)
        columns = (candles.open_time.astype(np.float64), *(getattr(candles, name) for name in COLUMNS))
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def close(self) -> None:
        """There is nothing to let go of."""

    def _candles(self, instrument: Instrument, timeframe: TimeFrame, first: int, end: int) -> Candles:
        """The candles that open in [first, end)."""
        base = self._base
        anchor = base.open_at(0) % base.ms
        path = PricePath(key=f"{self._seed}|{instrument.symbol}", step=base.ms, anchor=anchor)
        ratio = timeframe.ms // base.ms
        piece = max(1, _PIECE // ratio) * timeframe.ms
        made = no_candles(timeframe.ms)
        for start in range(first, end, piece):
            stop = min(start + piece, end)
            run = path.candles((start - anchor) // base.ms, (stop - anchor) // base.ms)
            whole = run if ratio == 1 else resample(run, timeframe.ms, timeframe.open_at(0) % timeframe.ms)
            made = whole if not len(made) else made.joined(whole)
        return made


def _first_open(since: int, timeframe: TimeFrame) -> int:
    opened = timeframe.open_at(since)
    return opened if opened == since else opened + timeframe.ms
