"""How far the exchange's clock is from ours: what decides whether a candle has closed."""

from email.utils import parsedate_to_datetime

from hybridd.clock import Clock, as_ms

REFRESH_S = 600.0
RETRY_S = 60.0
STEP_MS = 1000
"""A wall clock that moved this far against the monotonic one was set: the offset must be measured again."""


class ClockOffset:
    """The difference exchange minus local, in ms, measured now and then and used without asking anybody."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._due_at = float("-inf")
        self._anchor = self._wall_minus_monotonic()
        self.ms = 0
        self.known = False

    def now(self) -> int:
        """The exchange's time, ms UTC, as far as it is known."""
        return self._clock.now() + self.ms

    def due(self) -> bool:
        """Whether it is time to measure: after ten minutes, or when somebody set the local clock."""
        stepped = abs(self._wall_minus_monotonic() - self._anchor) > STEP_MS
        return stepped or self._clock.monotonic() >= self._due_at

    def measured(self, server: int, arrived: int) -> None:
        """The exchange's time was `server` at some moment before `arrived` (ms UTC, local).

        The least offset that this proves is taken, not the middle: after a slow answer the middle may run ahead, and
        a candle that is still being drawn would count as closed.
        """
        self._set(server - arrived)

    def dated(self, header: str, sent: int, arrived: int) -> None:
        """Use an HTTP Date, which has whole seconds: no offset is claimed that those cannot prove."""
        try:
            date = as_ms(parsedate_to_datetime(header))
        except ValueError:
            return
        lowest, highest = date - arrived, date + 999 - sent
        self._set(lowest if lowest > 0 else min(highest, 0))

    def failed(self) -> None:
        """A measurement gave nothing: try again in a minute."""
        self._anchor = self._wall_minus_monotonic()
        self._due_at = self._clock.monotonic() + RETRY_S

    def _set(self, offset: int) -> None:
        self.ms, self.known = offset, True
        self._anchor = self._wall_minus_monotonic()
        self._due_at = self._clock.monotonic() + REFRESH_S

    def _wall_minus_monotonic(self) -> float:
        return self._clock.now() - self._clock.monotonic() * 1000
