"""One daemon a state."""

import os
import subprocess
import sys

import pytest

from hybridd.daemon.lock import InstanceLock
from hybridd.errors import InstanceRunning, StoreUnusable

HOLD = "import sys; from hybridd.daemon.lock import InstanceLock; from pathlib import Path; "
HOLD += "held = InstanceLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def test_the_second_is_told_who_the_first_is(tmp_path):
    path = tmp_path / "state.db.lock"
    with InstanceLock(path), pytest.raises(InstanceRunning) as caught:
        InstanceLock(path)
    assert f"process {os.getpid()}" in str(caught.value)
    assert str(path) in str(caught.value)
    assert "→" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_lock_that_was_let_go_is_free(tmp_path):
    lock = InstanceLock(tmp_path / "lock")
    lock.release()
    lock.release()
    InstanceLock(tmp_path / "lock").release()


def test_a_holder_that_was_killed_leaves_no_lock(tmp_path):
    path = tmp_path / "lock"
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(InstanceRunning, match=f"process {child.pid}"):
            InstanceLock(path)
        child.kill()
        child.wait(5)
    with InstanceLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(StoreUnusable, match="nowhere"):
        InstanceLock(tmp_path / "nowhere" / "lock")


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreUnusable):
        InstanceLock(tmp_path / "lock")
    assert (tmp_path / "precious").read_text() == "kept"
