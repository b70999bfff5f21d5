"""A courier that is killed at the worst moments, in a process of its own; what the phone got is in a ledger."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import AlertState
from hybridd.model.inbound import Inbound
from hybridd.pipeline.answers import keep, work
from hybridd.pipeline.deliver import Courier
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import put

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import sys
from tests.unit.pipeline.test_crash_points import worker
worker(*sys.argv[1:])
"""


class Ledger:
    """A provider that writes down what it delivers; `asked` whether it can be asked for it. `die` at a named point."""

    name, recipients = "phone", ("somebody",)

    def __init__(self, path, *, idempotent, asked, die=""):
        self.path, self.idempotent, self.asked, self.die_at = Path(path), idempotent, asked, die

    def entries(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def keys(self):
        return [entry["key"] for entry in self.entries()]

    def send(self, message):
        self.die("after lease")
        if not (self.idempotent and message.key in self.keys()):
            with self.path.open("a") as file:
                file.write(json.dumps({"key": message.key, "repeat": message.repeat}) + "\n")
        self.die("after the post")
        return MemoryChannel().send(message)

    def find(self, message):
        return MemoryChannel().send(message) if self.asked and message.key in self.keys() else None

    def check(self):
        return MemoryChannel().check()

    def close(self):
        pass

    def die(self, point):
        if self.die_at == point:
            os.kill(os.getpid(), signal.SIGKILL)


def worker(folder, idempotent, asked, die):
    """One round of a courier; it may not live to see its end."""
    store = open_store(f"sqlite:///{folder}/state.db", clock=ManualClock(T0))
    channel = Ledger(f"{folder}/ledger", idempotent=idempotent == "True", asked=asked == "True", die=die)
    Courier(store=store, channel=channel, clock=ManualClock(T0), zone="UTC").round(lambda: False)
    channel.die("after the mark")
    store.close()


def run(folder, channel, die=""):
    """A worker in a process of its own; its exit code."""
    arguments = [str(folder), str(channel.idempotent), str(channel.asked), die]
    return subprocess.run(
        [sys.executable, "-c", WORKER, *arguments], cwd=ROOT, timeout=60, capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize(("idempotent", "asked"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("point", ["after lease", "after the post", "after the mark"])
def test_a_kill_loses_nothing_and_repeats_at_most_once_and_says_so(tmp_path, point, idempotent, asked):
    channel = Ledger(tmp_path / "ledger", idempotent=idempotent, asked=asked)
    clock = ManualClock(T0)
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=clock)
    alert = put(store, T0, channels=[channel])
    assert run(tmp_path, channel, point) == -signal.SIGKILL
    store.outbox.recover(clock.now())
    courier = Courier(store=store, channel=channel, clock=clock, zone="UTC")
    for _ in range(5):
        done = courier.round(lambda: False)
        clock.set(max(clock.now() + 1, done.next_at or 0))
    entries = channel.entries()
    assert entries, "somebody must have been told"
    copies = 2 if point == "after the post" and not idempotent and not asked else 1
    assert len(entries) == copies
    assert all(entry["repeat"] for entry in entries[1:])
    assert [d.state.value for d in store.outbox.of_alert(alert)] == ["accepted"]
    assert store.verify() == []
    store.close()


def test_a_kill_while_the_one_repeat_is_sent_leads_to_no_third(tmp_path):
    channel = Ledger(tmp_path / "ledger", idempotent=False, asked=False)
    clock = ManualClock(T0)
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=clock)
    put(store, T0, channels=[channel])
    for _ in range(3):
        run(tmp_path, channel, "after the post")
        store.outbox.recover(T0)
    assert [entry["repeat"] for entry in channel.entries()] == [False, True]
    store.close()


def test_two_processes_send_each_message_once(tmp_path):
    channel = Ledger(tmp_path / "ledger", idempotent=False, asked=False)
    store = open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(T0))
    for number in range(10):
        put(store, T0, channels=[channel], key=str(number))
    arguments = [sys.executable, "-c", WORKER, str(tmp_path), "False", "False", ""]
    workers = [subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    for process in workers:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert len(channel.keys()) == len(set(channel.keys())) == 10
    store.close()


def test_two_processes_obey_an_answer_once(tmp_path):
    clock = ManualClock(T0)
    stores = [open_store(f"sqlite:///{tmp_path}/state.db", clock=clock) for _ in range(2)]
    alert = put(stores[0], T0, channels=[MemoryChannel("telegram")])
    inbound = Inbound(channel="telegram", sender="somebody", text=f"ACK {alert}", id="1", at=T0)
    assert [keep(store, inbound, T0) for store in stores] == [True, False]
    obeyed = [work(store, {"telegram": ("somebody",)}, T0).obeyed for store in stores]
    assert obeyed == [1, 0]
    assert stores[1].alerts.get(alert).state is AlertState.ACKED
    for store in stores:
        store.close()
