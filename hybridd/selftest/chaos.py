"""Chaos: the daemon is killed a thousand times and started again, then its books are compared with the sinks'."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from hybridd.clock import SystemClock
from hybridd.errors import HybriddError, StoreUnusable
from hybridd.model.delivery import PENDING
from hybridd.selftest.books import EVERYTHING, Books, compare
from hybridd.selftest.ledger import Ledger
from hybridd.selftest.life import LANES, lanes_at
from hybridd.selftest.names import environ_of
from hybridd.selftest.points import Kill, Where, plan
from hybridd.selftest.sinks import Sinks
from hybridd.store.store import open_store

PATIENCE_S = 1.0
"""A life that has not met its point when it has had so much of a processor's time is killed all the same: on a machine
that is busy with something else it tells as much as on an idle one."""
MOST_BUSY = 30
"""But none is waited for longer than so many times as long."""
ANSWERS_S = 120.0
"""How long a process that was asked for something is waited for."""
DRAIN_S = 600.0
"""The last life, in which nothing new happens, has this long to send what is left."""
LIMIT_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it: kills by point, those that came `late` because the point was not met, and the books."""

    kills: Mapping[str, int]
    late: int
    seconds: float
    books: Books

    @property
    def ok(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return self.books.ok


def chaos(
    folder: Path,
    *,
    kills: int,
    seed: int,
    lanes: str = LANES,
    patience_s: float = PATIENCE_S,
    progress: Callable[[Kill], None] = lambda _: None,
) -> Report:
    """Kill the daemon that works in `folder` `kills` times, let it finish, and compare. Raises HybriddError where the
    daemon breaks by itself."""
    began, done = time.monotonic(), Counter[str]()
    ledger = Ledger()
    with Sinks(ledger, folder) as sinks, _Nursery(folder, sinks, lanes, ledger, patience_s) as nursery:
        late = 0
        for kill in plan(kills, seed):
            late += nursery.one(kill)
            done[kill.point.name] += 1
            progress(kill)
        nursery.last()
    ledger.write(folder / "ledger.jsonl")
    books = compare(folder, lanes_at(lanes), ledger)
    return Report(kills=dict(done), late=late, seconds=time.monotonic() - began, books=books)


@dataclass(slots=True)
class _Nursery:
    """The process that forks the daemons, and what is told to it."""

    folder: Path
    sinks: Sinks
    lanes: str
    ledger: Ledger
    patience_s: float
    process: subprocess.Popen[bytes] = field(init=False)
    rest: bytes = b""

    def __enter__(self) -> "_Nursery":
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hybridd.selftest.life"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environ_of(self.folder),
            )
        self._hear(ANSWERS_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def one(self, kill: Kill) -> bool:
        """One life and its end; whether that came late, from outside, because the point was not met."""
        pid = self._begin({**kill.order(), "quiet": False})
        if kill.point.where is Where.SINK:
            self.ledger.trap = _Trap(pid, kill.count)
        heard = self._hear(kill.after_s) if kill.point.where is Where.MOMENT else self._wait_for(pid)
        self.ledger.trap = lambda: None
        late = heard is None
        if heard is None:
            _kill(pid, signal.SIGKILL)
            heard = self._hear(ANSWERS_S)
        self._died(heard, -signal.SIGKILL)
        return late and kill.point.where is not Where.MOMENT

    def last(self) -> None:
        """A life in which nothing new happens: it sends what is left, and ends in order."""
        before = self._look()[0]
        pid = self._begin({"quiet": True})
        end = time.monotonic() + DRAIN_S
        # With nothing left to send it is still to be up before it is asked to end.
        while time.monotonic() < end and ((now := self._look())[0] == before or now[1]):
            if self._hear(0.25) is not None:
                raise self._broken("ended by itself")
        _kill(pid, signal.SIGTERM)
        heard = self._hear(ANSWERS_S)
        if heard is None:
            _kill(pid, signal.SIGKILL)
            raise self._broken("does not end")
        self._died(heard, 0)

    def _wait_for(self, pid: int) -> dict[str, Any] | None:
        """The end of a life; None where it has worked for as long as it may and has not met its point."""
        end = time.monotonic() + self.patience_s * MOST_BUSY
        while (heard := self._hear(0.05)) is None and time.monotonic() < end and worked_s(pid) < self.patience_s:
            pass
        return heard

    def _begin(self, order: Mapping[str, Any]) -> int:
        assert self.process.stdin is not None
        stage = {"folder": str(self.folder), "ports": self.sinks.ports, "place": self.sinks.place}
        words = {**stage, "lanes": self.lanes, "limit_s": LIMIT_S, **order}
        self.process.stdin.write(json.dumps(words).encode() + b"\n")
        self.process.stdin.flush()
        heard = self._hear(ANSWERS_S)
        if heard is None or "pid" not in heard:
            raise self._broken("cannot be started")
        return int(heard["pid"])

    def _hear(self, seconds: float) -> dict[str, Any] | None:
        """The next line, None where there is none in time."""
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
            if not ready:
                return None
            if not part:
                raise self._broken("is gone")
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _look(self) -> tuple[int, int]:
        """How many analyses there are, and how many deliveries the daemon still works on."""
        try:
            store = open_store(f"sqlite:///{self.folder}/state.db", clock=SystemClock(), migrate=False)
        except StoreUnusable:
            return 0, 0  # whoever was to make the state died before
        try:
            analyses, counts = store.analyses.count(), store.outbox.counts()
            waiting = [(x, one) for x in lanes_at(self.lanes) for one in store.outbox.due(x.name, 2**62, EVERYTHING)]
        finally:
            store.close()
        at_work = sum(counts[state] for state in PENDING) - sum(lane.gives_up(one) for lane, one in waiting)
        return analyses, at_work

    def _died(self, heard: Mapping[str, Any] | None, status: int) -> None:
        if heard is None or heard.get("status") != status:
            raise self._broken(f"ended by itself ({heard and heard.get('status')})")

    def _broken(self, what: str) -> HybriddError:
        log = self.folder / "daemon.log"
        last = (log.read_text("utf-8", errors="replace").strip() or "it said nothing").splitlines()[-1]
        return HybriddError(f"the daemon {what}: {last}", remedy=f"read {log}")


def worked_s(pid: int) -> float:
    """How much of a processor's time a process has had (proc(5), fields 14 and 15); all the time in the world where
    the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return float("inf")


class _Trap:
    """Kills a process when the n-th message has been taken: the service has it, and its answer never arrives."""

    def __init__(self, pid: int, count: int) -> None:
        self._pid, self._left = pid, count

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            _kill(self._pid, signal.SIGKILL)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
