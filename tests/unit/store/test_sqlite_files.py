"""Where the state lives: URLs, modes of files and folders, copies."""

import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import ConfigError, StoreError, StoreUnusable
from hybridd.store.database import path_of
from hybridd.store.sqlite import is_there
from hybridd.store.store import open_store
from tests.makers import T0, analysis


def opened(path, **more):
    return open_store(f"sqlite:///{path}", clock=ManualClock(T0), **more)


def test_four_slashes_are_an_absolute_path_and_three_a_relative_one():
    assert str(path_of("sqlite:////var/lib/hybridd/state.db")) == "/var/lib/hybridd/state.db"
    assert str(path_of("sqlite:///state.db")) == "state.db"
    assert path_of("sqlite://:memory:") is None


@pytest.mark.parametrize("url", ["postgresql://u@h/db", "mysql://x", "state.db", ""])
def test_another_engine_is_refused(url):
    with pytest.raises(ConfigError, match=r"only sqlite:// in this version"):
        path_of(url)


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://state.db", "sqlite:state.db"])
def test_a_sqlite_url_without_a_path_is_refused(url):
    with pytest.raises(ConfigError, match="names no file"):
        path_of(url)


def test_a_new_state_is_nobody_elses_to_read(tmp_path):
    path = tmp_path / "new" / "deep" / "state.db"
    store = opened(path)
    store.bot_state.set("k", 1)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert store.path == path
    store.close()


TAKE_AWAY = """
import sqlite3, sys
state = sqlite3.connect(sys.argv[1], timeout=0.1)
try:
    print(state.execute("PRAGMA journal_mode = DELETE").fetchone()[0])
except sqlite3.OperationalError as error:
    print(error)
"""


def test_a_state_that_is_opened_twice_in_one_program_stays_locked_against_others(tmp_path):
    store = opened(tmp_path / "state.db")
    store.bot_state.set("k", 1)
    opened(tmp_path / "state.db").close()
    # What another program's last connection does: with the locks gone it would take the log away under ours.
    command = [sys.executable, "-c", TAKE_AWAY, str(tmp_path / "state.db")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip() == "database is locked"
    assert (tmp_path / "state.db-wal").exists()
    store.close()


def test_a_relative_path_is_taken_once_and_for_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = opened("state.db")
    monkeypatch.chdir("/")
    store.bot_state.set("k", 1)
    assert store.path == tmp_path / "state.db"
    store.close()


def test_a_passing_state_leaves_nothing_behind():
    store = open_store("sqlite://:memory:", clock=ManualClock())
    folder = store._database.path.parent
    assert store.path is None
    assert folder.exists()
    assert store.free_bytes() > 0
    store.close()
    assert not folder.exists()


def test_a_commit_is_on_the_disk_and_others_can_read_meanwhile(tmp_path):
    store = opened(tmp_path / "state.db")
    ask = store._database.engine.cursor().execute
    found = {name: ask(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert ask("PRAGMA busy_timeout").fetchone()[0] == 5000
    store.close()


def test_closing_twice_is_fine_and_using_it_then_is_said_so(tmp_path):
    store = opened(tmp_path / "state.db")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.bot_state.get("k")


def test_connections_of_threads_that_ended_are_closed(tmp_path):
    store = opened(tmp_path / "state.db")
    for _ in range(5):
        thread = threading.Thread(target=store.bot_state.get, args=("k",))
        thread.start()
        thread.join(10)
    assert len(store._database.engine._connections) <= 2
    store.close()


def test_a_copy_is_whole_private_and_one_file(tmp_path):
    store = opened(tmp_path / "state.db")
    store.analyses.add_many([analysis(60.0)])
    copy = tmp_path / "copies" / "copy.db"
    store.backup(copy)
    store.analyses.add_many([analysis(61.0, at=T0 + 1)])
    assert [file.name for file in copy.parent.iterdir()] == ["copy.db"]
    assert copy.stat().st_mode & 0o777 == 0o600
    other = opened(copy, migrate=False)
    assert (other.analyses.count(), store.analyses.count()) == (1, 2)
    assert other.verify() == []
    other.close()
    store.close()


def test_a_copy_holds_only_what_is_committed(tmp_path):
    store = opened(tmp_path / "state.db")
    with store.transaction():
        store.bot_state.set("k", 1)
        store.backup(tmp_path / "copy.db")
    other = opened(tmp_path / "copy.db")
    assert other.bot_state.get("k") is None
    other.close()
    store.close()


def test_a_copy_of_a_damaged_state_does_not_replace_a_good_one(tmp_path):
    path, copy = tmp_path / "state.db", tmp_path / "copy.db"
    store = opened(path)
    store.analyses.add_many([analysis(50.0, at=T0 + i) for i in range(3000)])
    store.backup(copy)
    store.close()
    before = copy.read_bytes()
    path.write_bytes(path.read_bytes()[:500_000].ljust(path.stat().st_size, b"x"))
    store = opened(path)
    with pytest.raises(StoreUnusable):
        store.backup(copy)
    store.close()
    assert copy.read_bytes() == before
    assert not copy.with_name("copy.db.part").exists()


def test_a_copy_to_where_no_folder_can_be_is_one_line(tmp_path):
    store = opened(tmp_path / "state.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match="is not a folder"):
        store.backup(tmp_path / "file" / "copy.db")
    store.close()


def test_without_migrate_a_missing_state_is_not_made(tmp_path):
    with pytest.raises(StoreUnusable, match="there is no state at"):
        opened(tmp_path / "state.db", migrate=False)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_somebody_else_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (id INTEGER)")
    other.close()
    with pytest.raises(StoreUnusable, match="not a state of hybridd"):
        opened(path)


def test_a_folder_that_may_not_be_entered_is_told_in_one_line(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    if os.access(closed, os.X_OK):
        monkeypatch.setattr(type(closed), "stat", _denied)  # root enters everywhere: the kernel's answer is played
    with pytest.raises(StoreUnusable, match="cannot be seen"):
        is_there(closed / "state.db")


def _denied(*_, **__):
    raise PermissionError(13, "Permission denied")
