"""What piled up becomes one alert: how many, about what, and those that matter most."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from msgspec import structs

from hybridd.model.alert import Alert, Digest, Line, Tally
from hybridd.model.change import Change, Reason, Severity, Suppression

LINES = 12
TALLIES = 8
LIVES_MS = 6 * 3_600_000
"""How long a digest is worth sending: what it tells has waited already."""


def line_of(alert: Alert, *, past: bool) -> Line:
    """An alert in short: its first change and where the market stood, without what each layer said."""
    return Line(
        alert_id=alert.id,
        created_at=alert.created_at,
        severity=alert.urgency,
        change=alert.changes[0],
        past=past,
        resolves=alert.resolves,
        analysis=structs.replace(alert.analysis, readings=()) if alert.analysis else None,
        before=alert.before,
        simulated=alert.simulated,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An alert that waits to be summed up; `past`: no longer worth acting on. `digest` where it is one itself."""

    alert_id: int
    subject: str
    severity: Severity
    created_at: int
    past: bool
    digest: Digest | None = None


def digest_of(
    members: Iterable[Member], causes: Iterable[Suppression], now: int, alert_of: Callable[[int], Alert]
) -> Digest:
    """The digest of some alerts, one that is a digest itself giving what it sums up.

    Looks at each member once and keeps a dozen, of which `alert_of` gives the whole: ten thousand take no more room
    than ten.
    """
    counts: Counter[str] = Counter()
    best: list[tuple[tuple[bool, int, int, int], int, Line | None]] = []
    serial = count()  # two of one weight are told apart by it
    since, until, total, past, all_causes = now, 0, 0, 0, dict.fromkeys(causes)
    for member in members:
        inner = member.digest
        for key, line in _entries(member):
            (heapq.heappush if len(best) < LINES else heapq.heappushpop)(best, (key, next(serial), line))
        total += inner.count if inner else 1
        past += (inner.count if member.past else inner.past) if inner else member.past
        since = min(since, inner.since if inner else member.created_at)
        until = max(until, inner.until if inner else member.created_at)
        counts.update({tally.subject: tally.count for tally in inner.tallies} if inner else {member.subject: 1})
        all_causes |= dict.fromkeys(inner.causes if inner else ())
    best.sort(key=lambda entry: entry[0][2:])
    return Digest(
        causes=tuple(all_causes),
        since=since,
        until=max(until, since),
        count=total,
        past=past,
        lines=tuple(line or line_of(alert_of(key[3]), past=not key[0]) for key, _, line in best),
        tallies=tuple(Tally(subject=subject, count=n) for subject, n in counts.most_common(TALLIES)),
    )


def _entries(member: Member) -> Iterator[tuple[tuple[bool, int, int, int], Line | None]]:
    """What a member may put into a digest, and its weight: what still holds, then how urgent, then how new."""
    if member.digest is None:
        yield (not member.past, member.severity.rank, member.created_at, member.alert_id), None
        return
    for line in member.digest.lines:
        over = line.past or member.past
        yield (not over, line.severity.rank, line.created_at, line.alert_id), replace(line, past=over)


def digest_alert(digest: Digest, channel: str, recipient: str, now: int) -> Alert:
    """The alert that tells a digest to one address."""
    change = Change(
        subject="hybridd", reason=Reason.DIGEST, at=now, before=None, after=float(digest.count), detail=channel
    )
    return Alert(
        key=f"DIGEST:{channel}:{recipient}:{now}",
        subject="hybridd",
        created_at=now,
        expires_at=now + LIVES_MS,
        changes=(change,),
        simulated=any(line.simulated for line in digest.lines),
        digest=digest,
    )
