"""However the daemon dies or hangs, it is back by itself, nothing is lost, and somebody is told."""

import contextlib
import json

import pytest
from container import wait_for

WATCHDOG_S = 6
SICK_S = 30
"""How long the daemon lets a round fail before it no longer feeds the watchdog."""
RESTART_S = 5
BOUND_S = 20
"""For what a busy machine with two cores may add."""

TELLER = "hybridd-failure@hybridd.service.service"

READ = """
import json, sqlite3, sys
state = sqlite3.connect("file:/var/lib/hybridd/state.db?mode=ro", uri=True)
print(json.dumps(state.execute(sys.argv[1]).fetchall()))
"""
HOLD = """
import sqlite3, time
sqlite3.connect("/var/lib/hybridd/state.db").execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(300)
"""
LET_GO = """
import glob, os
for file in glob.glob("/proc/[0-9]*/cmdline"):
    if b"BEGIN IMMEDIATE" in open(file, "rb").read() and file.split("/")[2] != str(os.getpid()):
        os.kill(int(file.split("/")[2]), 9)
"""
ROOM = """
cp -a /var/lib/hybridd /root/state
mount -t tmpfs -o size=40m,mode=0700 full /var/lib/hybridd
cp -a /root/state/. /var/lib/hybridd/
chown hybridd: /var/lib/hybridd
"""


SHIPPED_WATCHDOG_S = 60
# A brain of somebody's own that does what a bug in the schedule would do: it keeps the schedule's own lock for ever.
DEADLOCK = """
import gc
import threading

from apscheduler.schedulers.base import BaseScheduler


def brain(symbol, timeframe, candles):
    for found in gc.get_objects():
        if isinstance(found, BaseScheduler):
            found._jobstores_lock.acquire()
    threading.Event().wait()
"""


def test_a_frozen_daemon_is_killed_by_the_watchdog_as_shipped(machine):
    machine.run("systemctl", "start", "hybridd")
    try:
        pid = int(machine.show("hybridd", "MainPID"))
        assert machine.show("hybridd", "WatchdogUSec") == "1min"
        kill(machine, 19, pid)
        wait_for(lambda: bitten(machine, pid), SHIPPED_WATCHDOG_S + BOUND_S, "the watchdog", every=1)
        wait_for(lambda: revived(machine, pid), RESTART_S + BOUND_S, "the daemon after the watchdog")
    finally:
        machine.run("systemctl", "stop", "hybridd")


@pytest.fixture(scope="module")
def watched(machine):
    """Running, with a watchdog that is quick to bite, on candles of five seconds."""
    machine.write("/etc/hybridd.d/20-fast.toml", '[monitor]\ntimeframe = "5s"\nsettle_seconds = 0\n')
    machine.run("mkdir", "-p", "/etc/systemd/system/hybridd.service.d")
    drop_in = f"[Service]\nWatchdogSec={WATCHDOG_S}\n"
    machine.write("/etc/systemd/system/hybridd.service.d/quick.conf", drop_in, mode=0o644, group="root")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "hybridd")
    wait_for(lambda: count(machine, "analyses") >= 2, 60, "the first analyses")
    return machine


@pytest.fixture
def pid(watched):
    """Of a daemon that is well."""
    wait_for(lambda: watched.show("hybridd", "ActiveState") == "active", 60, "a daemon that runs")
    return int(watched.show("hybridd", "MainPID"))


def query(machine, sql):
    return json.loads(machine.out("python3", "-c", READ, sql))


def count(machine, table):
    with contextlib.suppress(AssertionError):
        return query(machine, f"SELECT count(*) FROM {table}")[0][0]
    return 0


def revived(machine, pid):
    return machine.show("hybridd", "ActiveState") == "active" and machine.show("hybridd", "MainPID") != str(pid)


def bitten(machine, pid):
    """Whether systemd's watchdog has killed the process."""
    lines = machine.out("journalctl", "-u", "hybridd", "--no-pager", "-o", "cat", "-n", "2000")
    return f"Killing process {pid} (hybridd) with signal SIGABRT" in lines


def kill(machine, signal, pid):
    machine.run("python3", "-c", f"import os; os.kill({pid}, {signal})")


def test_a_killed_daemon_is_back_and_has_lost_nothing(watched, pid):
    kill(watched, 9, pid)
    wait_for(lambda: revived(watched, pid), RESTART_S + BOUND_S, "the daemon after SIGKILL")
    before = count(watched, "analyses")
    wait_for(lambda: count(watched, "analyses") >= before + 4, 60, "analyses after the revival")
    sql = "SELECT candle_close FROM analyses WHERE symbol = 'BTC/USDT' AND timeframe = '5s' ORDER BY 1"
    closes = [row[0] for row in query(watched, sql)]
    assert closes == list(range(closes[0], closes[-1] + 1, 5000)), "a candle has no analysis"
    assert watched.run("hybridd", "db", "verify").returncode == 0


