"""Cycles on a clock that is driven: what each part of one costs, and whether memory stays flat over thousands.

python -m tests.bench_cycles parts SYMBOLS ROUNDS      ms of the parts of a round
python -m tests.bench_cycles memory CYCLES SECONDS     resident memory after so many cycles, or when time is up

Both print one line of JSON. A live cycle is all from the moment when a new candle is known to the moment when
analysis, changes, alert and deliveries are committed. What the exchange takes is not in it: its answers, of an invented
market here, lie ready before a round that counts begins.
"""

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.daemon.scheduler import Scheduler
from hybridd.market.feed import Feed, Row
from hybridd.model.instrument import Instrument
from hybridd.model.timeframe import TimeFrame
from hybridd.pipeline import watch
from hybridd.pipeline.housekeep import Housekeeper
from hybridd.store.store import open_store

START = 1_750_000_200_000
WARM_UP = 3
"""Rounds before the first that counts: they fill the history and write the statements."""

NEWEST = 5
"""Candles of an answer that lies ready; a cycle asks for the newest one or two."""


class Ready:
    """Stands in for the exchange in a round that counts: what `feed` would answer is drawn before it is asked."""

    def __init__(self, feed: Feed) -> None:
        self._ask = feed.rows
        self._lying: dict[tuple[Instrument, TimeFrame], list[Row]] = {}
        feed.rows = self._rows

    def draw(self, now: int) -> None:
        """Lay ready the newest candles of every market that has been asked for."""
        for instrument, frame in self._lying:
            since = frame.open_at(now) - NEWEST * frame.ms
            self._lying[instrument, frame] = self._ask(instrument, frame, since, NEWEST + 1)

    def _rows(self, instrument: Instrument, timeframe: TimeFrame, since: int, limit: int) -> list[Row]:
        lying = self._lying.setdefault((instrument, timeframe), [])
        if lying and lying[0][0] <= since:
            return [row for row in lying if row[0] >= since][:limit]
        return self._ask(instrument, timeframe, since, limit)


class Daemon:
    """The parts of a daemon over simulated markets, state in `folder`; `spent`: what was timed in this round, in s."""

    def __init__(self, folder: str, symbols: int) -> None:
        self.clock = ManualClock(START)
        self.store = open_store(f"sqlite:///{folder}/state.db", clock=self.clock)
        names = ("BTC/USDT", *(f"COIN{k}/USDT" for k in range(1, symbols)))
        settings = Settings.model_validate(
            {
                "monitor": {"symbols": names, "settle_seconds": 0.0},
                "market": {"source": "simulated"},
                "database": {"url": f"sqlite:///{folder}/state.db"},
            }
        )
        self.parts = assemble(settings, self.store, self.clock)
        self.keeper = Housekeeper(store=self.store, clock=self.clock)
        self.schedule = Scheduler(clock=self.clock, workers=1, on_good=lambda _: None, on_failed=lambda _: None)
        self.spent: dict[str, float] = {}
        self._ready = Ready(self.parts.feed)

    def candle_closes(self) -> None:
        """The next round has something to do; the exchange's answers to it are there."""
        self.clock.advance(300_000)
        self._ready.draw(self.clock.now())

    def round(self) -> None:
        """What a closed candle sets off: cycle, delivery, tick."""
        self.parts.watch.cycle()
        for courier in self.parts.couriers:
            courier.round(lambda: False)
        self.keeper.round(self.parts, self.schedule)

    def time_parts(self) -> None:
        """From now on every round leaves in `spent` what its parts took."""
        brain = self.parts.watch._analyst._brain
        self._time(brain, "score_series", "layers")
        self._time(brain, "readings", "sentences")
        self._time(self.parts.watch, "_work", "work")
        self._time(watch, "record", "commit")
        self._time(self.parts.watch, "cycle", "cycle")
        for courier in self.parts.couriers:
            self._time(courier, "round", "delivery")
        self._time(self.keeper, "round", "tick")

    def _time(self, owner: object, name: str, part: str) -> None:
        call: Callable = getattr(owner, name)

        def timed(*args, **kwargs):
            began, worked = time.perf_counter(), time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self._add(part, time.perf_counter() - began)
                self._add(f"{part} cpu", time.thread_time() - worked)

        setattr(owner, name, timed)

    def _add(self, part: str, seconds: float) -> None:
        self.spent[part] = self.spent.get(part, 0.0) + seconds

    def close(self) -> None:
        self.parts.close()
        self.store.close()


def parts(symbols: int, rounds: int) -> dict[str, float]:
    """Median ms of the parts of a round over `symbols` markets with 2,000 candles each; "cpu" is processor time.

    With one symbol nothing overlaps and the parts of a cycle add up to it.
    """
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder, symbols)
        for _ in range(WARM_UP):
            daemon.candle_closes()
            daemon.round()
        daemon.time_parts()
        found = []
        for _ in range(rounds):
            daemon.candle_closes()
            daemon.spent = {}
            began = time.process_time()
            daemon.round()
            found.append(daemon.spent | {"processor": time.process_time() - began})
        daemon.close()
    return {"symbols": symbols, "fsync": _fsync(), **_medians(found)}


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    names = {name for one in found for name in one}
    ms = {name: 1000 * statistics.median(one.get(name, 0.0) for one in found) for name in names}
    for clock in ("", " cpu"):
        ms[f"detection{clock}"] = ms[f"work{clock}"] - ms[f"layers{clock}"] - ms[f"sentences{clock}"]
    ms["candles"] = ms["cycle"] - ms["work"] - ms["commit"]
    # Candles are fetched by threads of the collector, whose time is in no part's.
    known = ("cycle", "delivery", "tick")
    ms["candles cpu"] = ms["processor"] - sum(ms[f"{part} cpu"] for part in known)
    return ms


def _fsync() -> float:
    """Median ms of bringing one page to this disk: what a commit costs at least, whoever makes it."""
    spent = []
    with tempfile.TemporaryFile() as file:
        for _ in range(20):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - began)
    return 1000 * statistics.median(spent)


def memory(cycles: int, seconds: float) -> dict[str, object]:
    """Resident MB after 1, 1 %, 10 %, half and all of the cycles; where time is up, after the last that was made."""
    resident: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder, 1)
        began = time.perf_counter()
        for done in range(1, cycles + 1):
            daemon.candle_closes()
            daemon.round()
            late = time.perf_counter() - began > seconds
            if late or done in {1, cycles // 100, cycles // 10, cycles // 2, cycles}:
                resident[done] = resident_mb(os.getpid())
            if late:
                break
        spent = time.perf_counter() - began
        assert daemon.store.analyses.count() >= done - 1
        size = Path(folder, "state.db").stat().st_size / 1_048_576
        daemon.close()
    return {"ms_a_round": spent / done * 1000, "resident_mb": resident, "state_mb": size}


def resident_mb(pid: int) -> float:
    """What a process holds in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def main() -> None:
    """Run what the arguments say; prints one line of JSON."""
    logging.disable(logging.CRITICAL)
    what, first, second = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(parts(first, second) if what == "parts" else memory(first, second)))


if __name__ == "__main__":
    main()
