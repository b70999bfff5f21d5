"""A process that works the trade job as the daemon does, and dies where it is told to: `… STATE URL POINT AHEAD_MS`.

POINT: "before" the request of an order begins, "after" its answer has come and before it is written down, or "never".
"""

import os
import signal
import sys
import time

from hybridd.app import feed_of
from hybridd.brokerage import desk_of
from hybridd.brokers.exchange import ExchangeBroker
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.pipeline.rules import rules_of
from hybridd.store.store import open_store


def main(state: str, url: str, point: str, ahead: str) -> None:
    clock = SystemClock(start=time.time_ns() // 1_000_000 + int(ahead))
    settings = Settings.model_validate(
        {
            "market": {"base_url": url},
            "trading": {
                "broker": "exchange", "live": True, "api_key": "key-of-the-test", "api_secret": "secret-of-the-test",
                "account": 100_000.0,
            },
        }
    )  # fmt: skip
    real = ExchangeBroker.submit

    def submit(self, order):
        if point == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        report = real(self, order)
        if point == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return report

    ExchangeBroker.submit = submit
    store = open_store(f"sqlite:///{state}", clock=clock)
    feed, rules = feed_of(settings, clock), rules_of(settings)
    desk = desk_of(settings, store, feed, clock, rules.trading, rules.routes, {"journal": ["journal"]})
    for _ in range(4):
        desk.turn()
        store.events.append("test", "", {}, clock.now())
    desk.close()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