def test_a_death_is_told_by_mail(watched, smtp):
    told = wait_for(lambda: [m for m in smtp.mails if "hybridd.service has failed" in m.subject], 60, "a mail")
    assert told[0].recipient == "person@example.org"
    assert "systemctl status hybridd.service" in told[0].parsed.get_content()


def test_a_frozen_daemon_is_killed_and_restarted(watched, pid):
    kill(watched, 19, pid)
    wait_for(lambda: bitten(watched, pid), WATCHDOG_S + BOUND_S, "the watchdog")
    wait_for(lambda: revived(watched, pid), RESTART_S + BOUND_S, "the daemon after the watchdog")
    # Where each thread stood is in the journal: a hang that nobody can explain comes again.
    assert "most recent call first" in watched.out("journalctl", "-u", "hybridd", "--no-pager", "-n", "400")


def test_a_daemon_that_gets_no_further_is_killed_and_restarted(watched, pid):
    with watched.start("python3", "-c", HOLD) as holder:
        assert holder.stdout.readline().strip() == "held"
        try:
            wait_for(lambda: bitten(watched, pid), SICK_S + 2 * WATCHDOG_S + BOUND_S, "the watchdog")
        finally:
            watched.run("python3", "-c", LET_GO)
    wait_for(lambda: revived(watched, pid), RESTART_S + BOUND_S, "the daemon once the state is free")
    assert watched.run("hybridd", "db", "verify").returncode == 0


def test_a_daemon_whose_schedule_is_deadlocked_is_killed_and_restarted(watched, pid):
    module = f"/usr/lib/hybridd/lib/python{watched.release.python}/site-packages/deadlock.py"
    watched.write(module, DEADLOCK, mode=0o644, group="root")
    watched.write("/etc/hybridd.d/30-deadlock.toml", '[analysis]\nbrain = "deadlock:brain"\n')
    try:
        watched.run("systemctl", "restart", "hybridd")
        pid = int(watched.show("hybridd", "MainPID"))
        wait_for(lambda: bitten(watched, pid), 4 * WATCHDOG_S + BOUND_S, "the watchdog")
        assert "deadlock.py" in watched.out("journalctl", "-u", "hybridd", "--no-pager", "-n", "400")
    finally:
        watched.run("rm", "-f", "/etc/hybridd.d/30-deadlock.toml", module)
        watched.run("systemctl", "restart", "hybridd")
    before = count(watched, "analyses")
    wait_for(lambda: count(watched, "analyses") > before, 60, "analyses without that brain")


def test_a_daemon_whose_rounds_all_fail_is_killed_until_there_is_room_again(watched, pid):
    watched.run("systemctl", "stop", "hybridd")
    watched.run("sh", "-ec", ROOM)
    try:
        watched.run("systemctl", "start", "hybridd")
        pid = int(watched.show("hybridd", "MainPID"))
        # More than is left, again and again: the daemon's own files grow and shrink.
        watched.run("sh", "-c", "dd if=/dev/zero of=/var/lib/hybridd/filler bs=4k 2>/dev/null; true")
        wait_for(lambda: bitten(watched, pid), SICK_S + 2 * WATCHDOG_S + 2 * BOUND_S, "the watchdog")
        watched.run("rm", "/var/lib/hybridd/filler")
        wait_for(lambda: revived(watched, pid), RESTART_S + BOUND_S, "the daemon once there is room")
        before = count(watched, "analyses")
        wait_for(lambda: count(watched, "analyses") > before, 60, "analyses once there is room")
        assert watched.run("hybridd", "db", "verify").returncode == 0
    finally:
        watched.run("systemctl", "stop", "hybridd")
        watched.run("umount", "--lazy", "/var/lib/hybridd")
        watched.run("systemctl", "start", "hybridd")


def test_settings_that_cannot_be_used_end_it_for_good_and_are_told(watched, pid, smtp):
    # Word of the deaths before may still be on its way.
    wait_for(lambda: watched.show(TELLER, "ActiveState") in {"inactive", "failed"}, 150, "the word of earlier deaths")
    told = len(smtp.mails)
    watched.write("/etc/hybridd.d/90-bad.toml", "[monitor]\nsymbls = 3\n")
    try:
        watched.run("systemctl", "restart", "hybridd", check=False)
        assert watched.show("hybridd", "ActiveState") == "failed"
        assert watched.show("hybridd", "ExecMainStatus") == "2"
        assert "did you mean" in watched.out("systemctl", "status", "--no-pager", "hybridd", check=False)
        wait_for(lambda: [m for m in smtp.mails[told:] if "has failed" in m.subject], 60, "a mail")
    finally:
        watched.run("rm", "/etc/hybridd.d/90-bad.toml")
    watched.run("systemctl", "start", "hybridd")
