"""The queue of requests and the exchange's clock."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from hybridd.clock import ManualClock
from hybridd.market.limiter import RateLimiter
from hybridd.market.skew import ClockOffset
from tests.unit.market.exchange_parts import NOW, an_exchange, line_to

DATE = "Sun, 15 Jun 2025 12:00:00 GMT"
DATE_MS = 1_749_988_800_000


def test_each_request_gets_a_place_of_its_own():
    limiter = RateLimiter(clock=ManualClock(), sleep=lambda s: None)
    assert [limiter.reserve(0.1) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])


def test_places_of_many_threads_do_not_overlap():
    limiter = RateLimiter(clock=ManualClock(), sleep=lambda s: None)
    with ThreadPoolExecutor(8) as pool:
        places = sorted(pool.map(lambda _: limiter.reserve(1.0), range(100)))
    assert places == [float(k) for k in range(100)]


def test_time_that_passed_is_not_saved_up():
    clock = ManualClock()
    limiter = RateLimiter(clock=clock, sleep=lambda s: None)
    limiter.reserve(1.0)
    clock.advance(60_000)
    assert limiter.reserve(1.0) == 0.0
    assert limiter.reserve(1.0) == 1.0


def test_waiting_is_done_by_the_sleep_that_was_given():
    slept = []
    limiter = RateLimiter(clock=ManualClock(), sleep=slept.append)
    for _ in range(3):
        limiter.wait(0.5)
    assert slept == [0.5, 1.0]


def test_a_longer_pause_is_not_cut_by_a_shorter_one():
    clock = ManualClock()
    limiter = RateLimiter(clock=clock, sleep=lambda s: None)
    limiter.pause(60)
    limiter.pause(5)
    assert limiter.paused() == 60
    clock.advance(61_000)
    assert limiter.paused() == 0


def test_requests_keep_the_pace_that_the_exchange_asks_for():
    clock = ManualClock(NOW)
    with an_exchange(clock) as fake:
        line = line_to(fake.url, clock)
        for _ in range(5):
            line.call("its time", lambda exchange: exchange.fetch_time())
        pace = line.exchange.rateLimit / 1000 * 0.2  # what ccxt reckons for a question about the time
        line.close()
    assert clock.monotonic() == pytest.approx(4 * pace)
    assert pace > 0


def test_the_offset_is_the_least_that_the_answer_proves():
    offset = ClockOffset(clock=ManualClock(NOW))
    assert (offset.known, offset.now()) == (False, NOW)
    offset.measured(NOW + 5_000, NOW)
    assert (offset.known, offset.ms, offset.now()) == (True, 5_000, NOW + 5_000)


@pytest.mark.parametrize(
    ("sent", "arrived", "expected"),
    [(100, 300, 0), (900, 1_100, -0), (5_000, 5_200, 999 - 5_000), (-3_000, -2_800, 2_800)],
)
def test_a_date_of_whole_seconds_proves_no_more_than_it_can(sent, arrived, expected):
    offset = ClockOffset(clock=ManualClock(NOW))
    offset.dated(DATE, DATE_MS + sent, DATE_MS + arrived)
    assert offset.known
    assert offset.ms == expected


def test_a_date_that_is_none_changes_nothing():
    offset = ClockOffset(clock=ManualClock(NOW))
    offset.dated("yesterday", NOW, NOW)
    assert not offset.known


def test_it_is_measured_again_when_somebody_sets_the_local_clock():
    clock = ManualClock(NOW)
    offset = ClockOffset(clock=clock)
    offset.measured(NOW, NOW)
    clock.advance(60_000)
    assert not offset.due()
    clock.set(NOW + 3_600_000)
    assert offset.due()


def test_a_failed_measurement_is_repeated_in_a_minute():
    clock = ManualClock(NOW)
    offset = ClockOffset(clock=clock)
    offset.failed()
    assert not offset.due()
    clock.advance(60_000)
    assert offset.due()
