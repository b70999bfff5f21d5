"""From an alert to its being taken, with eight recipients, while one channel is a black hole: p50 and p99.

python -m tests.bench_delivery [SECONDS]    how long it runs, 20 by default; a line of JSON
"""

import json
import logging
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from hybridd.alerts.compose import health_alert
from hybridd.alerts.routing import Route, Step
from hybridd.clock import SystemClock
from hybridd.daemon.scheduler import Scheduler
from hybridd.delivery.email import EmailChannel
from hybridd.model.change import Reason, Severity, Verdict
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.record import post
from hybridd.selftest.ledger import Ledger
from hybridd.selftest.names import HOST
from hybridd.selftest.sinks import Sinks
from hybridd.store.store import open_store

RECIPIENTS = 8
EVERY_S = 0.5
HOLE = "hole"


class BlackHole:
    """A service that takes every connection and never says a word."""

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self._taken: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._socket.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        for one in (self._socket, *self._taken):
            one.close()


def mail(name: str, port: int, recipients: int) -> EmailChannel:
    """A mail channel under a name of its own."""
    channel = EmailChannel(
        host=HOST, port=port, security="none", username="", password="", sender="hybridd@bench.example",
        recipients=tuple(f"person{i}@bench.example" for i in range(recipients)),
    )  # fmt: skip
    channel.name = name
    return channel


def measure(seconds: float) -> dict[str, float]:
    """Post an alert every half second for so long: how long each mail of the good channels took, in ms."""
    logging.disable(logging.CRITICAL)
    clock, hole, ledger = SystemClock(), BlackHole(), Ledger()
    with tempfile.TemporaryDirectory() as folder, Sinks(ledger, Path(folder)) as sinks:
        store = open_store(f"sqlite:///{folder}/state.db", clock=clock)
        channels = [mail(f"email{i}", sinks.ports["smtp"], RECIPIENTS // 2) for i in range(2)]
        channels.append(mail(HOLE, hole.port, 1))
        couriers = {c.name: Courier(store=store, channel=c, clock=clock, zone="UTC") for c in channels}
        schedule = Scheduler(clock=clock, workers=12, on_good=lambda _: None, on_failed=lambda _: None)

        def deliver(name: str) -> None:
            done = couriers[name].round(schedule.stopping.is_set)
            if done.next_at is not None:
                schedule.poke(f"deliver:{name}", max(0.05, (done.next_at - clock.now()) / 1000))

        for name in couriers:
            schedule.every(f"deliver:{name}", 20.0, lambda name=name: deliver(name))
        schedule.start()
        addresses = {c.name: c.recipients for c in channels}
        routes = (Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=tuple(addresses)),)),)
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            alert = health_alert(Reason.TEST, f"bench {number}", "", clock.now(), 600_000, simulated=False)
            with store.transaction():
                posted = post(store, alert, routes, addresses, clock.now())
                store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=posted.id)
            for name in couriers:
                schedule.poke(f"deliver:{name}")
            number += 1
            time.sleep(EVERY_S)
        waits = _waits(store, number)
        held = store.outbox.last_told(HOLE) is None
        schedule.stop()
        hole.close()
        schedule.wait_idle(60)
        store.close()
    assert held, "the black hole took a message"
    return {
        "alerts": number,
        "mails": len(waits),
        "p50_ms": float(np.percentile(waits, 50)),
        "p99_ms": float(np.percentile(waits, 99)),
        "worst_ms": max(waits),
    }


def _waits(store, alerts: int) -> list[float]:
    """From each alert's making to each mail's being taken; waits for the last ones."""
    end = time.monotonic() + 10
    while True:
        stories = list(store.history.stories())
        good = [(f, s.alert.created_at) for s in stories for f in s.fates if f.delivery.channel != HOLE]
        if all(fate.told_at is not None for fate, _ in good) or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert len(good) == alerts * RECIPIENTS
    assert all(fate.told_at is not None for fate, _ in good), "a good channel waited for the black hole"
    return [float(fate.told_at - made_at) for fate, made_at in good]


def rows(seconds: float = 20.0) -> list[tuple[str, float, str, str]]:
    """Lines for `make bench`: what, value, unit, goal."""
    found = measure(seconds)
    what = f"alert to taken, {RECIPIENTS} recipients, one channel a black hole"
    return [(f"{what}: p50", found["p50_ms"], "ms", ""), (f"{what}: p99", found["p99_ms"], "ms", "goal ≤ 1,000")]


def main() -> None:
    """Measure and print."""
    print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)))


if __name__ == "__main__":
    main()
