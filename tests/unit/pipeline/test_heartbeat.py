"""Whose time counts: the running daemon's, also where a demo's runs fast."""

import pytest

from hybridd.clock import SystemClock
from hybridd.pipeline.heartbeat import SERVICE_KEY, SILENT_AFTER_MS, clock_of
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
