"""An alert: what a person is told, as facts. Sentences are made from it in delivery/render.py."""

from dataclasses import dataclass
from enum import StrEnum

from hybridd.model.analysis import Analysis, Signal, Trend
from hybridd.model.change import SEVERITY, Change, Reason, Severity
from hybridd.model.reading import Reading
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
class Alert:
    """One alert: the changes that made it and, for a market, the analysis they were found in and the one before.

    `key` is unique for ever: the same event never makes two. Times in ms UTC. `id` is 0 until it is stored.
    `resolves` is the id of the alert whose end this one tells, 0 for news of its own.
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

    @property
    def severity(self) -> Severity:
        """The highest of its changes'."""
        return max((SEVERITY[change.reason] for change in self.changes), key=lambda s: s.rank)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Of its changes, in their order, each once."""
        return tuple(dict.fromkeys(change.reason for change in self.changes))
