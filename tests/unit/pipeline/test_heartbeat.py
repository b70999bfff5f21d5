"""Whose time counts: the running daemon's, also where a demo's runs fast."""

import os
import subprocess
import sys

import pytest

from hybridd.clock import SystemClock
from hybridd.daemon.process import home
from hybridd.pipeline.heartbeat import SERVICE_KEY, SILENT_AFTER_MS, clock_of, next_run_of, state_of, wrong_with
from hybridd.pipeline.report import status_report
from hybridd.store.store import open_store

HOUR_MS = 3_600_000


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'state.db'}", clock=SystemClock())
    yield opened
    opened.close()


def beat(store, state, ago_ms=0):
    """A demo that is ten hours ahead, sixty times as fast as life."""
    fast = SystemClock(60.0, SystemClock().now() + 10 * HOUR_MS)
    store.bot_state.set(SERVICE_KEY, {"state": state, "heartbeat_at": SystemClock().now() - ago_ms, "clock": fast.line})
    return fast


def test_a_command_beside_a_fast_demo_lives_in_its_time(store):
    fast = beat(store, "ok")
    assert clock_of(store).now() == pytest.approx(fast.now(), abs=60_000)
    assert clock_of(store).speed == 60


@pytest.mark.parametrize(("state", "ago"), [("stopped", 0), ("ok", SILENT_AFTER_MS + 1000)])
def test_one_that_is_over_has_no_time_of_its_own(store, state, ago):
    beat(store, state, ago)
    assert clock_of(store).now() == pytest.approx(SystemClock().now(), abs=60_000)


def test_without_a_daemon_the_machines_time_counts(store):
    assert clock_of(store).now() == pytest.approx(SystemClock().now(), abs=60_000)


def dead_pid():
    """The number of a process that was there a moment ago."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(30)
    return child.pid


def sign(pid, at=1_000, where=None):
    return {"state": "ok", "heartbeat_at": at, "pid": pid, "home": home() if where is None else where}


def test_a_daemon_whose_process_is_gone_is_not_called_alive_for_a_moment():
    service = sign(dead_pid())
    assert state_of(service, 1_000) == "silent"
    assert wrong_with(service, 2_000)[0].startswith(f"the daemon's process {service['pid']} has died: no sign")


@pytest.mark.parametrize("pid", [None, 1])  # our own, and one that may be another user's
def test_a_daemon_whose_process_is_there_is_alive(pid):
    pid = pid or os.getpid()
    assert state_of(sign(pid), 1_000) == "ok"
    assert wrong_with(sign(pid), 1_000) == []


@pytest.mark.parametrize("where", ["", "another boot pid:[1]"])
def test_of_another_machine_or_boot_the_number_of_a_process_says_nothing(where):
    assert state_of(sign(dead_pid(), where=where), 1_000) == "ok"


def test_of_one_that_has_died_no_next_run_is_announced(store):
    for pid, next_run in ((os.getpid(), 9_000), (dead_pid(), None)):
        store.bot_state.set(SERVICE_KEY, {**sign(pid), "next_run": 9_000})
        assert status_report(store, 1_000)["next_run"] == next_run


@pytest.mark.parametrize(
    ("now", "clock", "expected"),
    [
        (8_999, "", 9_000),
        (9_000, "", 9_000),
        (9_001, "", 302_000),
        (302_001, "", 602_000),
        (62_000, "60.0:0:0.0", 66_000),
    ],
)
def test_after_a_next_run_that_has_come_since_the_last_heartbeat_is_the_next_close(now, clock, expected):
    told = {"next_run": 9_000, "timeframe": "5m", "settle_ms": 2_000, "clock": clock}
    service = {**sign(os.getpid()), "heartbeat_at": now, **told}
    assert next_run_of(service, now) == expected


@pytest.mark.parametrize("kept", [{}, {"next_run": None, "timeframe": "5m"}])
def test_where_none_was_planned_none_is_announced(kept):
    assert next_run_of({**sign(os.getpid()), **kept}, 1_000) is None


def test_one_that_is_there_and_silent_hangs_or_has_died():
    assert wrong_with(sign(os.getpid()), 1_000 + SILENT_AFTER_MS + 1)[0].startswith("the daemon hangs or has died")
