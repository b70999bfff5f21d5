"""The candles: closed ones that were believed, and the quarantine of those that were not."""

from dataclasses import dataclass

from peewee import ModelSelect

from hybridd.model.candle import COLUMNS, Candles, candles_from_rows
from hybridd.store.database import Database
from hybridd.store.tables import CandleRow, QuarantineRow

_KEY = ("symbol", "timeframe", "open_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A candle that was not believed: when it opened, what is wrong with it, when that was found (ms UTC)."""

    symbol: str
    timeframe: str
    open_time: int
    detail: str
    at: int


class CandleStore:
    """The tables of candles and of the quarantine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, symbol: str, timeframe: str, candles: Candles) -> None:
        """Store candles; one with the same open time is put in place of the older."""
        columns = [getattr(candles, name).tolist() for name in ("open_time", *COLUMNS)]
        rows = [(symbol, timeframe, *values) for values in zip(*columns, strict=True)]
        self._database.put_all(CandleRow, (*_KEY, *COLUMNS), rows, key=_KEY)

    def load(self, symbol: str, timeframe: str, step_ms: int, limit: int) -> Candles:
        """The newest `limit` candles, oldest first; `step_ms` is their length."""
        query = _of(symbol, timeframe).order_by(CandleRow.open_time.desc()).limit(limit)
        rows = [tuple(row.values()) for row in self._database.rows(query)]
        return candles_from_rows(step_ms, rows[::-1])

    def between(self, symbol: str, timeframe: str, step_ms: int, start: int, end: int) -> Candles:
        """Those that opened from `start` to before `end` (ms UTC), oldest first."""
        inside = (CandleRow.open_time >= start) & (CandleRow.open_time < end)
        query = _of(symbol, timeframe).where(inside).order_by(CandleRow.open_time)
        return candles_from_rows(step_ms, [tuple(row.values()) for row in self._database.rows(query)])

    def quarantine(self, symbol: str, timeframe: str, open_time: int, detail: str, at: int) -> None:
        """Note a candle that was not believed, and why."""
        row = {"symbol": symbol, "timeframe": timeframe, "open_time": int(open_time), "detail": detail, "at": int(at)}
        self._database.insert(QuarantineRow, row)

    def quarantined(self, limit: int = 50) -> list[Quarantined]:
        """The newest notes, newest first."""
        query = QuarantineRow.select().order_by(QuarantineRow.id.desc()).limit(limit)
        return [
            Quarantined(
                symbol=row["symbol"],
                timeframe=row["timeframe"],
                open_time=row["open_time"],
                detail=row["detail"],
                at=row["at"],
            )
            for row in self._database.rows(query)
        ]


def _of(symbol: str, timeframe: str) -> "ModelSelect[CandleRow]":
    columns = [getattr(CandleRow, name) for name in ("open_time", *COLUMNS)]
    return CandleRow.select(*columns).where((CandleRow.symbol == symbol) & (CandleRow.timeframe == timeframe))
