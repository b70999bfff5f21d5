"""`hybridd run` with its web process: there when the watch is ready, no burden when it dies, gone with the daemon."""

import os
import re
import signal
import subprocess

import httpx
import pytest

from tests.e2e.house import Daemon, wait_for
from tests.unit.dashboard.test_serve import free_port

pytestmark = pytest.mark.xdist_group("daemon")

SETTINGS = """
[monitor]
symbols = ["BTC/USDT"]
timeframe = "1s"
settle_seconds = 0
[market]
source = "simulated"
[dashboard]
port = {port}
"""


@pytest.fixture
def daemon(tmp_path):
    port = free_port()
    with Daemon(tmp_path, SETTINGS.format(port=port), {"HYBRIDD_DASHBOARD__ENABLED": "true"}) as made:
        made.url = f"http://127.0.0.1:{port}"
        yield made


def is_up(daemon):
    try:
        return httpx.get(f"{daemon.url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def web_of(daemon):
    """The process id of the web, by the daemon's own children."""
    listed = ["ps", "-o", "pid=,args=", "--ppid", str(daemon.process.pid)]
    children = subprocess.run(listed, capture_output=True, text=True, timeout=10).stdout.splitlines()
    found = [int(line.split()[0]) for line in children if " dashboard --beside" in line]
    return found[0] if found else None


def test_the_web_may_die_and_the_watch_goes_on(daemon):
    daemon.start()
    wait_for(lambda: is_up(daemon))
    address = re.search(r"Dashboard: (http://\S+/login/\S+)", daemon.log.read_text())[1]
    first = web_of(daemon)
    os.kill(first, signal.SIGKILL)
    count = daemon.count("analyses")
    wait_for(lambda: daemon.count("analyses") > count)
    wait_for(lambda: is_up(daemon))
    assert web_of(daemon) not in {None, first}
    assert daemon.process.poll() is None
    assert httpx.post(address, timeout=5).status_code == 403, "a login is of the process that printed it"
    assert daemon.stop() == 0
    assert not is_up(daemon)


def test_the_web_ends_with_a_daemon_that_was_killed(daemon):
    daemon.start()
    wait_for(lambda: is_up(daemon))
    daemon.kill()
    wait_for(lambda: not is_up(daemon))


def test_a_port_that_is_taken_costs_the_web_and_not_the_watch(daemon, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    daemon.start()
    wait_for(lambda: is_up(daemon))
    port = daemon.url.rpartition(":")[2]
    with Daemon(other, SETTINGS.format(port=port), {"HYBRIDD_DASHBOARD__ENABLED": "true"}) as second:
        second.start()
        wait_for(lambda: second.said("choose another dashboard.port"))
        count = second.count("analyses")
        wait_for(lambda: second.count("analyses") > count)
        assert second.stop() == 0
    assert is_up(daemon)
    assert daemon.stop() == 0


def test_without_the_web_there_is_none(daemon):
    daemon.start("--no-dashboard")
    wait_for(lambda: daemon.count("analyses") >= 2)
    assert web_of(daemon) is None
    assert not is_up(daemon)
    assert daemon.stop() == 0
