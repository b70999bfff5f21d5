"""What must survive a restart and has no table of its own: JSON values under names."""

from typing import Any

from hybridd.clock import Clock
from hybridd.errors import HybriddError
from hybridd.store.codec import from_text, to_text
from hybridd.store.database import Database, Prepared, hole, open_database, path_of
from hybridd.store.sqlite import is_there
from hybridd.store.tables import BotStateRow

_OF_KEY = Prepared(BotStateRow.select(BotStateRow.value).where(BotStateRow.key == hole("key")))


class BotState:
    """The table of names and values."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - whatever JSON value was put in
        """The value under `key`, or `default`."""
        found = self._database.row(_OF_KEY, key=key)
        return default if found is None else from_text(found["value"])

    def set(self, key: str, value: object) -> None:
        """Put a value under `key`, in place of an older one. Raises ValueError for what JSON cannot hold."""
        row = (key, to_text(value), self._clock.now())
        self._database.put_all(BotStateRow, ("key", "value", "updated_at"), [row], key=("key",))

    def items(self, prefix: str = "") -> dict[str, Any]:
        """All values whose key begins with `prefix`, upper and lower case being different, by key."""
        rows = self._database.rows(BotStateRow.select().order_by(BotStateRow.key))
        return {row["key"]: from_text(row["value"]) for row in rows if row["key"].startswith(prefix)}


def peek(url: str, key: str) -> Any:  # noqa: ANN401 - whatever JSON value was put in
    """The value under `key` of a state of any version, for who has not opened it yet; None where it cannot be had."""
    try:
        path = path_of(url)
        if path is None or not is_there(path):
            return None
        database = open_database(url, create=False, busy_seconds=1)
    except HybriddError:
        return None
    try:
        found = database.row(_OF_KEY, key=key)
        return None if found is None else from_text(found["value"])
    except HybriddError:
        return None
    finally:
        database.close()
