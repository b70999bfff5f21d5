"""The state as queries see it: one transaction at a time, rows as dictionaries, errors as one clear line."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peewee

from hybridd.errors import ConfigError
from hybridd.store.rows import Row
from hybridd.store.sqlite import BUSY_SECONDS, Sqlite

Record = dict[str, Any]
"""A row as read: column name to value, undecoded."""


@dataclass(frozen=True, slots=True)
class _Hole:
    name: str


def hole(name: str) -> peewee.Value:
    """A place in a prepared query for a value, as the database keeps it, that is given when the query is run."""
    return peewee.Value(_Hole(name), converter=False)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A query with holes, to be made once: writing a statement takes peewee longer than SQLite takes to answer it."""

    query: peewee.BaseQuery


Query = peewee.BaseQuery | Prepared

_MEMORY = ("sqlite://:memory:", "sqlite:///:memory:", "sqlite://")


def path_of(url: str) -> Path | None:
    """The file that a database URL names, None for a passing state ("sqlite://:memory:"). Raises ConfigError."""
    if url in _MEMORY:
        return None
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:"):
        raise ConfigError(
            f'[database] url "{url}" names no file', remedy='write "sqlite:////var/lib/hybridd/state.db" (four slashes)'
        )
    scheme = url.split(":", 1)[0]
    raise ConfigError(f'[database] url begins with "{scheme}:"', remedy="only sqlite:// in this version")


def open_database(url: str, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> "Database":
    """The database of a URL; a missing file is made (0600, its folder 0700) unless `create` is False.

    Raises ConfigError, StoreUnusable, StoreBusy or StoreFull.
    """
    return Database(Sqlite(path_of(url), busy_seconds=busy_seconds, create=create))


class Database:
    """Runs queries. Safe across threads: each has its own connection and so its own transaction."""

    def __init__(self, engine: Sqlite) -> None:
        self.engine = engine
        self.path = engine.path
        self._statements: dict[tuple[object, ...], str] = {}
        self._prepared: dict[Prepared, tuple[str, list[object]]] = {}
        self._changes: dict[tuple[object, ...], Prepared] = {}

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, and nobody else writes meanwhile. Inside another it joins that one and ends with it."""
        return self.engine.transaction()

    def rows(self, query: Query, **values: object) -> list[Record]:
        """All rows of a query; `values` go into the holes of a prepared one."""
        with self.engine.explained:
            cursor = self._execute(query, values)
            found = cursor.fetchall()
        if not found:  # as most questions of a cycle are answered
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in found]

    def row(self, query: Query, **values: object) -> Record | None:
        """The first row of a query, if it has one."""
        return next(iter(self.rows(query, **values)), None)

    def number(self, query: Query, **values: object) -> int | None:
        """The first column of the first row as a whole number, None where there is none or it is empty."""
        found = self.row(query, **values)
        value = None if found is None else next(iter(found.values()))
        return None if value is None else int(value)

    def run(self, query: Query, **values: object) -> int:
        """Carry out an update or delete; gives how many rows it met."""
        with self.engine.explained:
            return self._execute(query, values).rowcount

    def change(self, table: type[Row], row: int, values: Mapping[str, Any]) -> None:
        """Put values, as the database keeps them, into columns of the row with this number."""
        columns = tuple(values)
        if (table, columns) not in self._changes:
            places = {column: hole(column) for column in columns}
            query = table.update(places).where(table._meta.primary_key == hole("where"))
            self._changes[table, columns] = Prepared(query)
        self.run(self._changes[table, columns], where=row, **values)

    def insert(self, table: type[Row], row: Mapping[str, Any], unless: Sequence[str] = ()) -> int | None:
        """Add one row and give its id; None where a row with the same values in the columns `unless` was there."""
        return self.insert_all(table, tuple(row), [tuple(row.values())], unless)[0]

    def insert_all(
        self, table: type[Row], columns: Sequence[str], rows: Sequence[Sequence[Any]], unless: Sequence[str] = ()
    ) -> list[int | None]:
        """Add rows, in one transaction; for each its id, or None as in `insert`.

        Values as the database keeps them: numbers, text, None; the table's key is one whole number.
        """

        def build(query: peewee.ModelInsert) -> peewee.ModelInsert:
            if unless:
                query = query.on_conflict(conflict_target=_fields(table, unless), action="NOTHING")
            return query.returning(table._meta.primary_key)

        sql = self._statement(("insert", table, *columns, "unless", *unless), table, columns, build)
        ids: list[int | None] = []
        with self.transaction(), self.engine.explained:
            cursor = self.engine.cursor()
            for row in rows:
                found = cursor.execute(sql, row).fetchall()
                ids.append(int(found[0][0]) if found else None)
        return ids

    def put_all(
        self, table: type[Row], columns: Sequence[str], rows: Sequence[Sequence[Any]], key: Sequence[str]
    ) -> None:
        """Add rows, in one transaction, each in place of the one with the same values in the columns `key`."""
        rest = [name for name in columns if name not in key]

        def build(query: peewee.ModelInsert) -> peewee.ModelInsert:
            return query.on_conflict(conflict_target=_fields(table, key), preserve=_fields(table, rest))

        sql = self._statement(("put", table, *columns, "key", *key), table, columns, build)
        with self.transaction(), self.engine.explained:
            self.engine.cursor().executemany(sql, rows)

    def _execute(self, query: Query, given: Mapping[str, object]) -> sqlite3.Cursor:
        if isinstance(query, peewee.BaseQuery):
            return self.engine.cursor().execute(*query.bind(self.engine.peewee).sql())
        if query not in self._prepared:
            self._prepared[query] = query.query.bind(self.engine.peewee).sql()
        sql, places = self._prepared[query]
        values = [given[place.name] if isinstance(place, _Hole) else place for place in places]
        return self.engine.cursor().execute(sql, values)

    def _statement(
        self,
        name: tuple[object, ...],
        table: type[Row],
        columns: Sequence[str],
        build: Callable[[peewee.ModelInsert], peewee.ModelInsert],
    ) -> str:
        # peewee builds a statement once and the driver repeats it: building takes longer than inserting.
        if name not in self._statements:
            fields = _fields(table, columns)
            query = build(table.insert_many([[None] * len(fields)], fields=fields))
            self._statements[name] = query.bind(self.engine.peewee).sql()[0]
        return self._statements[name]

    def table_names(self) -> list[str]:
        """The tables that the database has."""
        with self.engine.explained:
            return self.engine.peewee.get_tables()

    def create(self, tables: Sequence[type[Row]]) -> None:
        """Make tables and their indexes; those that others point to come first."""
        with self.engine.explained:
            for table in tables:
                peewee.SchemaManager(table, self.engine.peewee).create_all(safe=False)

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self.engine.close()


def _fields(table: type[Row], columns: Sequence[str]) -> list[peewee.Field]:
    return [table._meta.columns[name] for name in columns]
