"""Quiet hours and local days in somebody's zone, over midnight and on the days when the clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.alerts.quiet import QuietHours, local_day, quiet_until
from hybridd.clock import as_ms, iso

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = 3_600_000


def ms(text: str) -> int:
    return as_ms(datetime.fromisoformat(text))


def hours(text: str, zone=BERLIN) -> QuietHours:
    start, end = (60 * int(part[:2]) + int(part[3:]) for part in text.split("-"))
    return QuietHours(start=start, end=end, zone=zone)


CASES = [
    # an ordinary night over midnight, in winter (+1)
    ("23:00-07:00", BERLIN, "2025-01-10T21:59:59Z", None),
    ("23:00-07:00", BERLIN, "2025-01-10T22:00:00Z", "2025-01-11T06:00:00Z"),
    ("23:00-07:00", BERLIN, "2025-01-11T05:59:59Z", "2025-01-11T06:00:00Z"),
    ("23:00-07:00", BERLIN, "2025-01-11T06:00:00Z", None),
    # within one day
    ("12:00-14:00", BERLIN, "2025-01-10T11:30:00Z", "2025-01-10T13:00:00Z"),
    ("12:00-14:00", BERLIN, "2025-01-10T13:00:00Z", None),
    # the night when Berlin's clocks go forward is an hour shorter, the one when they go back an hour longer
    ("23:00-07:00", BERLIN, "2025-03-29T22:00:00Z", "2025-03-30T05:00:00Z"),
    ("23:00-07:00", BERLIN, "2025-03-30T05:00:00Z", None),
    ("23:00-07:00", BERLIN, "2025-10-25T21:00:00Z", "2025-10-26T06:00:00Z"),
    ("23:00-07:00", BERLIN, "2025-10-26T05:30:00Z", "2025-10-26T06:00:00Z"),
    # New York does so on other days
    ("22:00-06:00", NEW_YORK, "2025-03-09T03:00:00Z", "2025-03-09T10:00:00Z"),
    ("22:00-06:00", NEW_YORK, "2025-11-02T02:00:00Z", "2025-11-02T11:00:00Z"),
    # an end that the clocks skip is the moment of the skip
    ("23:00-02:30", BERLIN, "2025-03-30T00:59:59Z", "2025-03-30T01:00:00Z"),
    ("23:00-02:30", BERLIN, "2025-03-30T01:00:00Z", None),
    ("22:00-02:30", NEW_YORK, "2025-03-09T06:59:59Z", "2025-03-09T07:00:00Z"),
    # an end that comes twice is the second: nobody is woken in between
    ("23:00-02:30", BERLIN, "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"),
    ("23:00-02:30", BERLIN, "2025-10-26T01:30:00Z", None),
    ("22:00-01:30", NEW_YORK, "2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z"),
    # a start that comes twice is the first; one that is skipped is the moment of the skip
    ("02:15-06:00", BERLIN, "2025-10-26T00:15:00Z", "2025-10-26T05:00:00Z"),
    ("02:15-06:00", BERLIN, "2025-10-26T01:05:00Z", "2025-10-26T05:00:00Z"),
    ("02:30-06:00", BERLIN, "2025-03-30T01:00:00Z", "2025-03-30T04:00:00Z"),
    # a span that the clocks skip whole never comes
    ("02:15-02:45", BERLIN, "2025-03-30T01:00:00Z", None),
]


@pytest.mark.parametrize(("span", "zone", "now", "until"), CASES)
def test_quiet_holds_until_its_end_by_the_wall_clock(span, zone, now, until):
    found = quiet_until(ms(now), hours(span, zone))
    assert (found and iso(found)) == until


@pytest.mark.parametrize(
    ("zone", "now", "start", "end"),
    [
        (BERLIN, "2025-01-10T12:00Z", "2025-01-09T23:00:00Z", "2025-01-10T23:00:00Z"),
        (BERLIN, "2025-01-10T22:59:59Z", "2025-01-09T23:00:00Z", "2025-01-10T23:00:00Z"),
        (BERLIN, "2025-01-10T23:00Z", "2025-01-10T23:00:00Z", "2025-01-11T23:00:00Z"),
        (BERLIN, "2025-03-30T12:00Z", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"),
        (BERLIN, "2025-10-26T12:00Z", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"),
        (NEW_YORK, "2025-03-09T12:00Z", "2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"),
        (NEW_YORK, "2025-11-02T12:00Z", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
        # Cairo skips its midnight: the day begins at one o'clock
        (ZoneInfo("Africa/Cairo"), "2025-04-25T12:00Z", "2025-04-24T22:00:00Z", "2025-04-25T21:00:00Z"),
        # Havana runs through its midnight twice: the day begins with the first
        (ZoneInfo("America/Havana"), "2025-11-02T12:00Z", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
    ],
)
def test_a_day_has_the_hours_that_it_has(zone, now, start, end):
    assert tuple(map(iso, local_day(ms(now), zone))) == (start, end)


minutes = st.integers(0, 1439)
instants = st.integers(ms("2024-01-01T00:00Z") // 60_000, ms("2027-01-01T00:00Z") // 60_000).map(lambda n: n * 60_000)
# Around the edges themselves, where chance alone would seldom look.
edges = st.sampled_from(["2025-03-30T01:00Z", "2025-10-26T01:00Z", "2025-03-09T07:00Z", "2025-11-02T06:00Z"]).flatmap(
    lambda edge: st.integers(-180, 180).map(lambda minute: ms(edge) + minute * 60_000)
)
zones = st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kolkata")])


@given(now=instants | edges, start=minutes, end=minutes, zone=zones)
def test_quiet_ends_later_than_now_and_lasts_no_longer_than_a_day(now, start, end, zone):
    if start == end:
        return
    span = QuietHours(start=start, end=end, zone=zone)
    until = quiet_until(now, span)
    if until is not None:
        assert now < until <= now + 25 * HOUR
        assert quiet_until(until - 1, span) == until


@given(now=instants | edges, zone=zones)
def test_days_follow_each_other_without_a_gap(now, zone):
    start, end = local_day(now, zone)
    assert start <= now < end
    assert local_day(end, zone)[0] == end
    assert local_day(start - 1, zone)[1] == start
