"""Thousands of cycles on a clock that is driven: does memory stay flat, and what does a cycle cost?"""

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.daemon.scheduler import Scheduler
from hybridd.pipeline.housekeep import Housekeeper
from hybridd.store.store import open_store
from tests.bench import resident_mb

START = 1_750_000_200_000


def settings_in(folder: str) -> Settings:
    """A simulated market, state in `folder`."""
    return Settings.model_validate(
        {
            "monitor": {"symbols": ("BTC/USDT",), "settle_seconds": 0.0},
            "market": {"source": "simulated"},
            "database": {"url": f"sqlite:///{folder}/state.db"},
        }
    )


def main() -> None:
    """Run the cycles; prints one line of JSON."""
    cycles = int(sys.argv[1])
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(START)
        store = open_store(f"sqlite:///{folder}/state.db", clock=clock)
        parts = assemble(settings_in(folder), store, clock)
        keeper = Housekeeper(store=store, clock=clock)
        schedule = Scheduler(clock=clock, workers=1, on_good=lambda _: None, on_failed=lambda _: None)
        resident: dict[int, float] = {}
        began = time.perf_counter()
        for done in range(1, cycles + 1):
            clock.advance(300_000)
            parts.watch.cycle()
            for courier in parts.couriers:
                courier.round(lambda: False)
            keeper.round(parts, schedule)
            if done in {1, cycles // 100, cycles // 10, cycles // 2, cycles}:
                resident[done] = resident_mb(os.getpid())
        seconds = time.perf_counter() - began
        assert store.analyses.count() >= cycles - 1
        size = Path(folder, "state.db").stat().st_size / 1_048_576
        parts.close()
        store.close()
    print(json.dumps({"ms_a_cycle": seconds / cycles * 1000, "resident_mb": resident, "state_mb": size}))


if __name__ == "__main__":
    main()
