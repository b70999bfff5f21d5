"""Checks a state from the file up to its meaning; every finding is one line."""

from collections.abc import Callable, Iterator

from hybridd.errors import StoreError
from hybridd.store.audit import Audit
from hybridd.store.changes import Changes
from hybridd.store.database import Database
from hybridd.store.migrations import newest, version_of
from hybridd.store.tables import TABLES
from hybridd.store.verify_states import alert_states, attempt_ends, delivery_states, trade_states

Check = Callable[[Database], Iterator[str]]


def verify(database: Database, pinned: str = "") -> list[str]:
    """Everything wrong with a state, nothing when all is well; a check that the damage stops is a finding itself.

    `pinned`: a head of the audit trail that was written down elsewhere, "" where there is none.
    """

    def audit(database: Database) -> Iterator[str]:
        if found := Audit(database).verify(pinned):
            yield found

    found: list[str] = []
    for check in (*CHECKS, audit):
        try:
            found += check(database)
        except StoreError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _file(database: Database) -> Iterator[str]:
    for line in database.engine.problems():
        yield f"the file {database.path} is damaged: {line}"


def _schema(database: Database) -> Iterator[str]:
    version = version_of(database)
    if version != newest():
        yield f"the schema is {version}, this hybridd needs {newest()}"
    names = set(database.table_names())
    for table in TABLES:
        if table._meta.table_name not in names:
            yield f"the table {table._meta.table_name} is missing"


def _references(database: Database) -> Iterator[str]:
    yield from database.engine.orphans()


def _conservation(database: Database) -> Iterator[str]:
    missing = Changes(database).conservation().missing
    if missing:
        yield f"{missing} changes have neither an alert nor a reason why nobody was told"


CHECKS: tuple[Check, ...] = (
    _file, _schema, _references, _conservation, alert_states, delivery_states, attempt_ends, trade_states,
)  # fmt: skip
