"""A change: one thing that differs from before and that somebody may want to know."""

from enum import StrEnum

from msgspec import Struct

from hybridd.model.members import plain_members


@plain_members
class Reason(StrEnum):
    """Why something fired."""

    SIGNAL_CHANGED = "SIGNAL_CHANGED"
    SCORE_JUMP = "SCORE_JUMP"
    SCORE_DRIFT = "SCORE_DRIFT"
    CONFIDENCE_HIGH = "CONFIDENCE_HIGH"
    SIGNAL_FLAPPING = "SIGNAL_FLAPPING"
    SIGNAL_CALM = "SIGNAL_CALM"
    TRADE_TARGET = "TRADE_TARGET"
    TRADE_STOP = "TRADE_STOP"
    TRADE_AGAINST = "TRADE_AGAINST"
    TRADE_OPENED = "TRADE_OPENED"
    TRADE_CLOSED = "TRADE_CLOSED"
    ORDER_REJECTED = "ORDER_REJECTED"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    FEED_STALE = "FEED_STALE"
    LAYERS_MISSING = "LAYERS_MISSING"
    BRAIN_FAILED = "BRAIN_FAILED"
    CYCLE_LATE = "CYCLE_LATE"
    CHANNEL_DOWN = "CHANNEL_DOWN"
    BROKER_DOWN = "BROKER_DOWN"
    BROKER_DIFFERS = "BROKER_DIFFERS"
    DISK_LOW = "DISK_LOW"
    CLOCK_SKEW = "CLOCK_SKEW"
    SYMBOL_UNKNOWN = "SYMBOL_UNKNOWN"
    ALERTS_UNACCOUNTED = "ALERTS_UNACCOUNTED"
    ADDRESS_BAD = "ADDRESS_BAD"
    ALERTS_MISSED = "ALERTS_MISSED"
    SMS_BUDGET = "SMS_BUDGET"
    DIGEST = "DIGEST"
    TEST = "TEST"
    DRILL = "DRILL"
    REPORT = "REPORT"


MARKET = frozenset(
    {
        Reason.SIGNAL_CHANGED,
        Reason.SCORE_JUMP,
        Reason.SCORE_DRIFT,
        Reason.CONFIDENCE_HIGH,
        Reason.SIGNAL_FLAPPING,
        Reason.SIGNAL_CALM,
    }
)
TRADE = frozenset({Reason.TRADE_TARGET, Reason.TRADE_STOP, Reason.TRADE_AGAINST})
EXECUTION = frozenset({Reason.TRADE_OPENED, Reason.TRADE_CLOSED, Reason.ORDER_REJECTED, Reason.ORDER_CANCELLED})
NEWS = frozenset({Reason.ALERTS_MISSED, Reason.SMS_BUDGET, Reason.DIGEST, Reason.DRILL, Reason.TEST, Reason.REPORT})
"""Of hybridd itself, but told once: nothing that begins and is over."""
HEALTH = frozenset(Reason) - MARKET - TRADE - EXECUTION - NEWS


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
    Reason.SIGNAL_FLAPPING: Severity.WARNING,
    Reason.SIGNAL_CALM: Severity.WARNING,
    Reason.TRADE_TARGET: Severity.WARNING,
    Reason.TRADE_STOP: Severity.CRITICAL,
    Reason.TRADE_AGAINST: Severity.CRITICAL,
    Reason.TRADE_OPENED: Severity.WARNING,
    Reason.TRADE_CLOSED: Severity.WARNING,
    Reason.ORDER_REJECTED: Severity.CRITICAL,
    Reason.ORDER_CANCELLED: Severity.CRITICAL,
    Reason.FEED_STALE: Severity.CRITICAL,
    Reason.LAYERS_MISSING: Severity.WARNING,
    Reason.BRAIN_FAILED: Severity.CRITICAL,
    Reason.CYCLE_LATE: Severity.WARNING,
    Reason.CHANNEL_DOWN: Severity.CRITICAL,
    Reason.BROKER_DOWN: Severity.CRITICAL,
    Reason.BROKER_DIFFERS: Severity.CRITICAL,
    Reason.DISK_LOW: Severity.CRITICAL,
    Reason.CLOCK_SKEW: Severity.WARNING,
    Reason.SYMBOL_UNKNOWN: Severity.WARNING,
    Reason.ALERTS_UNACCOUNTED: Severity.CRITICAL,
    Reason.ADDRESS_BAD: Severity.CRITICAL,
    Reason.ALERTS_MISSED: Severity.WARNING,
    Reason.SMS_BUDGET: Severity.WARNING,
    Reason.DIGEST: Severity.WARNING,
    Reason.TEST: Severity.WARNING,
    Reason.DRILL: Severity.INFO,
    Reason.REPORT: Severity.INFO,
}


@plain_members
class Suppression(StrEnum):
    """Why nobody was told of a change, or not at once. Not a state: a stored fact with its time."""

    DUPLICATE = "DUPLICATE"  # this very change has its alert already
    KNOWN = "KNOWN"  # the signal is back at what was last told, and nobody heard that it had left
    INHIBITED = "INHIBITED"  # the market's candles are too old to go by, which is what you were told instead
    SILENCED = "SILENCED"  # somebody asked for silence
    FLAPPING = "FLAPPING"  # the signal changes too often; you are told when it keeps still again
    COOL_DOWN = "COOL_DOWN"  # the same symbol and reason was told of a short while ago
    QUIET_HOURS = "QUIET_HOURS"  # a message that can wait for the end of your quiet hours
    RATE = "RATE"  # there were too many messages to this address in a short time
    BUDGET = "BUDGET"  # the day's SMS segments are spent


class Change(Struct, frozen=True, kw_only=True):
    """Something that fired: `subject` is a symbol, a trade ("trade 42"), a channel, or "hybridd".

    `before` and `after` are what the reason compares, as numbers or names; `at` is the candle's close or the moment
    of the finding, ms UTC. `deferred_from` is when a change happened that was held back and is told only now.
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


class Verdict(Struct, frozen=True, kw_only=True):
    """A change with what became of it: told (`suppressed` is None), or the reason why not, and by what ("silence 3").

    `judged_at` (ms UTC) is 0 until it is stored.
    """

    change: Change
    suppressed: Suppression | None = None
    because: str = ""
    judged_at: int = 0
