"""The one place that reads the time. Instants are integer milliseconds since 1970 UTC, intervals are monotonic seconds.

An integer cannot be naive or in the wrong zone, costs nothing in arrays and rows, and is what exchanges speak;
local time appears only where text is rendered.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of the house may know of time."""

    def now(self) -> int:
        """The present instant, ms UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""
        ...

    def real_seconds(self, interval_ms: int) -> float:
        """How many seconds of the wall pass while this clock advances by `interval_ms`."""
        ...


class SystemClock:
    """The machine's clock; for demonstrations with a `speed` of its own, from `start` (ms UTC, default: now) on."""

    def __init__(self, speed: float = 1.0, start: int | None = None, origin: float | None = None) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._shifted = speed != 1.0 or start is not None
        self._start = time.time_ns() // 1_000_000 if start is None else start
        self._origin = time.monotonic() if origin is None else origin

    @property
    def line(self) -> str:
        """This clock as text, from which another process of this machine makes the same one; "" for the machine's."""
        return f"{self.speed!r}:{self._start}:{self._origin!r}" if self._shifted else ""

    @classmethod
    def of_line(cls, line: str) -> "SystemClock":
        """The clock of such a text; raises ValueError for any other."""
        if not line:
            return cls()
        speed, start, origin = line.split(":")
        return cls(float(speed), int(start), float(origin))

    def now(self) -> int:
        if not self._shifted:
            return time.time_ns() // 1_000_000
        return self._start + int((time.monotonic() - self._origin) * self.speed * 1000)

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    def real_seconds(self, interval_ms: int) -> float:
        return interval_ms / 1000 / self.speed


class ManualClock:
    """A clock that stands still until it is told to move: for tests and replays."""

    def __init__(self, now: int = 0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def real_seconds(self, interval_ms: int) -> float:
        return interval_ms / 1000

    def advance(self, ms: int) -> None:
        """Let `ms` milliseconds pass on both time lines."""
        self._now += ms
        self._monotonic += ms / 1000

    def set(self, now: int) -> None:
        """Step the wall clock, as an administrator or NTP might; the monotonic line does not move."""
        self._now = now


def as_datetime(ms: int) -> datetime:
    """The aware UTC datetime of an instant in ms."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def as_ms(moment: datetime) -> int:
    """The instant of an aware datetime; a naive one is refused, because it names no instant."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return round(moment.timestamp() * 1000)


def iso(ms: int) -> str:
    """An instant as people and programs read it: 2026-11-22T14:55:00Z, with milliseconds only where there are any."""
    moment = as_datetime(ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{ms % 1000:03d}Z" if ms % 1000 else "Z")
