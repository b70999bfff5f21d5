"""How fast a source may be asked, and when it wants to be left alone."""

import threading
from collections.abc import Callable

from hybridd.clock import Clock


class RateLimiter:
    """Gives out places in a queue: a request reserves its share of time, then waits for its turn outside the lock."""

    def __init__(self, *, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_free = 0.0
        self._paused_until = 0.0

    def reserve(self, seconds: float) -> float:
        """Take the next free `seconds`; how many seconds remain until they begin."""
        with self._lock:
            now = self._clock.monotonic()
            start = max(now, self._next_free)
            self._next_free = start + seconds
            return start - now

    def wait(self, seconds: float) -> None:
        """Take the next free `seconds` and return when they begin."""
        delay = self.reserve(seconds)
        if delay > 0:
            self._sleep(self._clock.real_seconds(round(delay * 1000)))

    def pause(self, seconds: float) -> None:
        """The source wants no request for `seconds`."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def paused(self) -> float:
        """How many seconds of a pause remain, 0 when there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())
