"""The breaker of a channel: after enough failures it stops trying for a while, then lets one message probe."""

from dataclasses import dataclass, replace
from enum import StrEnum

from hybridd.model.delivery import Failure, Outcome
from hybridd.model.state import Table, advance


class BreakerState(StrEnum):
    """Whether messages pass."""

    CLOSED = "closed"  # they pass
    OPEN = "open"  # none passes until the pause is over
    HALF_OPEN = "half_open"  # one passes, to see whether the channel works again


class BreakerEvent(StrEnum):
    """What can happen to a breaker."""

    TRIP = "trip"
    PROBE = "probe"
    RECOVER = "recover"


BREAKER_TABLE: Table[BreakerState, BreakerEvent] = {
    (BreakerState.CLOSED, BreakerEvent.TRIP): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerEvent.PROBE): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.TRIP): BreakerState.OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.RECOVER): BreakerState.CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """Opens after `failures` in a row; the pause (ms) doubles with every probe that fails, up to `longest_pause_ms`."""

    failures: int = 5
    pause_ms: int = 60_000
    longest_pause_ms: int = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Where one channel's breaker stands. `failures` in a row, `trips` without a success between.

    It opened at `tripped_at` and lets a probe through at `probe_at`, both ms UTC.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    trips: int = 0
    tripped_at: int = 0
    probe_at: int = 0


def ask(breaker: Breaker, now: int) -> tuple[bool, Breaker]:
    """Whether a message may pass at `now` (ms UTC), and the breaker afterwards: an open one lets one probe through."""
    if breaker.state is BreakerState.OPEN:
        # A clock that was set back to before it opened would keep the channel shut for as long.
        if breaker.tripped_at <= now < breaker.probe_at:
            return False, breaker
        return True, replace(breaker, state=advance(BREAKER_TABLE, breaker.state, BreakerEvent.PROBE))
    return True, breaker


def after(breaker: Breaker, outcome: Outcome, now: int, rules: BreakerRules) -> Breaker:
    """The breaker after a send that came to `outcome` at `now` (ms UTC)."""
    if outcome.failure in {None, Failure.ADDRESS, Failure.MESSAGE}:
        # The provider answered: a bad address or message says nothing against the channel.
        return _recovered(breaker)
    failures = breaker.failures + 1
    trips = outcome.failure is Failure.ACCOUNT or failures >= rules.failures or breaker.state is BreakerState.HALF_OPEN
    if not trips or breaker.state is BreakerState.OPEN:
        return replace(breaker, failures=failures)
    pause = min(rules.pause_ms * 2 ** min(breaker.trips, 30), rules.longest_pause_ms)
    return Breaker(
        state=advance(BREAKER_TABLE, breaker.state, BreakerEvent.TRIP),
        failures=failures,
        trips=breaker.trips + 1,
        tripped_at=now,
        probe_at=now + max(pause, round(outcome.retry_after * 1000)),
    )


def _recovered(breaker: Breaker) -> Breaker:
    if breaker.state is BreakerState.HALF_OPEN:
        return Breaker(state=advance(BREAKER_TABLE, breaker.state, BreakerEvent.RECOVER))
    return Breaker() if breaker.state is BreakerState.CLOSED else breaker
