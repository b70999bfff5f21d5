"""A process beside the daemon: it may die in any way, and is there again or given up, and ends with the daemon."""

import os
import signal
import sys
import time

import pytest

from hybridd.daemon.companion import Companion
from tests.e2e.house import wait_for

WAITS = "import sys; sys.stdin.buffer.read()"


@pytest.fixture
def companion():
    made = []

    def make(code):
        made.append(Companion("the other", [sys.executable, "-c", code], first_pause_s=0.05))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_it_is_started_again_when_it_was_killed(companion, caplog):
    one = companion(WAITS)
    one.start()
    first = wait_for(lambda: one.pid)
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: one.pid not in {None, first})
    assert "the other has ended (-9)" in caplog.text


def test_one_that_a_person_must_help_is_given_up(companion, caplog):
    one = companion("raise SystemExit(2)")
    one.start()
    wait_for(lambda: "cannot run as things are" in caplog.text)
    wait_for(lambda: not one._thread.is_alive())


def test_it_ends_with_the_daemon_also_when_it_does_not_want_to(companion, monkeypatch):
    monkeypatch.setattr("hybridd.daemon.companion.GRACE_S", 0.3)
    one = companion(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); {WAITS}")
    one.start()
    pid = wait_for(lambda: one.pid)
    time.sleep(0.2)
    one.stop()
    wait_for(lambda: one.pid is None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_its_standard_input_ends_when_whoever_started_it_is_killed(tmp_path):
    begun, note = tmp_path / "begun", tmp_path / "note"
    child = (
        f"import sys, pathlib; pathlib.Path({str(begun)!r}).touch(); "
        f"sys.stdin.buffer.read(); pathlib.Path({str(note)!r}).write_text('ended')"
    )
    parent = (
        "import sys, time; from hybridd.daemon.companion import Companion; "
        f"one = Companion('x', [sys.executable, '-c', {child!r}]); one.start(); time.sleep(60)"
    )
    pid = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", parent])
    wait_for(begun.exists)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_for(note.exists)


def test_what_cannot_be_started_is_tried_again_and_stops_at_once(caplog):
    one = Companion("the other", ["/nowhere/at/all"], first_pause_s=0.05)
    one.start()
    wait_for(lambda: caplog.text.count("cannot be started") >= 2)
    one.stop()
    assert not one._thread.is_alive()


def test_one_that_was_never_started_can_be_stopped():
    Companion("the other", ["/nowhere"]).stop()
