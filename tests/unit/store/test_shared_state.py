"""A state in a folder that its owner shares with a group: who is of it uses the state, and changes nothing else."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from hybridd.clock import ManualClock
from hybridd.store.files import is_shared
from hybridd.store.restore import restore
from hybridd.store.store import open_store
from tests.makers import T0

STRANGER = 54321
PYTHON = Path("/usr/bin/python3")
"""The system's: the one of these tests may lie where a stranger may not go."""
WRITE = """
import sqlite3, sys
state = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True)
state.execute("INSERT INTO bot_state (key, value, updated_at) VALUES (?, '1', 0)", sys.argv[2:])
state.commit()
"""


@pytest.fixture
def folder():
    # Not below pytest's own folder, which a stranger may not enter.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o2750)
        yield Path(name)


def opened(folder):
    return open_store(f"sqlite:///{folder}/state.db", clock=ManualClock(T0))


def modes(folder):
    return {
        file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir() if file.name.startswith("state.db")
    }


ALL = {"state.db": "0o660", "state.db-wal": "0o660", "state.db-shm": "0o660"}


def test_its_group_may_use_the_state_while_it_is_open_and_afterwards(folder):
    store = opened(folder)
    store.bot_state.set("k", 1)
    assert modes(folder) == ALL
    store.close()
    assert modes(folder) == ALL
    again = opened(folder)
    assert again.bot_state.get("k") == 1
    again.close()


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o2700, 0o2770, 0o755])
def test_any_other_folder_is_not_shared(tmp_path, mode):
    tmp_path.chmod(mode)
    assert not is_shared(tmp_path)
    opened(tmp_path).close()
    assert modes(tmp_path) == {"state.db": "0o600"}


def test_a_state_from_before_it_was_shared_is_opened_to_the_group(folder):
    store = opened(folder)
    store.close()
    (folder / "state.db").chmod(0o600)
    opened(folder).close()
    assert modes(folder) == ALL


def test_a_state_that_was_restored_is_shared_again(folder, tmp_path):
    store = opened(folder)
    copy = tmp_path / "copy.db"
    store._database.engine.backup(copy)
    store.close()
    restore(folder / "state.db", copy, clock=ManualClock(T0), actor="test")
    assert modes(folder)["state.db"] == "0o660"


@pytest.mark.skipif(os.geteuid() != 0 or not PYTHON.exists(), reason="only root can be somebody else")
def test_a_stranger_of_the_group_writes_into_it_alone_and_together_and_leaves_it_sound(folder):
    os.chown(folder, 0, STRANGER)
    folder.chmod(0o2750)
    store = opened(folder)
    write(folder, "together")
    store.close()
    write(folder, "alone")  # and SQLite may not remove its files, as the last one does
    with pytest.raises(subprocess.CalledProcessError):
        as_stranger(f"open({str(folder / 'planted')!r}, 'x')")
    store = opened(folder)
    assert (store.bot_state.get("together"), store.bot_state.get("alone")) == (1, 1)
    assert store.verify() == []
    store.close()
    assert modes(folder) == ALL


def write(folder, key):
    as_stranger(WRITE, str(folder / "state.db"), key)


def as_stranger(program, *words):
    command = [str(PYTHON), "-c", program, *words]
    who = {"user": STRANGER, "group": STRANGER, "extra_groups": []}
    subprocess.run(command, **who, cwd="/", check=True, capture_output=True, timeout=60)
