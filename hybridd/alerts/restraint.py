"""Which message goes now and which must wait, and why: the order of restraint is the order of the list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from hybridd.alerts.quiet import QuietHours, local_day, quiet_until
from hybridd.model.change import Suppression

SMS = "sms"
"""The channel whose messages cost money."""
UNRESTRAINED = frozenset({"journal", "dashboard"})
"""Records that are looked at and wake nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestraintRules:
    """`rate` messages to one address in `rate_window_ms`, `rate_critical` counting critical ones; 0: no limit.

    `daily_segments` of SMS in a day of `zone`, of which the last `reserve` are for critical ones.
    """

    quiet: QuietHours | None = None
    quiet_channels: frozenset[str] = frozenset({"sms", "push", "telegram"})
    rate: int = 6
    rate_critical: int = 12
    rate_window_ms: int = 600_000
    daily_segments: int = 50
    reserve: int = 10
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that could go: `asked` is one that a person has just asked for, `segments` what it costs."""

    channel: str
    critical: bool
    asked: bool = False
    segments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What has gone out until `now`: instants of the messages to this address, rising, and the day's segments."""

    now: int
    sent: Sequence[int] = ()
    spent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a message must wait, and until when (ms UTC); None: no time will be better."""

    reason: Suppression
    until: int | None


def hold(candidate: Candidate, ledger: Ledger, rules: RestraintRules) -> Hold | None:
    """The first stage that objects decides; none objects: it goes now."""
    if candidate.channel in UNRESTRAINED:
        return None
    found = (stage(candidate, ledger, rules) for stage in STAGES)
    return next((objection for objection in found if objection is not None), None)


def _quiet(candidate: Candidate, ledger: Ledger, rules: RestraintRules) -> Hold | None:
    if candidate.critical or candidate.asked or rules.quiet is None or candidate.channel not in rules.quiet_channels:
        return None
    until = quiet_until(ledger.now, rules.quiet)
    return None if until is None else Hold(reason=Suppression.QUIET_HOURS, until=until)


def _rate(candidate: Candidate, ledger: Ledger, rules: RestraintRules) -> Hold | None:
    limit = rules.rate_critical if candidate.critical else rules.rate
    # A clock that was set back must not make messages of the future count.
    recent = [at for at in ledger.sent if ledger.now - rules.rate_window_ms < at <= ledger.now]
    if candidate.asked or not limit or len(recent) < limit:
        return None
    return Hold(reason=Suppression.RATE, until=recent[-limit] + rules.rate_window_ms)


def _budget(candidate: Candidate, ledger: Ledger, rules: RestraintRules) -> Hold | None:
    if candidate.channel != SMS:
        return None
    most = rules.daily_segments - (0 if candidate.critical or candidate.asked else rules.reserve)
    if ledger.spent + candidate.segments <= most:
        return None
    tomorrow = local_day(ledger.now, rules.zone)[1]
    return Hold(reason=Suppression.BUDGET, until=tomorrow if candidate.segments <= most else None)


Stage = Callable[[Candidate, Ledger, RestraintRules], Hold | None]
STAGES: tuple[Stage, ...] = (_quiet, _rate, _budget)
