"""The context: what was known beyond candles, and since when. The first value that was seen stands."""

from collections.abc import Iterable

import numpy as np

from hybridd.model.context import ContextSeries
from hybridd.store.database import Database
from hybridd.store.tables import ContextRow

_KEY = ("name", "symbol", "at")
_COLUMNS = (*_KEY, "known_at", "value")


class ContextStore:
    """The table of context values. `symbol` is "" for what belongs to no market."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_many(self, name: str, symbol: str, rows: Iterable[tuple[int, int, float]]) -> int:
        """Add (at, known_at, value) rows, times in ms UTC; how many were new.

        One with the same `at` stays as it was: a later correction was not known when decisions were made.
        """
        wanted = [(name, symbol, at, known_at, value) for at, known_at, value in rows]
        ids = self._database.insert_all(ContextRow, _COLUMNS, wanted, unless=_KEY)
        return sum(1 for found in ids if found is not None)

    def load(self, name: str, symbol: str, limit: int, *, stale_after: int) -> ContextSeries:
        """The newest `limit` values, oldest first; `stale_after` (ms) is that of the series."""
        query = (
            ContextRow.select(ContextRow.at, ContextRow.known_at, ContextRow.value)
            .where((ContextRow.name == name) & (ContextRow.symbol == symbol))
            .order_by(ContextRow.at.desc())
            .limit(limit)
        )
        rows = self._database.rows(query)[::-1]
        known = np.array([row["known_at"] for row in rows], dtype=np.int64)
        return ContextSeries(
            name,
            np.array([row["at"] for row in rows], dtype=np.int64),
            np.maximum.accumulate(known),
            np.array([row["value"] for row in rows], dtype=np.float64),
            stale_after,
        )
