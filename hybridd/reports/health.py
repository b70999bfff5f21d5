"""How well hybridd itself worked in a period: candles kept up with, troubles, deliveries, restarts, backups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from hybridd.reports.document import Block, Figures, Grid, Section, Words
from hybridd.reports.words import counted, listed, moment, share, span


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One market: candles that closed while it was to be watched, how many were analysed in time, how many late."""

    symbol: str
    timeframe: str
    due: int
    on_time: int
    late: int

    @property
    def missing(self) -> int:
        """Never analysed."""
        return max(0, self.due - self.on_time - self.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A kind of trouble: how often it was told, and how long it lasted in all where its end is known, ms."""

    reason: str
    subject: str
    n: int
    lasted: int
    standing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of the deliveries of one channel."""

    channel: str
    told: int
    failed: int
    expired: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """All of it. `backups` and `last_backup` (ms UTC) are None where the place of the backups cannot be looked at."""

    markets: tuple[Watched, ...]
    troubles: tuple[Trouble, ...]
    channels: tuple[Carried, ...]
    starts: int
    backups: int | None
    last_backup: int | None

    @property
    def uptime(self) -> float | None:
        """The share of candles that were analysed in time; None where none was due."""
        due = sum(m.due for m in self.markets)
        return sum(m.on_time for m in self.markets) / due if due else None


def section(found: HealthFacts, zone: tzinfo) -> Section:
    """hybridd's own health as a part of a report."""
    return Section(title="hybridd itself", blocks=tuple(_blocks(found, zone)))


def _blocks(found: HealthFacts, zone: tzinfo) -> Iterator[Block]:
    missing, late = sum(m.missing for m in found.markets), sum(m.late for m in found.markets)
    failed = sum(c.failed + c.expired for c in found.channels)
    yield Figures(
        items=(
            ("Watched", share(found.uptime, 2), "of candles in time"),
            ("Candles missed", f"{missing:,}", f"{late:,} more made up for" if late else ""),
            ("Deliveries failed", f"{failed:,}", f"of {sum(_all(c) for c in found.channels):,}"),
            ("Starts", str(found.starts), _backups(found, zone)),
        )
    )
    worst = [m for m in found.markets if m.missing or m.late]
    if worst:
        yield Grid(
            title="Markets with gaps",
            columns=("market", "candles", " due", " late", " missed"),
            rows=tuple((m.symbol, m.timeframe, f"{m.due:,}", f"{m.late:,}", f"{m.missing:,}") for m in worst),
        )
    if found.troubles:
        yield Grid(
            title="Troubles that were told",
            columns=("what", "of", " times", " lasted"),
            rows=tuple(_trouble(trouble) for trouble in found.troubles),
        )
    else:
        yield Words(text="No trouble was told.")
    if found.channels:
        yield Words(text=f"Deliveries: {listed(_carried(found.channels))}.", tone="quiet")


def _carried(channels: Sequence[Carried]) -> list[str]:
    found = []
    for c in channels:
        counts = ((c.told, "told"), (c.failed, "failed"), (c.expired, "too late"), (c.waiting, "waiting"))
        found.append(f"{c.channel} {', '.join(f'{n} {word}' for n, word in counts if n) or 'none'}")
    return found


def _trouble(trouble: Trouble) -> tuple[str, ...]:
    name = trouble.reason.replace("_", " ").capitalize()
    lasted = span(trouble.lasted) if trouble.lasted else ""
    standing = "still open" if trouble.standing else ""
    return (name, trouble.subject, str(trouble.n), ", ".join(part for part in (lasted, standing) if part) or "–")


def _backups(found: HealthFacts, zone: tzinfo) -> str:
    if found.backups is None:
        return "backups not known"
    if found.last_backup is None:
        return "no backup"
    return f"{counted(found.backups, 'backup')}, last {moment(found.last_backup, zone)}"


def _all(carried: Carried) -> int:
    return carried.told + carried.failed + carried.expired + carried.waiting
