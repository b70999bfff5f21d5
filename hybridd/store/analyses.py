"""The analyses: one row for each symbol, time frame and candle, for ever the same once written."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from peewee import ModelSelect, fn

from hybridd.model.analysis import Analysis, Odds, Signal, SignalState
from hybridd.model.said import Abstain, Reading
from hybridd.store.codec import from_text, in_order, quick_text, read_as
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_watch import AnalysisRow

_KEY = ("symbol", "timeframe", "candle_close")
_COLUMNS = (
    *_KEY, "price", "score", "signal", "candidate", "streak", "confidence", "agreeing", "answered",
    "layer_count", "degraded", "missing", "layers", "odds", "source", "simulated", "made_at", "late",
)  # fmt: skip


_BETWEEN = (
    (AnalysisRow.symbol == hole("symbol"))
    & (AnalysisRow.timeframe == hole("timeframe"))
    & AnalysisRow.candle_close.between(hole("start"), hole("end"))
)
_ALL = Prepared(AnalysisRow.select().where(_BETWEEN).order_by(AnalysisRow.candle_close))
_SCORES = Prepared(AnalysisRow.select(AnalysisRow.score).where(_BETWEEN).order_by(AnalysisRow.candle_close))


class Analyses:
    """The table of analyses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_many(self, items: Sequence[Analysis]) -> dict[int, int]:
        """Store analyses of one symbol and time frame, in one transaction; candle close (ms UTC) → row id.

        One that is there already is left alone and not in the answer. Raises ValueError for several markets at once,
        whose candle closes would not tell them apart.
        """
        if len({(item.symbol, item.timeframe) for item in items}) > 1:
            raise ValueError("add_many takes analyses of one symbol and time frame")
        ids = self._database.insert_all(AnalysisRow, _COLUMNS, [_values(item) for item in items], unless=_KEY)
        return {item.candle_close: row for item, row in zip(items, ids, strict=True) if row is not None}

    def last(self, symbol: str, timeframe: str, include_late: bool = True) -> Analysis | None:
        """The newest by candle; without those made up for after an outage unless `include_late`."""
        query = _of(symbol, timeframe)
        if not include_late:
            query = query.where(AnalysisRow.late == False)  # noqa: E712 - SQL's comparison, not Python's
        found = self._database.row(query.order_by(AnalysisRow.candle_close.desc()).limit(1))
        return None if found is None else _analysis(found)

    def between(self, symbol: str, timeframe: str, start: int, end: int) -> list[Analysis]:
        """Those whose candle closed from `start` to `end` (ms UTC, both included), oldest first."""
        rows = self._database.rows(_ALL, symbol=symbol, timeframe=timeframe, start=start, end=end)
        return [_analysis(row) for row in rows]

    def scores(self, symbol: str, timeframe: str, start: int, end: int) -> list[float]:
        """The scores alone of what `between` gives: a tenth of the work."""
        rows = self._database.rows(_SCORES, symbol=symbol, timeframe=timeframe, start=start, end=end)
        return [row["score"] for row in rows]

    def latest(self) -> list[Analysis]:
        """The newest of each symbol, in the symbols' order."""
        newest, names = AnalysisRow.alias(), symbols()
        newest_id = (
            newest.select(newest.id)
            .where(newest.symbol == names.c.symbol)
            .order_by(newest.candle_close.desc(), newest.id.desc())
            .limit(1)
        )
        query = AnalysisRow.select().where(AnalysisRow.id.in_(names.select(newest_id))).with_cte(names)
        return [_analysis(row) for row in self._database.rows(query.order_by(AnalysisRow.symbol))]

    def first_close(self, symbol: str, timeframe: str) -> int | None:
        """When the oldest one's candle closed, ms UTC; None without any."""
        mine = (AnalysisRow.symbol == symbol) & (AnalysisRow.timeframe == timeframe)
        return self._database.number(AnalysisRow.select(fn.MIN(AnalysisRow.candle_close)).where(mine))

    def count(self) -> int:
        """How many there are."""
        return self._database.number(AnalysisRow.select(fn.COUNT(AnalysisRow.id))) or 0


def symbols() -> Any:  # noqa: ANN401 - peewee's expressions have no common type
    """The symbols that were ever analysed, as a table of one column, and one row without a symbol at its end."""
    # It hops along the index, one step a symbol: grouping would read every analysis ever made.
    names = AnalysisRow.select(fn.MIN(AnalysisRow.symbol).alias("symbol")).cte("names", True, ("symbol",))
    following = AnalysisRow.alias()
    after = following.select(fn.MIN(following.symbol)).where(following.symbol > names.c.symbol)
    return names.union_all(names.select(after).where(names.c.symbol.is_null(False)))


def _of(symbol: str, timeframe: str) -> "ModelSelect[AnalysisRow]":
    return AnalysisRow.select().where((AnalysisRow.symbol == symbol) & (AnalysisRow.timeframe == timeframe))


def _values(item: Analysis) -> tuple[Any, ...]:
    state = item.state
    return (
        item.symbol, item.timeframe, int(item.candle_close), _number(item.price), float(item.score),
        str(state.signal), None if state.candidate is None else str(state.candidate), int(state.streak),
        float(item.confidence), int(item.agreeing), int(item.answered), int(item.layers), bool(item.degraded),
        quick_text(item.missing), _layers(item.readings),
        None if item.odds is None else quick_text(item.odds), item.source, bool(item.simulated), int(item.made_at),
        bool(item.late),
    )  # fmt: skip


class _Said(Struct, frozen=True):
    """A reading as the column `layers` keeps it under the name of its layer."""

    score: float | None
    weight: float
    reason: str
    abstain: str


def _layers(readings: Sequence[Reading]) -> str:
    """The column of that name. Raises ValueError for a number that is not finite."""
    if not math.isfinite(sum([r.weight if r.score is None else r.weight + r.score for r in readings])):
        raise ValueError("a reading with a number that is not finite has no JSON form")
    return in_order({r.layer: _Said(r.score, r.weight, r.reason, _ABSTAIN_NAMES[r.abstain]) for r in readings})


_ABSTAIN_NAMES = tuple(code.name for code in Abstain)  # by number: finding the name at the member takes a call


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _analysis(row: Record) -> Analysis:
    candidate = row["candidate"]
    return Analysis(
        symbol=row["symbol"],
        timeframe=row["timeframe"],
        candle_close=row["candle_close"],
        price=math.nan if row["price"] is None else row["price"],
        score=row["score"],
        state=SignalState(
            signal=Signal(row["signal"]),
            candidate=None if candidate is None else Signal(candidate),
            streak=row["streak"],
        ),
        confidence=row["confidence"],
        agreeing=row["agreeing"],
        answered=row["answered"],
        layers=row["layer_count"],
        degraded=bool(row["degraded"]),
        missing=tuple(from_text(row["missing"])),
        readings=tuple(_reading(name, said) for name, said in from_text(row["layers"]).items()),
        odds=None if row["odds"] is None else read_as(Odds, row["odds"]),
        source=row["source"],
        simulated=bool(row["simulated"]),
        made_at=row["made_at"],
        late=bool(row["late"]),
    )


def _reading(name: str, said: Mapping[str, Any]) -> Reading:
    return Reading(
        layer=name,
        score=said["score"],
        weight=said["weight"],
        reason=said["reason"],
        abstain=Abstain[said["abstain"]],
    )
