"""What systemd hears, and when the watchdog is fed."""

import socket
import time

import pytest

from hybridd.daemon.notify import Heartbeat, Notifier, feed, watchdog_usec


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


@pytest.fixture
def notifier(systemd):
    notifier = Notifier()
    yield notifier
    notifier.close()


def test_each_state_is_told_in_systemds_words(systemd, notifier):
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    notifier.extend(5_000_000)
    assert [systemd.recv(200) for _ in range(4)] == [
        b"READY=1", b"WATCHDOG=1", b"STOPPING=1", b"EXTEND_TIMEOUT_USEC=5000000",
    ]  # fmt: skip


def test_a_status_is_one_line_of_utf8(systemd, notifier):
    notifier.status("BTC/USDT 62 → 78\nREADY=1")
    assert systemd.recv(200).decode() == "STATUS=BTC/USDT 62 → 78 READY=1"


def test_a_reload_carries_the_kernels_monotonic_time(systemd, notifier):
    notifier.reloading()
    first, second = systemd.recv(200).decode().split("\n")
    assert first == "RELOADING=1"
    assert abs(int(second.removeprefix("MONOTONIC_USEC=")) - time.monotonic_ns() // 1000) < 5_000_000


def test_without_systemd_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = Notifier()
    notifier.ready()
    notifier.close()
    notifier.close()


def test_a_systemd_that_does_not_read_holds_nobody_up(systemd, notifier):
    begun = time.monotonic()
    notifier._systemd.socket.settimeout(0.02)
    for _ in range(300):
        notifier.watchdog()
        if time.monotonic() - begun > 0.05:
            break
    assert time.monotonic() - begun < 1


def test_a_round_is_overdue_when_it_was_not_good_in_time():
    heart = Heartbeat()
    heart.register("cycle", 300, 0)
    heart.register("outbox", 60, 0)
    assert heart.overdue(60) == []
    assert heart.overdue(61) == ["outbox"]
    heart.good("outbox", 61)
    assert heart.overdue(121) == []
    assert heart.overdue(400) == ["cycle", "outbox"]
    heart.forget("cycle")
    assert heart.overdue(400) == ["outbox"]


def test_an_older_success_does_not_undo_a_newer_one():
    heart = Heartbeat()
    heart.register("cycle", 10, 0)
    heart.good("cycle", 50)
    heart.good("cycle", 20)
    assert heart.overdue(60) == []


def test_a_round_that_nobody_registered_is_a_defect():
    with pytest.raises(KeyError):
        Heartbeat().good("cycle", 0)


def test_the_watchdog_is_fed_by_work_only(systemd, notifier):
    heart = Heartbeat()
    heart.register("cycle", 300, 0)
    assert feed(heart, notifier, 299) == []
    assert systemd.recv(200) == b"WATCHDOG=1"
    assert feed(heart, notifier, 301) == ["cycle"]
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(200)


@pytest.mark.parametrize(
    ("environ", "usec"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_time_is_systemds(environ, usec):
    assert watchdog_usec(environ, 42) == usec
