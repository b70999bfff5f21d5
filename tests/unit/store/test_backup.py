"""Backups: made while somebody writes, checked, rotated; and nothing half-made where it fails."""

import os
import sqlite3
from contextlib import closing

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import StoreError, StoreUnusable
from hybridd.store.backup import backup, inspect, stamp, superfluous
from hybridd.store.store import open_store
from tests.makers import STEP, T0, analysis

DAY = 86_400_000


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}", clock=ManualClock(T0))
    store.analyses.add_many([analysis(60.0), analysis(61.0, at=T0 + STEP)])
    yield path
    store.close()


def made(state, **more):
    arguments = {"keep": 14, "now": T0} | more
    return backup(f"sqlite:///{state}", state.parent / "backups", **arguments)


def test_it_holds_what_was_committed_while_the_state_is_open(state):
    done = made(state)
    assert done.path.name == "state-20250615T151000Z.db"
    assert (done.contents.analyses, done.contents.newest) == (2, T0 + STEP)
    assert done.path.stat().st_mode & 0o777 == 0o600
    assert done.path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in done.path.parent.iterdir()] == [done.path.name], "it is one file without companions"


def test_it_opens_as_a_state_of_its_own(state, tmp_path):
    copy = tmp_path / "copy.db"
    copy.write_bytes(made(state).path.read_bytes())
    store = open_store(f"sqlite:///{copy}", clock=ManualClock(T0), migrate=False)
    assert (store.verify(), store.analyses.count()) == ([], 2)
    store.close()


def test_the_newest_stay_and_the_first_of_each_month(state):
    folder = state.parent / "backups"
    folder.mkdir()
    for day in range(60, 237, 3):
        (folder / f"state-{stamp(T0 + day * DAY)}.db").write_text("an older one")
    made(state, keep=3, now=T0 + 237 * DAY)
    names = sorted(path.name for path in folder.iterdir())
    firsts = ["20250901", "20251001", "20251103", "20251203", "20260102", "20260201"]
    assert [name[6:14] for name in names] == [*firsts, "20260204", "20260207"], "the newest month's first is one of 3"


def test_nothing_is_deleted_that_it_did_not_make(state):
    folder = state.parent / "backups"
    folder.mkdir()
    foreign = ["state.db", "state-20200101T000000Z.db.gz", "notes.txt", "state-2020.db", "my-state-20200101T000000Z.db"]
    for name in foreign:
        (folder / name).write_text("mine")
    for day in range(4):
        made(state, keep=1, now=T0 + day * DAY)
    assert set(foreign) < {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("keep", "gone"), [(1, 2), (2, 1), (3, 0), (50, 0)])
def test_rotation_keeps_what_was_asked_for(keep, gone):
    names = ["state-20250601T000000Z.db", *(f"state-202506{day:02}T000000Z.db" for day in (10, 11, 12))]
    left_over = superfluous([*names, "other.db"], keep)
    assert len(left_over) == gone
    assert "state-20250601T000000Z.db" not in left_over, "the first of the month stays"


def test_what_a_killed_backup_left_is_swept_away_later(state):
    folder = state.parent / "backups"
    folder.mkdir()
    old, young = (folder / f"state-2025010{n}T000000Z.db.part" for n in (1, 2))
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (0, 0))
    made(state)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_state_of_an_older_schema_can_be_backed_up(state):
    with closing(sqlite3.connect(state)) as raw:
        raw.execute("DELETE FROM schema_version WHERE version > 1")
        raw.execute("INSERT OR IGNORE INTO schema_version VALUES (1, 0)")
        raw.commit()
    assert made(state).contents.schema == 1


def test_a_folder_that_cannot_be_made_is_one_clear_line(state):
    (state.parent / "backups").write_text("a file")
    with pytest.raises(StoreError) as error:
        made(state)
    assert "backups" in str(error.value)
    assert error.value.remedy


def test_without_a_state_there_is_nothing_to_back_up(tmp_path):
    with pytest.raises(StoreUnusable, match="there is no state"):
        backup(f"sqlite:///{tmp_path}/none.db", tmp_path / "backups", keep=1, now=T0)


@pytest.mark.parametrize("content", [b"", b"garbage" * 5000])
def test_what_is_no_backup_is_refused(tmp_path, content):
    path = tmp_path / "state-20250615T155000Z.db"
    path.write_bytes(content)
    with pytest.raises(StoreUnusable):
        inspect(path)


def test_damage_is_found_when_the_whole_is_read(state):
    path = made(state).path
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(StoreUnusable):
        inspect(path, whole=True)


@pytest.mark.root
def test_a_full_disk_leaves_nothing_half_made(state, tmp_path, small_disk):
    folder = small_disk("100k")
    with pytest.raises(StoreError) as error:
        backup(f"sqlite:///{state}", folder / "backups", keep=1, now=T0)
    assert "\n" not in str(error.value)
    assert list((folder / "backups").iterdir()) == []
