"""An older state is brought up step by step, each after a checked copy; a step that fails changes nothing."""

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import StoreUnusable
from hybridd.store.database import Database, open_database
from hybridd.store.migrations import FIRST, MIGRATIONS, Migration, check_version, migrate, newest, version_of
from hybridd.store.store import open_store
from hybridd.store.tables import TABLES
from tests.makers import T0, analysis


def sql(*statements: str):
    def apply(database: Database) -> None:
        for statement in statements:
            database.engine.cursor().execute(statement)

    return apply


NOTE = Migration(number=2, title="a note with each trade", apply=sql("ALTER TABLE trades ADD COLUMN note TEXT"))
# SQLite changes a column by making the table anew: with foreign keys on, dropping it would take its children along.
REBUILD = Migration(
    number=3,
    title="alerts anew",
    apply=sql(
        "CREATE TABLE anew (id INTEGER NOT NULL PRIMARY KEY, key TEXT, facts TEXT)",
        "INSERT INTO anew SELECT id, key, facts FROM alerts",
        "DROP TABLE alerts",
        "ALTER TABLE anew RENAME TO alerts",
    ),
)
BROKEN = Migration(number=3, title="broken", apply=sql("DELETE FROM analyses", "ALTER TABLE absent ADD COLUMN x"))
ORPHANS = Migration(number=3, title="orphans", apply=sql("DELETE FROM alerts"))


def to_the_first_schema(store):
    """Undo all steps, as if the first release had made the state."""
    store._database.engine.cursor().execute("DROP TABLE context")
    store._database.engine.cursor().execute("DROP TABLE attempts")
    for index in ("deliveryrow_channel_told_at", "auditrow_subject"):
        store._database.engine.cursor().execute(f"DROP INDEX {index}")
    store._database.engine.cursor().execute(f"UPDATE schema_version SET version = {FIRST}")


def schema_of(database: Database, table: str) -> list[str]:
    query = "SELECT sql FROM sqlite_master WHERE tbl_name = ? ORDER BY name"
    return [row[0] for row in database.engine.cursor().execute(query, (table,))]


@pytest.fixture
def path(tmp_path):
    """A state of the first schema, with something in it."""
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    to_the_first_schema(store)
    store.analyses.add_many([analysis(60.0)])
    store._database.engine.cursor().execute(
        "INSERT INTO alerts VALUES (1, 'k', 's', 'firing', 'warning', ' TEST ', 0, 9, 0, 0, '{}')"
    )
    store.outbox.plan(1, [("email", "a@example.org", 0, 0, 9)])
    store.close()
    return path


@pytest.fixture
def database(path):
    opened = open_database(f"sqlite:///{path}")
    yield opened
    opened.close()


def columns(database: Database, table: str) -> list[str]:
    return [row[1] for row in database.engine.cursor().execute(f"PRAGMA table_info({table})")]


def test_a_new_state_has_todays_schema_at_once(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    assert version_of(database) == 0
    assert migrate(database, T0) == []
    assert version_of(database) == newest()
    assert set(database.table_names()) == {table._meta.table_name for table in TABLES}
    assert migrate(database, T0) == []
    assert [file.name for file in tmp_path.iterdir() if "before" in file.name] == []
    database.close()


def test_the_steps_are_numbered_without_holes():
    assert [step.number for step in MIGRATIONS] == list(range(FIRST + 1, newest() + 1))


def test_an_older_state_is_brought_up_after_a_copy(database, path):
    copies = migrate(database, T0, [NOTE])
    assert copies == [path.with_name("state.db.before-2")]
    assert version_of(database) == 2
    assert "note" in columns(database, "trades")
    older = open_database(f"sqlite:///{copies[0]}")
    assert version_of(older) == FIRST
    assert "note" not in columns(older, "trades")
    assert older.engine.problems() == []
    older.close()


def test_each_step_has_its_own_copy(database):
    assert [copy.suffix for copy in migrate(database, T0, [NOTE, REBUILD])] == [".before-2", ".before-3"]
    assert version_of(database) == 3


def test_a_table_made_anew_keeps_its_children(database):
    migrate(database, T0, [NOTE, REBUILD])
    assert database.engine.cursor().execute("SELECT COUNT(*) FROM deliveries").fetchone() == (1,)
    assert database.engine.cursor().execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.parametrize(("step", "why"), [(BROKEN, "absent"), (ORPHANS, "points to a row of alerts")])
def test_a_step_that_fails_leaves_the_state_as_it_was(database, step, why):
    with pytest.raises(StoreUnusable, match=rf"migration 3 \({step.title}\) of .* failed: .*{why}") as error:
        migrate(database, T0, [NOTE, step])
    assert "\n" not in str(error.value)
    assert version_of(database) == 2
    assert database.engine.cursor().execute("SELECT COUNT(*) FROM analyses").fetchone() == (1,)
    assert database.engine.cursor().execute("SELECT COUNT(*) FROM alerts").fetchone() == (1,)


def test_a_second_run_does_nothing(database, path):
    migrate(database, T0, [NOTE])
    copy = path.with_name("state.db.before-2")
    copy.unlink()
    assert migrate(database, T0, [NOTE]) == []
    assert not copy.exists()


def test_a_state_of_the_first_release_gets_todays_tables_and_keeps_what_it_has(path, tmp_path):
    store = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    assert len(store.analyses.latest()) == 1
    assert store.context.save_many("funding", "BTC/USDT", [(T0, T0, 0.0001)]) == 1
    fresh = open_store(f"sqlite:///{tmp_path}/fresh.db", clock=ManualClock(T0))
    for table in ("context", "attempts", "deliveries", "audit"):
        assert schema_of(store._database, table) == schema_of(fresh._database, table)
    assert store.verify() == []
    older = open_database(f"sqlite:///{path.with_name('state.db.before-2')}")
    assert version_of(older) == FIRST
    assert "context" not in older.table_names()
    for opened in (older, store, fresh):
        opened.close()


def test_a_state_of_a_newer_program_is_refused_and_untouched(database, path):
    migrate(database, T0, [NOTE])
    with pytest.raises(StoreUnusable, match="has schema 2, this hybridd knows schemas up to 1") as error:
        check_version(database, [])
    assert "state.db.before-2" in error.value.remedy
    future = newest() + 7
    database.engine.cursor().execute(f"INSERT INTO schema_version VALUES ({future}, {T0})")
    with pytest.raises(StoreUnusable, match=f"schema {future}"):
        open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    assert version_of(database) == future


def test_an_older_state_is_not_touched_without_migrate(tmp_path):
    (tmp_path / "state.db").touch()
    with pytest.raises(StoreUnusable, match=r"has schema 0, this hybridd needs schema \d+ → run `hybridd db migrate`"):
        open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(T0), migrate=False)
