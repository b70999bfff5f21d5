"""Statements that are written once and run many times."""

import pytest

from hybridd.clock import ManualClock
from hybridd.store.database import Prepared, hole
from hybridd.store.store import open_store
from hybridd.store.tables import BotStateRow, EventRow

AFTER = Prepared(EventRow.select().where((EventRow.id > hole("id")) & (EventRow.kind == hole("kind"))))


@pytest.fixture
def store():
    made = open_store("sqlite://:memory:", clock=ManualClock(0))
    for number in range(4):
        made.events.append("odd" if number % 2 else "even", "", {}, number)
    yield made
    made.close()


def test_a_prepared_query_takes_other_values_each_time(store):
    asked = [(0, "even"), (2, "odd"), (0, "odd"), (9, "odd")]
    found = [[row["at"] for row in store._database.rows(AFTER, id=after, kind=kind)] for after, kind in asked]
    assert found == [[0, 2], [3], [1, 3], []]


def test_a_prepared_query_belongs_to_no_database(store):
    other = open_store("sqlite://:memory:", clock=ManualClock(0))
    assert store._database.rows(AFTER, id=0, kind="odd") != []
    assert other._database.rows(AFTER, id=0, kind="odd") == []
    other.close()


def test_a_value_that_is_missing_is_a_defect_and_not_an_empty_answer(store):
    with pytest.raises(KeyError, match="kind"):
        store._database.rows(AFTER, id=0)


@pytest.mark.parametrize("columns", [("kind", "at", "subject"), ("subject", "kind", "at")])
def test_a_change_puts_each_value_into_its_own_column(store, columns):
    values = {"kind": "new", "at": 77, "subject": "x"}
    store._database.change(EventRow, 2, {name: values[name] for name in columns})
    rows = store._database.rows(EventRow.select().order_by(EventRow.id))
    assert [(row["kind"], row["at"], row["subject"]) for row in rows[:3]] == [
        ("even", 0, ""),
        ("new", 77, "x"),
        ("even", 2, ""),
    ]


def test_other_columns_are_other_statements(store):
    store._database.change(EventRow, 1, {"kind": "a"})
    store._database.change(EventRow, 1, {"subject": "b"})
    row = store._database.row(EventRow.select().where(EventRow.id == 1))
    assert (row["kind"], row["subject"]) == ("a", "b")
    assert store._database.rows(BotStateRow.select()) == []
