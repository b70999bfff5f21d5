"""An alert: what a person is told, as facts. Sentences are made from it in delivery/render.py."""

from dataclasses import dataclass
from enum import StrEnum

from hybridd.model.analysis import Analysis, Signal, Trend
from hybridd.model.change import SEVERITY, Change, Reason, Severity, Suppression
from hybridd.model.said import Reading
from hybridd.model.state import Table


class AlertState(StrEnum):
    """Where an alert stands. Whether and how it was sent is the deliveries' business."""

    FIRING = "firing"
    ACKED = "acked"
    RESOLVED = "resolved"
    EXPIRED = "expired"


class AlertEvent(StrEnum):
    """What can happen to an alert."""

    ACK = "ack"
    RESOLVE = "resolve"
    EXPIRE = "expire"


ALERT_TABLE: Table[AlertState, AlertEvent] = {
    (AlertState.FIRING, AlertEvent.ACK): AlertState.ACKED,
    (AlertState.FIRING, AlertEvent.RESOLVE): AlertState.RESOLVED,
    (AlertState.FIRING, AlertEvent.EXPIRE): AlertState.EXPIRED,
    (AlertState.ACKED, AlertEvent.RESOLVE): AlertState.RESOLVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the analysis was compared with: the last one stored, however old. `readings` have no words."""

    candle_close: int
    price: float
    score: float
    signal: Signal
    confidence: float
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One alert as a line of a digest; `past`: it is no longer worth acting on. Times in ms UTC."""

    alert_id: int
    created_at: int
    severity: Severity
    change: Change
    past: bool
    resolves: int = 0
    analysis: Analysis | None = None
    before: Before | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many alerts of a digest are about one subject."""

    subject: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What piled up for one address: `count` alerts made from `since` to `until` (ms UTC), `past` of them over.

    `lines` are those that matter most, in the order of time; `tallies` the subjects with the most; `causes` why they
    were held back.
    """

    causes: tuple[Suppression, ...]
    since: int
    until: int
    count: int
    past: int
    lines: tuple[Line, ...]
    tallies: tuple[Tally, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert: the changes that made it and, for a market, the analysis they were found in and the one before.

    `key` is unique for ever: the same event never makes two. Times in ms UTC. `id` is 0 until it is stored.
    `resolves` is the id of the alert whose end this one tells, 0 for news of its own; `digest` what it sums up.
    """

    key: str
    subject: str
    created_at: int
    expires_at: int
    changes: tuple[Change, ...]
    analysis: Analysis | None = None
    before: Before | None = None
    trend: Trend | None = None
    simulated: bool = False
    id: int = 0
    state: AlertState = AlertState.FIRING
    resolves: int = 0
    digest: Digest | None = None

    @property
    def severity(self) -> Severity:
        """The highest of its changes', or of what it sums up and what is not over yet."""
        summed = [line.severity for line in self.digest.lines if not line.past] if self.digest else []
        return max([*summed, *(SEVERITY[change.reason] for change in self.changes)], key=lambda s: s.rank)

    @property
    def urgency(self) -> Severity:
        """How loud it is: good news wakes nobody."""
        return Severity.INFO if self.resolves else self.severity

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Of its changes, in their order, each once."""
        return tuple(dict.fromkeys(change.reason for change in self.changes))
