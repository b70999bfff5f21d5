"""Which deliveries an alert needs: the first route that matches, its steps, the channels that exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridd.model.alert import Alert
from hybridd.model.change import Severity

JOURNAL = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """After `after_ms` the alert goes out by these channels, unless somebody has answered before."""

    after_ms: int
    channels: tuple[str, ...]


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
    wanted = [(0, Step(after_ms=0, channels=(JOURNAL,))), *enumerate(steps)]
    planned = {
        (name, recipient, number): Planned(
            channel=name,
            recipient=recipient,
            step=number,
            next_at=alert.created_at + step.after_ms,
            deadline=max(alert.expires_at, alert.created_at + step.after_ms + 1),
        )
        for number, step in wanted
        for name in step.channels
        for recipient in channels.get(name, ())
    }
    return tuple(planned.values())
