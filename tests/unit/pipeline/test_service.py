"""The service: ready before the network, a watchdog that lives on good rounds, reloads, an orderly end."""

import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hybridd.alerts.compose import health_alert
from hybridd.alerts.routing import Route, Step
from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import ConfigError, StoreBusy
from hybridd.model.alert import AlertState
from hybridd.model.change import Reason, Severity
from hybridd.model.delivery import DeliveryState, Failure, Outcome
from hybridd.model.inbound import Inbound
from hybridd.pipeline import push_devices
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.pipeline.housekeep import Housekeeper
from hybridd.pipeline.overrides import in_force, want
from hybridd.pipeline.record import post
from hybridd.pipeline.service import RETRY_S, SICK_S, Service
from hybridd.pipeline.watch import CycleReport
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import put

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


def test_a_start_follows_a_clock_that_was_set_back_before_it_takes_up_what_was_under_way(desk):
    desk.service._housekeeper.round(desk.parts, desk.service._schedule)
    phone = MemoryChannel("phone")
    later = put(desk.store, T0, channels=[phone], key="later", after=(1_800_000,))
    desk.store.outbox.lease(desk.store.outbox.of_alert(put(desk.store, T0, channels=[phone], key="now"))[0].id, T0)
    desk.clock.set(T0 - 7_200_000)
    desk.service._housekeeper = Housekeeper(store=desk.store, clock=desk.clock)
    desk.service._plan = lambda: None
    desk.service.start()
    done = [entry for entry in desk.store.audit.list(limit=9) if entry.action == "clock"]
    assert [entry.data for entry in done] == [{"ms": 7_200_000, "deliveries": 1}]
    assert desk.store.outbox.of_alert(later)[0].next_at == desk.clock.now() + 1_800_000


def test_what_a_fast_clock_planned_is_moved_before_the_schedule_is_made_anew(desk, caplog):
    desk.service._housekeeper.round(desk.parts, desk.service._schedule)
    later = put(desk.store, T0, channels=[MemoryChannel("phone")], after=(1_800_000,))
    seen = []
    desk.service._schedule.poke_all = lambda: seen.append(desk.store.outbox.of_alert(later)[0].next_at)
    desk.service._watch_clock()
    assert seen == [], "nobody has set the clock"
    desk.service._ahead += 7_200
    desk.clock.set(T0 - 7_200_000)
    desk.service._watch_clock()
    assert seen == [desk.clock.now() + 1_800_000]
    assert "this machine's clock was set by -7200 s" in caplog.text


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
    assert set(desk.overdue(10**6)) == {"cycle", "deliver:dashboard", "deliver:journal", "ping", "tick"}


@pytest.mark.parametrize(("wait_s", "within"), [(None, 301), (3600.0, 301), (30.0, 31), (0.0, 2)])
def test_the_next_round_comes_when_somebody_may_be_asked(desk, monkeypatch, wait_s, within):
    desk.service.start()
    assert desk.service._schedule.wait_idle(WAIT)
    planned = desk.service._schedule.next_run("cycle")
    monkeypatch.setattr(desk.parts.watch, "cycle", lambda _: CycleReport(waiting=("DOGE/USDT",), wait_s=wait_s))
    desk.service._cycle()
    comes = desk.service._schedule.next_run("cycle")
    assert (comes - datetime.now(UTC)).total_seconds() <= within
    if within > 300:
        assert comes == planned


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
    assert set(desk.overdue(10**6)) == {"cycle", "deliver:dashboard", "deliver:journal", "ping", "tick"}
    assert desk.systemd.said()[-1] == "READY=1"


def test_a_state_that_cannot_take_the_farewell_does_not_stop_the_end(desk, caplog):
    desk.service.start()
    assert desk.service._schedule.wait_idle(WAIT)
    desk.store._database.engine.cursor().execute("PRAGMA query_only = ON")
    assert desk.service.stop() is True
    assert "the end is not written down" in caplog.text


# What comes back.


class Phone(MemoryChannel):
    """A channel by which a person answers: `says` is what comes with the next question."""

    def __init__(self):
        super().__init__("telegram")
        self.says = []

    def poll(self):
        found, self.says = self.says, []
        return found


def with_channels(desk, *channels):
    parts = desk.parts
    couriers = [Courier(store=desk.store, channel=c, clock=desk.clock, zone="UTC") for c in channels]
    addresses = {c.name: c.recipients for c in channels}
    return replace(parts, couriers=[*parts.couriers, *couriers], channels={**parts.channels, **addresses})


def eventually(what):
    end = time.monotonic() + WAIT
    while not what():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def test_an_answer_by_a_channel_that_listens_acknowledges_the_alert(desk):
    phone = Phone()
    desk.service._parts = with_channels(desk, phone)
    alert = put(desk.store, T0, channels=[phone], after=(0, 60_000))
    phone.says = [Inbound(channel="telegram", sender="somebody", text=f"ACK {alert}", id="7", at=T0)]
    desk.service.start()
    eventually(lambda: desk.store.alerts.get(alert).state is AlertState.ACKED)
    assert desk.service.stop() is True
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "listen:telegram"])


