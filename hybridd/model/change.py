"""A change: one thing that differs from before and that somebody may want to know."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why something fired."""

    SIGNAL_CHANGED = "SIGNAL_CHANGED"
    SCORE_JUMP = "SCORE_JUMP"
    SCORE_DRIFT = "SCORE_DRIFT"
    CONFIDENCE_HIGH = "CONFIDENCE_HIGH"
    TRADE_TARGET = "TRADE_TARGET"
    TRADE_STOP = "TRADE_STOP"
    TRADE_AGAINST = "TRADE_AGAINST"
    FEED_STALE = "FEED_STALE"
    LAYERS_MISSING = "LAYERS_MISSING"
    BRAIN_FAILED = "BRAIN_FAILED"
    CYCLE_LATE = "CYCLE_LATE"
    CHANNEL_DOWN = "CHANNEL_DOWN"
    DISK_LOW = "DISK_LOW"
    CLOCK_SKEW = "CLOCK_SKEW"
    SYMBOL_UNKNOWN = "SYMBOL_UNKNOWN"
    ALERTS_UNACCOUNTED = "ALERTS_UNACCOUNTED"
    TEST = "TEST"
    REPORT = "REPORT"


MARKET = frozenset({Reason.SIGNAL_CHANGED, Reason.SCORE_JUMP, Reason.SCORE_DRIFT, Reason.CONFIDENCE_HIGH})
TRADE = frozenset({Reason.TRADE_TARGET, Reason.TRADE_STOP, Reason.TRADE_AGAINST})
NEWS = frozenset({Reason.TEST, Reason.REPORT})
"""Of hybridd itself, but told once: nothing that begins and is over."""
HEALTH = frozenset(Reason) - MARKET - TRADE - NEWS


class Severity(StrEnum):
    """How urgently somebody must know."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 2 for critical: to compare."""
        return list(Severity).index(self)


SEVERITY: dict[Reason, Severity] = {
    Reason.SIGNAL_CHANGED: Severity.WARNING,
    Reason.SCORE_JUMP: Severity.WARNING,
    Reason.SCORE_DRIFT: Severity.WARNING,
    Reason.CONFIDENCE_HIGH: Severity.WARNING,
    Reason.TRADE_TARGET: Severity.WARNING,
    Reason.TRADE_STOP: Severity.CRITICAL,
    Reason.TRADE_AGAINST: Severity.CRITICAL,
    Reason.FEED_STALE: Severity.CRITICAL,
    Reason.LAYERS_MISSING: Severity.WARNING,
    Reason.BRAIN_FAILED: Severity.CRITICAL,
    Reason.CYCLE_LATE: Severity.WARNING,
    Reason.CHANNEL_DOWN: Severity.CRITICAL,
    Reason.DISK_LOW: Severity.CRITICAL,
    Reason.CLOCK_SKEW: Severity.WARNING,
    Reason.SYMBOL_UNKNOWN: Severity.WARNING,
    Reason.ALERTS_UNACCOUNTED: Severity.CRITICAL,
    Reason.TEST: Severity.WARNING,
    Reason.REPORT: Severity.INFO,
}


class Suppression(StrEnum):
    """Why nobody was told of a change. Not a state: a stored fact with its time."""

    DUPLICATE = "DUPLICATE"  # this very change has its alert already
    KNOWN = "KNOWN"  # the signal is back at what was last told, and nobody heard that it had left
    COOL_DOWN = "COOL_DOWN"  # the same symbol and reason was told of a short while ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that fired: `subject` is a symbol, a trade ("trade 42"), a channel, or "hybridd".

    `before` and `after` are what the reason compares, as numbers or names; `at` is the candle's close or the moment
    of the finding, ms UTC. `deferred_from` is set where a change held back by the cool-down is told after it.
    """

    subject: str
    reason: Reason
    at: int
    before: str | float | None
    after: str | float | None
    detail: str = ""
    deferred_from: int | None = None

    @property
    def severity(self) -> Severity:
        """Of this change's reason."""
        return SEVERITY[self.reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A change with what became of it: told (`suppressed` is None), or the reason why not."""

    change: Change
    suppressed: Suppression | None = None
