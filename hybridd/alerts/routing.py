"""Which deliveries an alert needs: the first route that matches, its steps, the channels that exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridd.model.alert import Alert
from hybridd.model.change import Severity

JOURNAL = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """After `after_ms` the alert goes out by these channels, unless somebody has answered before.

    Where `repeat_ms` is above 0 it goes out again after each such time, `times` times at most.
    """

    after_ms: int
    channels: tuple[str, ...]
    repeat_ms: int = 0
    times: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Alerts of these severities take these steps."""

    severities: frozenset[Severity]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A delivery to be: times in ms UTC."""

    channel: str
    recipient: str
    step: int
    next_at: int
    deadline: int


def plan(alert: Alert, routes: Sequence[Route], channels: Mapping[str, Sequence[str]]) -> tuple[Planned, ...]:
    """The deliveries of `alert`; `channels` maps those set up to their recipients. The journal gets every alert."""
    route = next((r for r in routes if alert.severity in r.severities), None)
    steps = route.steps if route else ()
    if alert.resolves:
        # Good news asks for no answer: it goes at once, and once, to everybody who is to hear of it.
        steps = (Step(after_ms=0, channels=tuple(channels)),)
    wanted = [(0, Step(after_ms=0, channels=(JOURNAL,))), *enumerate(_with_repeats(steps))]
    planned = {
        (name, recipient, number): Planned(
            channel=name,
            recipient=recipient,
            step=number,
            next_at=alert.created_at + step.after_ms,
            deadline=_deadline(alert, alert.created_at + step.after_ms),
        )
        for number, step in wanted
        for name in step.channels
        for recipient in channels.get(name, ())
    }
    return tuple(planned.values())


def _with_repeats(steps: Sequence[Step]) -> list[Step]:
    """Every step and each of its repeats, in the order of their turns: a repeat is a step of its own."""
    found = [
        Step(after_ms=step.after_ms + number * step.repeat_ms, channels=step.channels)
        for step in steps
        for number in range(1 + (step.times if step.repeat_ms else 0))
    ]
    return sorted(found, key=lambda step: step.after_ms)


def _deadline(alert: Alert, next_at: int) -> int:
    """When a delivery stops being worth sending: with its alert, but a critical one counts until somebody answers."""
    if next_at < alert.expires_at:
        return alert.expires_at
    late = alert.expires_at - alert.created_at if alert.severity is Severity.CRITICAL else 1
    return next_at + max(late, 1)
