"""The demo: where a second one begins."""

import pytest

from hybridd.cli.demo import _resume
from hybridd.clock import ManualClock, SystemClock
from hybridd.config.schema import Settings
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.store.store import open_store

HOUR = 3_600_000


@pytest.mark.parametrize(("ahead", "goes_on"), [(10 * HOUR, True), (0, False)])
def test_a_demo_goes_on_where_the_last_one_stopped_and_never_before_now(tmp_path, ahead, goes_on):
    url = f"sqlite:///{tmp_path}/state.db"
    beat = SystemClock().now() - 60_000
    store = open_store(url, clock=ManualClock(beat))
    store.bot_state.set(SERVICE_KEY, {"state": "stopped", "heartbeat_at": beat, "ahead_ms": ahead})
    store.close()
    begins = _resume(Settings.model_validate({"database": {"url": url}}))
    assert begins == (beat + ahead if goes_on else None)
