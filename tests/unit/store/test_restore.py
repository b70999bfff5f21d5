"""Restoring: a backup takes the place of the state for real, and a kill at any moment leaves one of the two."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import StoreBusy, StoreError, StoreUnusable, UsageError
from hybridd.pipeline.orders import mark_of
from hybridd.store.backup import backup
from hybridd.store.restore import restore
from hybridd.store.store import open_store
from tests.makers import STEP, T0, analysis

ROOT = Path(__file__).resolve().parents[3]
LATER = T0 + 3_600_000


def opened(path, **more):
    return open_store(f"sqlite:///{path}", clock=ManualClock(T0), **more)


def scores(path):
    store = opened(path, migrate=False)
    try:
        assert store.verify() == []
        return [a.score for a in store.analyses.between("BTC/USDT", "5m", 0, T0 + 100 * STEP)]
    finally:
        store.close()


@pytest.fixture
def house(tmp_path):
    """A state that has gone on after its backup."""
    state = tmp_path / "state.db"
    store = opened(state)
    store.analyses.add_many([analysis(60.0)])
    store.bot_state.set("service", {"state": "ok", "heartbeat_at": T0, "symbols": ["BTC/USDT"]})
    store.close()
    copy = backup(f"sqlite:///{state}", tmp_path / "backups", keep=1, now=T0).path
    store = opened(state)
    store.analyses.add_many([analysis(61.0, at=T0 + STEP)])
    store.close()
    return state, copy


def fill(folder, leave):
    free = shutil.disk_usage(folder).free
    (folder / "filler").write_bytes(b"x" * (free - leave))


def put_back(state, copy):
    return restore(state, copy, clock=ManualClock(LATER), actor="cli:somebody")


def test_the_state_is_what_the_backup_holds_and_the_one_from_before_is_kept(house):
    state, copy = house
    done = put_back(state, copy)
    assert scores(state) == [60.0]
    assert done.kept == state.with_name("state.db.replaced-20250615T161000Z")
    assert scores(done.kept) == [60.0, 61.0]
    assert (done.doubts, done.contents.analyses) == ((), 1)
    assert state.stat().st_mode & 0o777 == 0o600
    assert not list(state.parent.glob("*.restoring"))


def test_orders_after_it_do_not_bear_the_names_of_those_sent_since_the_backup(house):
    state, _ = house
    store = opened(state)
    before = mark_of(store)
    store.close()
    put_back(state, backup(f"sqlite:///{state}", state.parent / "more", keep=1, now=LATER).path)
    store = opened(state)
    assert mark_of(store) != before
    store.close()


def test_who_restored_it_stands_in_the_audit_trail(house):
    state, copy = house
    put_back(state, copy)
    store = opened(state)
    entry = store.audit.list(1)[0]
    assert (entry.actor, entry.action, entry.subject, entry.at) == ("cli:somebody", "state.restored", copy.name, LATER)
    store.close()


def test_the_daemon_of_the_backup_counts_as_stopped_and_not_as_dead(house):
    state, copy = house
    put_back(state, copy)
    store = opened(state)
    assert store.bot_state.get("service") == {"state": "stopped", "heartbeat_at": LATER, "symbols": ["BTC/USDT"]}
    store.close()


def test_the_backup_itself_is_not_changed(house):
    state, copy = house
    before = copy.read_bytes()
    put_back(state, copy)
    assert copy.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_it_works_where_there_is_no_state(house):
    state, copy = house
    state.unlink()
    assert put_back(state, copy).kept is None
    assert scores(state) == [60.0]


def test_it_works_where_there_is_not_even_a_folder(house, tmp_path):
    _, copy = house
    state = tmp_path / "new" / "place" / "state.db"
    put_back(state, copy)
    assert scores(state) == [60.0]


@pytest.mark.parametrize("wreck", [b"", b"garbage" * 1000])
def test_it_works_where_the_state_is_a_wreck_which_is_kept_with_its_companions(house, wreck):
    state, copy = house
    state.write_bytes(wreck)
    Path(f"{state}-wal").write_bytes(b"old commits")
    done = put_back(state, copy)
    assert scores(state) == [60.0]
    assert done.kept.read_bytes() == wreck
    if wreck:
        assert Path(f"{done.kept}-wal").read_bytes() == b"old commits"


def test_commits_that_a_killed_daemon_left_in_the_log_are_kept_and_never_replayed_into_the_new_state(house):
    state, copy = house
    program = (
        "import os, sys\nfrom hybridd.clock import ManualClock\nfrom hybridd.store.store import open_store\n"
        "s = open_store('sqlite:///' + sys.argv[1], clock=ManualClock(0))\ns.bot_state.set('last', 'word')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(state)], cwd=ROOT, timeout=30)
    assert Path(f"{state}-wal").stat().st_size > 0
    done = put_back(state, copy)
    assert not Path(f"{state}-wal").exists()
    old, new = opened(done.kept), opened(state)
    assert (old.bot_state.get("last"), new.bot_state.get("last")) == ("word", None)
    old.close()
    new.close()


def test_a_state_that_was_put_aside_can_be_restored_again(house):
    state, copy = house
    kept = put_back(state, copy).kept
    second = put_back(state, kept)
    assert scores(state) == [60.0, 61.0]
    assert second.kept.name.endswith("Z-2"), "two within a second do not overwrite each other"


def test_while_another_program_has_the_state_open_nothing_is_touched(house, monkeypatch):
    monkeypatch.setattr("hybridd.store.restore.BUSY_SECONDS", 0.1)
    state, copy = house
    other = opened(state)
    other.analyses.count()
    with pytest.raises(StoreBusy, match="in use by another program"):
        put_back(state, copy)
    assert other.analyses.count() == 2
    other.close()
    assert scores(state) == [60.0, 61.0]


def test_the_state_itself_is_no_backup_of_it(house):
    state, _ = house
    with pytest.raises(UsageError):
        put_back(state, state)


def test_a_backup_that_is_damaged_changes_nothing(house):
    state, copy = house
    content = bytearray(copy.read_bytes())
    content[4096 * 3 : 4096 * 20] = b"\xff" * (4096 * 17)
    copy.write_bytes(content)
    with pytest.raises(StoreUnusable):
        put_back(state, copy)
    assert scores(state) == [60.0, 61.0]


def test_a_backup_of_a_newer_hybridd_changes_nothing(house):
    state, copy = house
    newer = opened(copy)
    newer._database.engine.cursor().execute("INSERT INTO schema_version VALUES (99, 0)")
    newer.close()
    with pytest.raises(StoreUnusable, match="install the hybridd that made it"):
        put_back(state, copy)
    assert scores(state) == [60.0, 61.0]


@pytest.mark.root
def test_a_full_disk_changes_nothing(house, small_disk):
    _, copy = house
    folder = small_disk("2m")
    state = folder / "state.db"
    opened(state).close()
    fill(folder, leave=50_000)
    with pytest.raises(StoreError) as error:
        put_back(state, copy)
    assert "full" in str(error.value) or "No space" in str(error.value)
    assert scores(state) == []
    assert not list(folder.glob("*.restoring"))


@pytest.mark.root
def test_what_root_restores_belongs_to_the_daemon(house):
    if os.geteuid() != 0:
        pytest.skip("needs root, to give files away")
    state, copy = house
    os.chown(state, 12345, 12345)
    put_back(state, copy)
    assert (state.stat().st_uid, state.stat().st_gid) == (12345, 12345)


TOUCHES = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "sqlite3.connect"}


def restored_until(step, state, copy):
    """Restore in a process that is killed just before its file operation number `step`; whether it got through."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event, arguments):
            nonlocal left
            if event in TOUCHES:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            put_back(state, copy)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == 0


# The child does nothing but restore and die: a thread of the test runner that it does not have cannot be missed.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_between_any_two_steps_it_leaves_a_whole_state_and_can_be_done_again(house):
    state, copy = house
    seen = set()
    for step in range(100):
        through = restored_until(step, state, copy)
        found = tuple(scores(state))
        assert found in {(60.0, 61.0), (60.0,)}
        seen.add(found)
        if through:
            break
        if found == (60.0,):
            kept = [path for path in state.parent.glob("state.db.replaced-*") if not path.name.endswith("-shm")]
            newest = max(kept, key=lambda path: path.stat().st_ctime_ns)
            assert scores(newest) == [60.0, 61.0], "what was before is kept"
            put_back(state, newest)  # the next kill is to come one step later on the same way
    assert through
    assert step > 8
    assert seen == {(60.0, 61.0), (60.0,)}
    assert scores(state) == [60.0]
    assert not list(state.parent.glob("*.restoring"))