def test_a_channel_in_trouble_wakes_the_couriers_of_the_next_step(desk):
    """The couriers come by every twenty seconds: whoever is to take over is woken."""
    bad = MemoryChannel("bad", script=[Outcome(failure=Failure.ACCOUNT, detail="535")] * 99)
    good = MemoryChannel("good")
    desk.service._parts = with_channels(desk, bad, good)
    desk.service.start()
    assert desk.service._schedule.wait_idle(WAIT)
    route = Route(
        severities=frozenset(Severity),
        steps=(Step(after_ms=0, channels=("bad",)), Step(after_ms=120_000, channels=("good",))),
    )
    alert = health_alert(Reason.DISK_LOW, "hybridd", "", T0, 900_000, simulated=False)
    with desk.store.transaction():
        posted = post(desk.store, alert, (route,), {"bad": ("somebody",), "good": ("somebody",)}, T0)
    desk.service._schedule.poke("deliver:bad")
    eventually(lambda: [d.state for d in desk.store.outbox.of_alert(posted.id) if d.step] == [DeliveryState.ACCEPTED])
    assert len(good.sent) == 1


def test_what_waits_for_a_channel_that_is_gone_is_given_up_at_the_start(desk, caplog):
    alert = put(desk.store, T0, channels=[MemoryChannel("pigeon")])
    desk.store.addresses.disable("pigeon", "somebody", "it has flown", T0)
    desk.service.start()
    assert [d.state for d in desk.store.outbox.of_alert(alert)] == [DeliveryState.CANCELLED]
    assert desk.store.addresses.get("pigeon", "somebody") is None
    assert "pigeon, which is not set up any more" in caplog.text


def test_a_courier_that_met_a_locked_state_is_back_in_seconds(desk):
    desk.service.start()
    assert desk.service._schedule.wait_idle(WAIT)

    def locked(_):
        raise StoreBusy("the state is locked")

    courier = desk.service._parts.couriers[0]
    courier.round = locked
    desk.service._schedule.poke("deliver:journal")
    eventually(lambda: desk.service._schedule.jobs["deliver:journal"].failed)
    del courier.round
    eventually(lambda: "deliver:journal" in desk.service._sick)
    # A round is planned anew once the scheduler has counted the one before as ended.
    eventually(lambda: desk.service._schedule.next_run("deliver:journal").timestamp() - time.time() <= RETRY_S)


class Switch(BaseHTTPRequestHandler):
    """A dead-man's switch: counts who calls."""

    def do_GET(self):
        self.server.calls += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def switch():
    server = HTTPServer(("127.0.0.1", 0), Switch)
    server.calls = 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join(WAIT)
    server.server_close()


def test_the_dead_mans_switch_hears_of_good_rounds_only(desk, switch, monkeypatch):
    service = desk.service
    service._parts = replace(desk.parts, ping_url=f"http://127.0.0.1:{switch.server_port}/x")
    service._cycle()
    service._ping()
    assert switch.calls == 1
    service._ping()
    assert switch.calls == 1, "no round since"
    monkeypatch.setattr(desk.parts.watch, "cycle", lambda _: CycleReport(analysed=0, waiting=("BTC/USDT",)))
    service._cycle()
    service._ping()
    assert switch.calls == 1, "nothing was analysed"

    def broken(_):
        raise StoreBusy("locked")

    monkeypatch.setattr(desk.parts.watch, "cycle", broken)
    with pytest.raises(StoreBusy):
        service._cycle()
    service._ping()
    assert switch.calls == 1


def test_what_the_web_wants_is_read_at_the_next_tick_and_told(desk):
    desk.service.start()
    assert in_force(desk.store).values["analysis"]["long_threshold"] == 65.0
    want(desk.store, {"analysis.long_threshold": 70.0}, "dashboard", T0)
    desk.service._tick()
    assert desk.service._reload
    desk.fresh = settings(analysis={"long_threshold": 70.0})
    desk.service.reload()
    told = in_force(desk.store)
    assert (told.version, told.values["analysis"]["long_threshold"], told.refused) == (1, 70.0, ())
    desk.service._reload = False
    desk.service._tick()
    assert not desk.service._reload, "once is enough"


def test_a_wish_that_the_files_forbid_is_told_as_refused_and_not_tried_without_end(desk):
    desk.service.start()
    want(desk.store, {"analysis.long_threshold": 70.0}, "dashboard", T0)
    desk.fresh = ConfigError("the settings hold one problem", lines=["x.toml:1: broken"])
    desk.service.reload()
    told = in_force(desk.store)
    assert told.values["analysis"]["long_threshold"] == 65.0
    assert told.refused[0] == "x.toml:1: broken"
    desk.service._reload = False
    desk.service._tick()
    assert not desk.service._reload


def test_a_device_that_registers_is_sent_to_from_the_next_tick_on(desk):
    desk.service.start()
    push_devices.tell_offer(desk.store, push_devices.Offer(service="firebase"))
    push_devices.register(desk.store, "token:" + "x" * 40, "dashboard", T0)
    desk.service._tick()
    assert desk.service._reload
    desk.service._reload = False
    desk.service._tick()
    assert not desk.service._reload, "once is enough"
