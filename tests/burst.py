"""A burst: thousands of alerts at one moment, through the real outbox and couriers; for a test and for a measurement.

python -m tests.burst [COUNT]            10,000 by default: all of them go out; a line of JSON
python -m tests.burst [COUNT] restrained    the same with the limits that hybridd has by default
python -m tests.burst [COUNT] unhurried     the same without limits on messages: the SMS budget alone holds back
"""

import json
import logging
import os
import sys
import time
from dataclasses import dataclass

from hybridd.alerts.compose import health_alert
from hybridd.alerts.restraint import RestraintRules
from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.model.change import Reason, Severity, Verdict
from hybridd.model.delivery import TOLD, Outcome
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.record import post
from hybridd.pipeline.restrain import Restraint
from hybridd.store.store import open_store
from tests.bench import resident_mb
from tests.makers import T0


class Counts:
    """A channel that keeps only how often it was given each alert: a kept message would be the test's own memory."""

    idempotent = True

    def __init__(self, name):
        self.name, self.recipients, self.given = name, (f"somebody by {name}",), {}

    def send(self, message):
        number = int(message.key.partition(":")[0])
        self.given[number] = self.given.get(number, 0) + 1
        return Outcome(provider_id=message.key)

    def find(self, message):
        return None

    def check(self):
        return Outcome()

    def close(self):
        pass


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What came of it: MB resident after each tenth of the sending, alerts that a channel was not given just once."""

    count: int
    told: int
    lost: int
    doubled: int
    missing: int
    resident: list[float]
    seconds: float

    @property
    def growth(self) -> float:
        """Memory at the end over memory after two tenths, when everything has been imported and used."""
        return self.resident[-1] / self.resident[1]


def burst(count: int, url: str = "sqlite://:memory:") -> Burst:
    """Post `count` alerts within one instant, then let two couriers send them."""
    clock, began = ManualClock(T0), time.perf_counter()
    channels = [Counts("email"), Counts("push")]
    addresses = {channel.name: channel.recipients for channel in channels}
    routes = (Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=tuple(addresses)),)),)
    store = open_store(url, clock=clock)
    couriers = [Courier(store=store, channel=channel, clock=clock, zone="UTC") for channel in channels]
    for i in range(count):
        alert = health_alert(Reason.FEED_STALE, f"COIN{i}/USDT", "it is so", T0, 7 * 86_400_000, simulated=False)
        with store.transaction():
            posted = post(store, alert, routes, addresses, T0)
            store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=posted.id)
    resident, sent = [], 0
    while True:
        clock.advance(10)
        round_sent = sum(courier.round(lambda: False).sent for courier in couriers)
        sent += round_sent
        if sent * 10 >= (len(resident) + 1) * count * len(channels):
            resident.append(resident_mb(os.getpid()))
        if not round_sent:
            break
    counts, books = store.outbox.counts(), store.changes.conservation()
    store.close()
    given = [channel.given.get(i + 1, 0) for channel in channels for i in range(count)]
    return Burst(
        count=count,
        told=sum(counts[state] for state in TOLD),
        lost=given.count(0),
        doubled=sum(n > 1 for n in given),
        missing=books.missing,
        resident=resident,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, kw_only=True)
class Flood:
    """What came of it under the limits of a new installation. `messages` and `digests` by channel; `untold`: deliveries
    that nobody was told of, neither by themselves nor as a part of a digest nor with a reason that is written down."""

    count: int
    messages: dict[str, int]
    digests: dict[str, int]
    segments: int
    budget: int
    untold: int
    missing: int
    resident: list[float]
    seconds: float

    @property
    def growth(self) -> float:
        """Memory at the end over memory when all had been posted and nothing had been sent."""
        return self.resident[-1] / self.resident[0]


def flood(count: int, rules: RestraintRules, url: str = "sqlite://:memory:") -> Flood:
    """Post `count` alerts within one instant, then let three hours pass."""
    clock, began = ManualClock(T0), time.perf_counter()
    channels = [Counts("email"), Counts("push"), Counts("sms")]
    addresses = {channel.name: channel.recipients for channel in channels}
    routes = (Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=tuple(addresses)),)),)
    store = open_store(url, clock=clock)
    restraint = Restraint(store=store, rules=rules, routes=routes, channels=addresses, zone="UTC", simulated=False)
    couriers = [Courier(store=store, channel=c, clock=clock, zone="UTC", restraint=restraint) for c in channels]
    for i in range(count):
        alert = health_alert(Reason.FEED_STALE, f"COIN{i}/USDT", "it is so", T0, 900_000, simulated=False)
        with store.transaction():
            posted = post(store, alert, routes, addresses, T0)
            store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=posted.id)
    resident = [resident_mb(os.getpid())]
    for _ in range(180):
        store.outbox.expire_due(clock.now())
        for courier in couriers:
            courier.drain()
        clock.advance(60_000)
    resident.append(resident_mb(os.getpid()))
    alerts = store.alerts.list(limit=10 * count)
    digests = {alert.id for alert in alerts if Reason.DIGEST in alert.reasons}
    found = Flood(
        count=count,
        messages={channel.name: sum(channel.given.values()) for channel in channels},
        digests={channel.name: len(digests & channel.given.keys()) for channel in channels},
        segments=store.holds.spent("sms", 0),
        budget=rules.daily_segments,
        untold=sum(_is_untold(store, delivery) for alert in alerts for delivery in store.outbox.of_alert(alert.id)),
        missing=store.changes.conservation().missing,
        resident=resident,
        seconds=time.perf_counter() - began,
    )
    store.close()
    return found


def _is_untold(store, delivery) -> bool:
    """Nobody was told of it, and nothing says why."""
    if delivery.state in TOLD or store.holds.digest_of(delivery.id) is not None:
        return False
    return not any(held.delivery_id == delivery.id for held in store.holds.of_alert(delivery.alert_id))


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    limits = {"restrained": RestraintRules(), "unhurried": RestraintRules(rate=0, rate_critical=0)}
    found = flood(count, limits[sys.argv[2]]) if len(sys.argv) > 2 else burst(count)
    print(json.dumps({**vars(found), "growth": found.growth}))


if __name__ == "__main__":
    main()
