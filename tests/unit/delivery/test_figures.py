"""Numbers and times as a person reads them."""

from datetime import UTC, datetime

import pytest

from hybridd.clock import as_ms
from hybridd.delivery.figures import clock_time, duration, percent, points, price, score, zone_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (45250, "45,250.00"), (1234567.891, "1,234,567.89"), (999.5, "999.50"), (12.5, "12.50"), (1.23456, "1.2346"),
        (0.5, "0.50"), (0.012345, "0.012345"), (0.00001234, "0.00001234"), (0.0000123, "0.0000123"),
        (1e-12, "0.000000000001"), (0, "0"), (-3.5, "-3.50"), (float("nan"), "unknown"), (float("inf"), "unknown"),
    ],
)  # fmt: skip
def test_a_price_shows_what_it_is(value, text):
    assert price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(78.2, "78"), (64.6, "64.6"), (65.0, "65"), (65.3, "65.3"), (64.96, "64.96"), (34.7, "34.7"), (0.0, "0"),
     (0.2, "0.2"), (100.0, "100"), (99.8, "99.8"), (62.5, "62"), (65.0000000001, "65"), (float("nan"), "unknown")],
)  # fmt: skip
def test_a_score_never_looks_like_a_threshold_that_it_has_not_reached(value, text):
    assert score(value) == text


def test_two_different_scores_never_look_the_same():
    assert (score(71.6, 72.4), score(72.4, 71.6)) == ("71.6", "72.4")
    assert score(72, 72) == "72"
    assert percent(0.871, 0.868) == "87.1 %"
    assert percent(0.8499) == "84.99 %"


def test_differences_keep_what_matters():
    assert [points(value) for value in (14.0, -14.02, 0.8, 1.0, -16.2)] == [
        "14 points", "14 points", "0.8 points", "1 point", "16.2 points",
    ]  # fmt: skip


def test_durations_are_short():
    seconds = [0, 45, 300, 3600, 7500, 172_800, 187_200, -5]
    assert [duration(s * 1000) for s in seconds] == [
        "0 s", "45 s", "5 min", "1 h", "2 h 5 min", "2 d", "2 d 4 h", "0 s",
    ]  # fmt: skip


def test_times_are_the_readers_and_say_whose_they_are():
    night = as_ms(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    berlin = zone_of("Europe/Berlin")
    assert clock_time(night, berlin) == "2026-11-23 00:30 CET"
    assert clock_time(night, berlin, night + 60_000) == "00:30 CET"
    assert clock_time(night, berlin, night - 3_600_000) == "2026-11-23 00:30 CET"
    assert clock_time(as_ms(datetime(2026, 7, 1, tzinfo=UTC)), berlin) == "2026-07-01 02:00 CEST"


def test_a_zone_that_the_machine_lacks_is_utc_and_says_so():
    assert clock_time(0, zone_of("Nowhere/Atlantis")) == "1970-01-01 00:00 UTC"
    assert clock_time(0, zone_of("../../etc/passwd")) == "1970-01-01 00:00 UTC"
