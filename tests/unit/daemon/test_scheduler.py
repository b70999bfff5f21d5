"""The schedule: after each close, never two of a kind at once, what fails is counted, what is poked comes sooner."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from hybridd.clock import ManualClock, SystemClock, as_datetime, as_ms
from hybridd.daemon.scheduler import CandleCloseTrigger, Scheduler
from hybridd.errors import FeedUnavailable
from hybridd.model.timeframe import parse_timeframe
from tests.makers import T0

WAIT = 10.0


def trigger(frame, settle_ms, now):
    return CandleCloseTrigger(parse_timeframe(frame), settle_ms, ManualClock(now))


@pytest.mark.parametrize("frame", ["1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"])
@pytest.mark.parametrize("settle", [0, 2_000, 90_000])
@pytest.mark.parametrize("into", [0, 1, 500, 1_999, 2_000, 89_999, 90_000, 90_001])
def test_it_fires_settling_time_after_a_close_strictly_later_and_within_one_candle(frame, settle, into):
    step = parse_timeframe(frame)
    now = step.open_at(T0) + into
    fires = trigger(frame, settle, now).next_fire(now)
    assert now < fires <= now + step.ms
    assert step.open_at(fires - settle) == fires - settle, "that is no close"


@pytest.mark.parametrize("settle", [0, 2_500])
def test_each_close_is_fired_for_once_even_where_settling_takes_longer_than_a_candle(settle):
    made = trigger("1s", settle, T0)
    fires, now = [], T0
    for _ in range(10):
        now = made.next_fire(now)
        fires.append(now - settle)
    assert fires == list(range(fires[0], fires[0] + 10_000, 1_000))


@pytest.mark.parametrize("early", [1, 40, 900])
def test_a_timer_that_is_early_fires_once_for_one_close_and_a_poke_before_it_takes_nothing_away(early):
    clock = ManualClock(T0)
    made = CandleCloseTrigger(parse_timeframe("5m"), 2_000, clock, wall=lambda: as_datetime(clock.now()))
    first = made.get_next_fire_time(None, as_datetime(T0))
    poked = first - timedelta(seconds=1)
    clock.set(as_ms(poked))
    assert made.get_next_fire_time(poked, poked) == first
    clock.set(as_ms(first) - early)
    assert made.get_next_fire_time(first, first) == first + timedelta(minutes=5)


def test_the_moment_is_planned_from_the_time_that_it_is_then():
    clock = ManualClock(T0)
    made = CandleCloseTrigger(parse_timeframe("5m"), 2_000, clock, wall=lambda: as_datetime(clock.now()))
    long_ago = as_datetime(T0) - timedelta(milliseconds=300)
    assert as_ms(made.get_next_fire_time(None, long_ago)) == made.next_fire(T0)


def test_weeks_close_on_monday():
    fires = trigger("1w", 0, T0).next_fire(T0)
    moment = datetime.fromtimestamp(fires / 1000, tz=UTC)
    assert (moment.weekday(), moment.hour, moment.minute) == (0, 0, 0)


def test_a_clock_that_runs_fast_is_waited_for_less_long():
    class Fast(ManualClock):
        def real_seconds(self, interval_ms):
            return interval_ms / 1000 / 300

    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = CandleCloseTrigger(parse_timeframe("5m"), 0, Fast(parse_timeframe("5m").open_at(T0)), wall=lambda: now)
    assert made.get_next_fire_time(None, now) == now + timedelta(seconds=1)


class Round:
    """A job that can be held, and says how often it has run."""

    def __init__(self, error=None):
        self.error, self.runs, self.at_once, self.most = error, 0, 0, 0
        self.began, self.go = threading.Semaphore(0), threading.Event()
        self.go.set()
        self.lock = threading.Lock()

    def __call__(self):
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.runs += 1
        self.began.release()
        self.go.wait(WAIT)
        with self.lock:
            self.at_once -= 1
        if self.error:
            raise self.error

    def has_begun(self):
        return self.began.acquire(timeout=WAIT)


class Ears:
    """Hears how rounds end."""

    def __init__(self):
        self.good, self.failed = [], []
        self.changed = threading.Semaphore(0)

    def on_good(self, name):
        self.good.append(name)
        self.changed.release()

    def on_failed(self, name):
        self.failed.append(name)
        self.changed.release()

    def wait(self):
        assert self.changed.acquire(timeout=WAIT)


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def schedule(ears):
    made = Scheduler(clock=SystemClock(), workers=4, on_good=ears.on_good, on_failed=ears.on_failed)
    made.start()
    yield made
    if not made.stopping.is_set():
        made.stop()
    assert made.wait_idle(WAIT)


def test_a_job_runs_at_the_start_for_what_closed_while_nobody_watched(schedule, ears):
    schedule.at_closes("cycle", parse_timeframe("1d"), 0, Round())
    ears.wait()
    assert ears.good == ["cycle"]
    left = schedule.next_run("cycle") - datetime.now(UTC)
    assert timedelta() < left <= timedelta(days=1)


@pytest.mark.parametrize("error", [FeedUnavailable("down"), ZeroDivisionError("a defect"), KeyError("x")])
def test_a_round_that_fails_is_counted_and_told_and_the_next_one_comes(schedule, ears, error):
    job = Round(error)
    schedule.every("tick", 3600, job)
    ears.wait()
    assert (ears.failed, schedule.jobs["tick"].failed) == (["tick"], 1)
    assert type(error).__name__ in schedule.jobs["tick"].last_error
    job.error = None
    schedule.poke("tick")
    ears.wait()
    assert (ears.good, schedule.jobs["tick"].good, schedule.jobs["tick"].last_error) == (["tick"], 1, "")


def test_a_job_in_trouble_holds_up_no_other(schedule, ears):
    held, other = Round(), Round()
    held.go.clear()
    schedule.every("held", 3600, held)
    assert held.has_begun()
    schedule.every("other", 3600, other)
    ears.wait()
    assert ears.good == ["other"]
    held.go.set()


def test_two_rounds_of_a_kind_never_run_at_once_and_the_missed_one_is_told(schedule, ears, caplog):
    job = Round()
    job.go.clear()
    schedule.every("cycle", 0.05, job)
    assert job.has_begun()
    end = threading.Event()
    for _ in range(200):
        if schedule.jobs["cycle"].missed:
            break
        end.wait(0.02)
    assert (job.runs, schedule.jobs["cycle"].missed >= 1) == (1, True)
    job.go.set()
    ears.wait()
    ears.wait()
    assert job.most == 1
    assert "made up for, not doubled" in caplog.text


def test_a_poke_only_brings_forward(schedule, ears):
    schedule.every("tick", 60, Round())
    ears.wait()
    planned = schedule.next_run("tick")
    schedule.poke("tick", 3600)
    assert schedule.next_run("tick") == planned
    schedule.poke("tick", 30)
    assert schedule.next_run("tick") < planned
    schedule.poke("nobody")


@pytest.mark.parametrize("ask", [lambda schedule: schedule.poke("deliver"), lambda schedule: schedule.poke_all()])
def test_a_poke_during_a_round_brings_another_after_it(schedule, ears, ask):
    """The round may have looked already where there is something to do now."""
    job = Round()
    job.go.clear()
    schedule.every("deliver", 3600, job)
    assert job.has_begun()
    ask(schedule)
    ask(schedule)
    job.go.set()
    ears.wait()
    ears.wait()
    assert (job.runs, job.most) == (2, 1)
    assert schedule.next_run("deliver") - datetime.now(UTC) > timedelta(minutes=59), "two pokes are one more round"


def test_a_round_that_plans_the_next_one_gets_it(schedule, ears):
    runs = []

    def job():
        runs.append(1)
        if len(runs) == 1:
            schedule.poke("deliver", 0.05)

    schedule.every("deliver", 3600, job)
    ears.wait()
    ears.wait()
    assert len(runs) == 2


def test_a_job_that_was_removed_runs_no_more(schedule, ears):
    job = Round()
    schedule.every("tick", 3600, job)
    ears.wait()
    schedule.remove("tick")
    schedule.remove("tick")
    schedule.poke("tick")
    assert "tick" not in schedule.jobs
    assert schedule.next_run("tick") is None
    assert job.runs == 1


def test_waiting_for_idle_ends_with_the_work_or_with_the_patience(schedule):
    job = Round()
    job.go.clear()
    schedule.every("cycle", 3600, job)
    assert job.has_begun()
    assert not schedule.wait_idle(0.05)
    job.go.set()
    assert schedule.wait_idle(WAIT)


def test_after_a_stop_nothing_begins_and_what_is_in_hand_ends(schedule, ears):
    job, late = Round(), Round()
    job.go.clear()
    schedule.every("cycle", 3600, job)
    assert job.has_begun()
    schedule.stop()
    schedule.poke("cycle")
    schedule._run("late", late)
    job.go.set()
    assert schedule.wait_idle(WAIT)
    ears.wait()
    assert (job.runs, late.runs, ears.good) == (1, 0, ["cycle"])


def test_after_the_clock_was_set_every_job_runs_and_plans_anew():
    ran = threading.Event()
    scheduler = Scheduler(clock=SystemClock(), workers=2, on_good=lambda _: ran.set(), on_failed=lambda _: None)
    scheduler.every("job", 3600, lambda: None)
    scheduler.start()
    try:
        assert ran.wait(10)
        ran.clear()
        scheduler.poke_all()
        assert ran.wait(10)
    finally:
        scheduler.stop()
