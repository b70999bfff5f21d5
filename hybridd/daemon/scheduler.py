"""The schedule: APScheduler with jobs aligned to candle closes, never two of a kind at once, misfires told."""

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from hybridd.clock import Clock
from hybridd.errors import HybriddError
from hybridd.model.timeframe import TimeFrame

log = logging.getLogger("hybridd.schedule")


class CandleCloseTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler carries no types
    """Fires `settle_ms` after each close of a time frame, by the daemon's own clock, which may run fast in a demo."""

    def __init__(
        self,
        timeframe: TimeFrame,
        settle_ms: int,
        clock: Clock,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._timeframe, self._settle, self._clock, self._wall = timeframe, settle_ms, clock, wall
        self._moment: datetime | None = None
        self._fire = 0

    def get_next_fire_time(self, previous: datetime | None, _now: datetime) -> datetime:
        """The wall-clock moment of the next close plus settling, `previous` being the one that has just come."""
        # Not `_now`: by the time that this is called it is old, and the timer would be early by as much.
        wall, now = self._wall(), self._clock.now()
        fire = self.next_fire(now)
        if previous is not None and previous == self._moment and fire == self._fire:
            # The timer was early. Twice for one close would count as a round that is still running, hence late.
            fire = self.next_fire(self._fire)
        self._fire = fire
        self._moment = wall + timedelta(seconds=self._clock.real_seconds(fire - now))
        return self._moment

    def next_fire(self, now: int) -> int:
        """The instant (ms UTC of the market's time) of the next firing strictly after `now`."""
        return self._timeframe.next_close(now - self._settle) + self._settle


@dataclass(slots=True)
class JobRecord:
    """How a job is doing: runs that ended well, runs that did not, the last error."""

    good: int = 0
    failed: int = 0
    missed: int = 0
    last_error: str = ""


class Scheduler:
    """Named jobs in worker threads. `on_good` and `on_failed` hear how each round ended: the watchdog lives on it."""

    def __init__(
        self, *, clock: Clock, workers: int, on_good: Callable[[str], None], on_failed: Callable[[str], None]
    ) -> None:
        # Its own warning comes with each round that is skipped; ours (`_missed`) at the first, tenth, hundredth.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._clock, self._on_good, self._on_failed = clock, on_good, on_failed
        self._in_hand, self._idle = 0, threading.Condition()
        self._running, self._again = set[str](), dict[str, datetime]()
        self._planner = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="planner")
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(workers)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._ended, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self.jobs: dict[str, JobRecord] = {}
        self.stopping = threading.Event()

    def at_closes(self, name: str, timeframe: TimeFrame, settle_ms: int, job: Callable[[], None]) -> None:
        """Run `job` after each close, and once at the start for what closed while nobody watched."""
        self._add(name, CandleCloseTrigger(timeframe, settle_ms, self._clock), job)

    def every(self, name: str, seconds: float, job: Callable[[], None]) -> None:
        """Run `job` at least every `seconds` of the wall, first at once."""
        self._add(name, IntervalTrigger(seconds=seconds, timezone=UTC), job)

    def poke(self, name: str, delay: float = 0.0) -> None:
        """Run a job after `delay` seconds of the wall, or sooner if that was planned already.

        A round that is running may have looked already where there is something to do now: it is followed by another.
        """
        wanted = datetime.now(UTC) + timedelta(seconds=delay)
        with self._idle:
            if name in self._running:
                self._again[name] = min(wanted, self._again.get(name, wanted))
                return
        self._bring_forward(name, wanted)

    def _bring_forward(self, name: str, wanted: datetime) -> None:
        job = self._scheduler.get_job(name)
        if job is None or self.stopping.is_set():
            return
        if job.next_run_time is None or job.next_run_time > wanted:
            try:
                job.modify(next_run_time=wanted)
            except JobLookupError:
                log.debug("%s has gone meanwhile", name)

    def poke_all(self) -> None:
        """Run every job now; each plans its next round from the time that it is then."""
        for name in list(self.jobs):
            job = self._scheduler.get_job(name)
            if job is not None and not self.stopping.is_set():
                job.modify(next_run_time=datetime.now(UTC))
            with self._idle:
                if name in self._running:
                    self._again[name] = datetime.now(UTC)

    def remove(self, name: str) -> None:
        """Forget a job; one in hand ends by itself."""
        if self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)
        self.jobs.pop(name, None)

    def start(self) -> None:
        self._scheduler.start()

    def next_run(self, name: str) -> datetime | None:
        """When a job is due, aware UTC."""
        job = self._scheduler.get_job(name)
        return job.next_run_time if job else None

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no job is in hand, at most `seconds` of the wall; whether that came true."""
        with self._idle:
            return self._idle.wait_for(lambda: self._in_hand == 0, timeout=seconds)

    def stop(self) -> None:
        """No new runs; those in hand are not waited for (the caller does, within its patience)."""
        self.stopping.set()
        self._scheduler.shutdown(wait=False)
        self._planner.shutdown(wait=False, cancel_futures=True)

    def _add(self, name: str, trigger: BaseTrigger, job: Callable[[], None]) -> None:
        self.jobs[name] = JobRecord()
        self._scheduler.add_job(
            self._run,
            trigger,
            args=(name, job),
            id=name,
            name=name,
            replace_existing=True,
            next_run_time=datetime.now(UTC),
        )

    def _run(self, name: str, job: Callable[[], None]) -> None:
        record = self.jobs.get(name)
        if self.stopping.is_set() or record is None:
            return
        with self._idle:
            self._in_hand += 1
            self._running.add(name)
        try:
            self._round(name, job, record)
        finally:
            with self._idle:
                self._in_hand -= 1
                self._idle.notify_all()

    def _ended(self, event: JobEvent) -> None:
        # Not at the end of `_run`: until APScheduler has counted the round as ended, it would skip the next. And not in
        # this thread: a short round ends while its follower is being planned, over whatever is planned before that.
        with self._idle:
            self._running.discard(event.job_id)
            again = self._again.pop(event.job_id, None)
        if again is not None and not self.stopping.is_set():
            with suppress(RuntimeError):  # the end has begun meanwhile
                self._planner.submit(self._bring_forward, event.job_id, again)

    def _round(self, name: str, job: Callable[[], None], record: JobRecord) -> None:
        try:
            job()
        except Exception as error:  # the worker shell: whatever breaks a round is counted and told
            record.failed += 1
            record.last_error = f"{type(error).__name__}: {error}"
            if isinstance(error, HybriddError):
                log.error("%s: %s", name, error)
            else:
                log.exception("%s failed, %d times since the start: %s", name, record.failed, record.last_error)
            self._on_failed(name)
            return
        record.good += 1
        record.last_error = ""
        self._on_good(name)

    def _missed(self, event: JobEvent) -> None:
        record = self.jobs.get(event.job_id)
        if record is None:
            return
        record.missed += 1
        if record.missed in {1, 10, 100} or record.missed % 1000 == 0:
            text = "%s: %d rounds were due while one before still ran; they are made up for, not doubled"
            log.warning(text, event.job_id, record.missed)
