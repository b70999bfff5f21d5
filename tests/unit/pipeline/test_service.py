"""The service: ready before the network, a watchdog that lives on good rounds, reloads, an orderly end."""

import socket
import time

import pytest

from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.errors import ConfigError
from hybridd.pipeline.housekeep import SERVICE_KEY
from hybridd.pipeline.service import SICK_S, Service
from hybridd.store.store import open_store
from tests.makers import T0

WAIT = 10.0


class Systemd:
    """The socket that systemd would listen on."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(WAIT)

    def said(self):
        """All that has been said so far, without waiting."""
        self.socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return found

    def wait_for(self, text):
        self.socket.settimeout(WAIT)
        while text not in self.socket.recv(4096).decode():
            pass


def settings(**changes):
    return Settings.model_validate(
        {"market": {"source": "simulated"}, "monitor": {"symbols": ("BTC/USDT",)}, **changes}
    )


class Desk:
    """A service over a simulated market; `fresh` is what a reload reads, or the error that it meets."""

    def __init__(self, systemd):
        self.systemd, self.clock = systemd, ManualClock(T0)
        self.store = open_store("sqlite://:memory:", clock=self.clock)
        self.fresh = settings()
        self.parts = assemble(settings(), self.store, self.clock)
        self.service = Service(
            parts=self.parts, store=self.store, clock=self.clock, assemble=self.assemble,
            environ={"WATCHDOG_USEC": "30000000"},
        )  # fmt: skip

    def assemble(self):
        if isinstance(self.fresh, Exception):
            raise self.fresh
        return assemble(self.fresh, self.store, self.clock)

    def overdue(self, after):
        return self.service._heartbeat.overdue(time.monotonic() + after)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    systemd = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.path)
    made = Desk(systemd)
    yield made
    if not made.service._schedule.stopping.is_set():
        if made.service._schedule._scheduler.running:
            made.service.stop()
        else:
            made.parts.close()
    made.service._notifier.close()
    made.store.close()
    systemd.socket.close()


def test_ready_is_said_and_the_watchdog_is_fed_and_the_end_is_written_down(desk):
    desk.service.start()
    desk.systemd.wait_for("READY=1")
    desk.systemd.wait_for("WATCHDOG=1")
    assert desk.service.stop() is True
    assert "STOPPING=1" in desk.systemd.said()
    assert desk.store.bot_state.get(SERVICE_KEY)["state"] == "stopped"


def test_a_round_that_goes_on_failing_starves_the_watchdog_within_half_a_minute(desk):
    desk.service._plan()
    assert desk.overdue(SICK_S - 1) == []
    for _ in range(20):
        desk.service._failed("cycle")
    assert desk.overdue(SICK_S - 1) == []
    assert "cycle" in desk.overdue(SICK_S + 1)
    desk.service._good("cycle")
    assert "cycle" not in desk.overdue(SICK_S + 1), "a good round counts for a whole candle again"
    assert "cycle" in desk.overdue(300 + 121)


def test_a_starving_watchdog_is_not_fed(desk):
    desk.service._plan()
    desk.service._heartbeat.register("cycle", 1.0, time.monotonic() - 2)
    desk.systemd.said()
    desk.service._tick()
    assert not any("WATCHDOG" in line for line in desk.systemd.said())
    desk.service._good("cycle")
    desk.service._tick()
    assert "WATCHDOG=1" in desk.systemd.said()


def test_a_round_that_outlived_its_job_starves_nobody(desk):
    """A reload took the channel away while its last send was under way, and that send ended badly."""
    desk.service._plan()
    desk.service._failed("deliver:email")
    desk.service._good("deliver:email")
    assert "deliver:email" not in desk.overdue(10**6)


def test_every_round_that_is_planned_is_watched(desk):
    desk.service._plan()
    assert set(desk.overdue(10**6)) == {"cycle", "deliver:journal", "ping", "tick"}


def test_the_trade_job_is_watched_where_there_is_a_broker_and_goes_with_it(desk):
    desk.service.start()
    desk.fresh = settings(trading={"broker": "paper"})
    desk.service.reload()
    assert "trade" in desk.overdue(10**6)
    assert "trade" in desk.service._schedule.jobs
    desk.fresh = settings()
    desk.service.reload()
    assert "trade" not in desk.overdue(10**6)
    assert "trade" not in desk.service._schedule.jobs


def test_a_reload_takes_the_new_settings(desk, caplog):
    desk.service.start()
    desk.fresh = settings(monitor={"symbols": ("ETH/USDT",)}, alerts={"score_jump": 7.0})
    with caplog.at_level("INFO"):
        desk.service.reload()
    (line,) = [line for line in caplog.text.splitlines() if "settings read again" in line]
    assert "alerts.score_jump" in line
    assert "monitor.symbols" in line
    assert list(desk.service._parts.watch.symbols) == ["ETH/USDT"]
    assert desk.service._schedule.wait_idle(WAIT)
    said = desk.systemd.said()
    assert [line.split("\n")[0] for line in said if line.startswith(("READY", "RELOADING"))] == [
        "READY=1", "RELOADING=1", "READY=1",
    ]  # fmt: skip


def test_a_reload_that_is_refused_leaves_everything_as_it_is_and_says_why(desk, caplog):
    desk.service.start()
    desk.fresh = ConfigError("2 problems", lines=("alerts.score_jmup: unknown", "monitor.timeframe: not one"))
    desk.service.reload()
    assert desk.service._parts is desk.parts
    for words in ("alerts.score_jmup: unknown", "monitor.timeframe: not one", "stay in force"):
        assert words in caplog.text
    assert set(desk.overdue(10**6)) == {"cycle", "deliver:journal", "ping", "tick"}
    assert desk.systemd.said()[-1] == "READY=1"


def test_a_state_that_cannot_take_the_farewell_does_not_stop_the_end(desk, caplog):
    desk.service.start()
    assert desk.service._schedule.wait_idle(WAIT)
    desk.store._database.engine.cursor().execute("PRAGMA query_only = ON")
    assert desk.service.stop() is True
    assert "the end is not written down" in caplog.text
