"""What pages show of why somebody was or was not told: the story of an alert in rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from hybridd.model.alert import Alert
from hybridd.model.change import Suppression, Verdict
from hybridd.model.delivery import Delivery, DeliveryState
from hybridd.store.audit import AuditEntry
from hybridd.store.history import Fate
from hybridd.store.store import Store

WHY = {
    Suppression.DUPLICATE: "it had its alert already",
    Suppression.KNOWN: "the signal was back at what was last told",
    Suppression.INHIBITED: "the candles were too old to go by",
    Suppression.SILENCED: "somebody asked for silence",
    Suppression.FLAPPING: "the signal changed too often",
    Suppression.COOL_DOWN: "the same was told a short while ago",
    Suppression.QUIET_HOURS: "quiet hours",
    Suppression.RATE: "too many messages in a short time",
    Suppression.BUDGET: "the day's SMS are spent",
}
TOLD = "told"
_TRIED = frozenset({"leased", "retry_wait", "unknown", "accepted", "delivered", "failed_permanent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What was found: from what to what, and the verdict with what it rests on. `at` in ms UTC."""

    at: int
    reason: str
    step: str
    verdict: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to a delivery: when (ms UTC), what, and what was said of it."""

    at: int
    what: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A delivery: where to, how it stands, how long after the alert somebody was told (ms), and its steps."""

    delivery: Delivery
    told_after: int | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The story of an alert. `around`: what was found in the hour before it and is not part of it."""

    changes: tuple[ChangeRow, ...]
    around: tuple[ChangeRow, ...]
    ways: tuple[Way, ...]
    deeds: tuple[Step, ...]


def why_of(store: Store, alert: Alert) -> Why:
    """All that led to an alert and all that became of it."""
    story = store.history.story(alert)
    return Why(
        changes=_changes(story.changes),
        around=_changes(store.history.around(alert)),
        ways=tuple(_way(fate, alert.created_at) for fate in story.fates),
        deeds=tuple(Step(at=deed.at, what=deed.action, said=_said(deed)) for deed in story.deeds),
    )


def _changes(verdicts: Iterable[Verdict]) -> tuple[ChangeRow, ...]:
    return tuple(
        ChangeRow(
            at=verdict.change.at,
            reason=verdict.change.reason.value,
            step=f"{_value(verdict.change.before)} → {_value(verdict.change.after)}",
            verdict=WHY[verdict.suppressed] if verdict.suppressed else TOLD,
            because=verdict.because,
        )
        for verdict in verdicts
    )


def _way(fate: Fate, made_at: int) -> Way:
    tries = [
        Step(at=a.started_at, what=a.outcome.value if a.outcome else DeliveryState.LEASED.value, said=a.detail)
        for a in fate.attempts
    ]
    # What is no attempt: cancelled, expired, a receipt that came later.
    last = max((a.ended_at or a.started_at for a in fate.attempts), default=0)
    later = [
        Step(at=deed.at, what=str(deed.data.get("state", deed.action)), said=str(deed.data.get("detail", "")))
        for deed in fate.deeds
        if deed.data.get("state") not in _TRIED or deed.at > last
    ]
    told = None if fate.told_at is None else fate.told_at - made_at
    return Way(delivery=fate.delivery, told_after=told, steps=(*tries, *later))


def _said(deed: AuditEntry) -> str:
    facts = (f"{name} {value}" for name, value in deed.data.items() if not isinstance(value, list | dict))
    return ", ".join([deed.actor, *facts])


def _value(value: str | float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
