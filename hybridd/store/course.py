"""The course of a market as plain rows, for whoever draws it: no arrays, and nothing read that is not drawn."""

from dataclasses import dataclass

from peewee import fn

from hybridd.model.analysis import Signal
from hybridd.store.database import Database, Prepared, hole
from hybridd.store.tables import CandleRow
from hybridd.store.tables_watch import AnalysisRow

_MINE = (AnalysisRow.symbol == hole("symbol")) & (AnalysisRow.timeframe == hole("timeframe"))
_POINTS = Prepared(
    AnalysisRow.select(AnalysisRow.candle_close, AnalysisRow.price, AnalysisRow.score, AnalysisRow.signal)
    .where(_MINE & (AnalysisRow.candle_close <= hole("until")))
    .order_by(AnalysisRow.candle_close.desc())
    .limit(hole("limit"))
)
_NEXT = Prepared(
    AnalysisRow.select(fn.MIN(AnalysisRow.candle_close)).where(_MINE & (AnalysisRow.candle_close > hole("after")))
)
_CANDLES = Prepared(
    CandleRow.select(CandleRow.open_time, CandleRow.open, CandleRow.high, CandleRow.low, CandleRow.close)
    .where(
        (CandleRow.symbol == hole("symbol"))
        & (CandleRow.timeframe == hole("timeframe"))
        & CandleRow.open_time.between(hole("start"), hole("end"))
    )
    .order_by(CandleRow.open_time)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What an analysis came to; `at` is its candle's close, ms UTC; the price is None where it was not known."""

    at: int
    price: float | None
    score: float
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A candle; `opened` in ms UTC."""

    opened: int
    open: float
    high: float
    low: float
    close: float


class Course:
    """Reads the tables of analyses and of candles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def points(self, symbol: str, timeframe: str, until: int, limit: int) -> list[Point]:
        """The last `limit` analyses of candles that closed by `until`, oldest first."""
        rows = self._database.rows(_POINTS, symbol=symbol, timeframe=timeframe, until=until, limit=limit)
        return [
            Point(at=row["candle_close"], price=row["price"], score=row["score"], signal=Signal(row["signal"]))
            for row in reversed(rows)
        ]

    def next_close(self, symbol: str, timeframe: str, after: int) -> int | None:
        """When the first candle after `after` closed that was analysed; None where that is the newest."""
        return self._database.number(_NEXT, symbol=symbol, timeframe=timeframe, after=after)

    def bars(self, symbol: str, timeframe: str, start: int, end: int) -> list[Bar]:
        """The candles that opened from `start` to `end` (both included), oldest first; gaps stay gaps."""
        rows = self._database.rows(_CANDLES, symbol=symbol, timeframe=timeframe, start=start, end=end)
        return [
            Bar(opened=r["open_time"], open=r["open"], high=r["high"], low=r["low"], close=r["close"]) for r in rows
        ]
