"""Hours of the day in somebody's own zone, also on the two days a year when the clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A span of every day in `zone`: from `start` to `end`, minutes since midnight; over midnight where end < start."""

    start: int
    end: int
    zone: tzinfo


def quiet_until(now: int, hours: QuietHours) -> int | None:
    """When the quiet that holds at `now` ends (ms UTC), None where it does not hold.

    An hour that the clocks skip is not waited for; one that they run through twice is quiet both times.
    """
    today = _local_date(now, hours.zone)
    for day in (today - timedelta(days=1), today):
        ends_on = day if hours.end > hours.start else day + timedelta(days=1)
        start, end = instant(day, hours.start, hours.zone), instant(ends_on, hours.end, hours.zone, later=True)
        if start <= now < end:
            return end
    return None


def local_day(now: int, zone: tzinfo) -> tuple[int, int]:
    """The day that `now` lies in, in `zone`, as instants (ms UTC) from its first midnight to that of the next."""
    today = _local_date(now, zone)
    return instant(today, 0, zone), instant(today + timedelta(days=1), 0, zone)


def instant(day: date, minute: int, zone: tzinfo, *, later: bool = False) -> int:
    """When the wall clock of `zone` first reaches a minute of a day, ms UTC; with `later`, when it does so last."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
    first, last = _ms(wall), _ms(wall.replace(fold=1))
    if first > last:  # the clocks skip this minute: it is reached at the moment of the skip
        return _skip(last, first, zone)
    return last if later else first


def _skip(before: int, after: int, zone: tzinfo) -> int:
    """The moment, after `before` and not after `after`, at which the clocks of `zone` go forward."""
    old = _offset(before, zone)
    while after - before > MINUTE_MS:
        middle = (before + after) // 2 // MINUTE_MS * MINUTE_MS
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(ms: int, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(zone).utcoffset()


def _local_date(ms: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(zone).date()


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
