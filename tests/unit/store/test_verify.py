"""Each kind of damage to the meaning of a state is found and told in one line."""

import pytest

from hybridd.clock import ManualClock
from hybridd.store.migrations import newest
from hybridd.store.store import open_store
from tests.makers import T0, analysis


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(T0))
    opened.analyses.add_many([analysis(60.0)])
    for i in range(5):
        opened.audit.append("cli", "ack", str(i), {"i": i}, T0 + i)
    yield opened
    opened.close()


def do(store, statement: str) -> None:
    store._database.engine.cursor().execute(statement)


def test_a_good_state_has_no_findings(store):
    assert store.verify() == []


@pytest.mark.parametrize(
    ("deed", "broken"),
    [
        ("UPDATE audit SET data = '{\"i\":9}' WHERE id = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET hash = 'forged' WHERE id = 4", 4),
    ],
)
def test_a_tampered_audit_trail_is_found(store, deed, broken):
    do(store, deed)
    assert store.audit.verify() == broken
    (line,) = store.verify()
    assert line.startswith(f"audit row {broken} ")


def test_a_change_that_nobody_accounts_for_is_found(store):
    do(store, "INSERT INTO changes VALUES (1, NULL, NULL, 's', 'TEST', 1, '1', '2', '', NULL, NULL, '', 1)")
    assert store.changes.conservation().missing == 1
    assert store.verify() == ["1 changes have neither an alert nor a reason why nobody was told"]


def test_a_row_without_its_parent_is_found(store):
    do(store, "PRAGMA foreign_keys = OFF")
    do(store, "INSERT INTO deliveries VALUES (1, 77, 'email', 'a', 0, 'planned', 0, 0, 9, NULL, NULL, '', '', 0, NULL)")
    assert store.verify() == ["deliveries row 1 points to a row of alerts that is missing"]


def test_a_schema_that_is_not_this_programs_is_found(store):
    do(store, "UPDATE schema_version SET version = 9")
    assert store.verify() == [f"the schema is 9, this hybridd needs {newest()}"]
