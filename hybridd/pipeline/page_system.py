"""What the page of the system shows: health, channels, outbox, budget, copies, settings, and what happened lately."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.alerts.quiet import local_day
from hybridd.config.sources import value_at
from hybridd.config.toml_text import toml_text
from hybridd.delivery.figures import zone_of
from hybridd.pipeline.overrides import InForce, in_force, wanted_of
from hybridd.pipeline.report import status_report
from hybridd.pipeline.standing import pause_of
from hybridd.store.audit import AuditEntry
from hybridd.store.backup import BACKUP_KEY
from hybridd.store.store import Store

SMS = "sms"
LATELY = 60
_LOOKED_AT = 600
"""Events: most of them are analyses, which have a page of their own."""
_DULL = frozenset({"analysis", "delivery"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that happened: when (ms UTC), what, to whom, and the facts."""

    at: int
    what: str
    subject: str
    facts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """SMS segments of the day."""

    spent: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPage:
    """How everything is. `status` as `hybridd status --json` has it; sizes in bytes; `settings` by section."""

    status: Mapping[str, Any]
    paused: str
    budget: Budget | None
    backup: Mapping[str, Any] | None
    size: int | None
    free: int
    settings: tuple[tuple[str, tuple[tuple[str, str, bool], ...]], ...]
    settings_at: int | None
    lately: tuple[Line, ...]
    deeds: tuple[Line, ...]


def system_page(store: Store, now: int, wall: int) -> SystemPage:
    """As it is at `now` (ms UTC, the market's time; `wall` the machine's)."""
    status, force = status_report(store, wall), in_force(store)
    backup = store.bot_state.get(BACKUP_KEY)
    return SystemPage(
        status=status,
        paused=pause_of(store).value,
        budget=_budget(store, force, now) if any(c["name"] == SMS for c in status["channels"]) else None,
        backup=backup if isinstance(backup, Mapping) else None,
        size=store.path.stat().st_size if store.path and store.path.exists() else None,
        free=store.free_bytes(),
        settings=tuple(_sections(force.values, frozenset(wanted_of(store).values))) if force else (),
        settings_at=force.at if force else None,
        lately=_lately(store),
        deeds=tuple(_deed(entry) for entry in store.audit.list(LATELY)),
    )


def _budget(store: Store, force: InForce | None, now: int) -> Budget:
    values = force.values if force else {}
    zone = zone_of(str(value_at(values, ("alerts", "timezone"), "UTC")))
    most = value_at(values, ("alerts", "daily_sms_segments"), 0)
    return Budget(
        spent=store.holds.spent(SMS, local_day(now, zone)[0]), most=int(most) if isinstance(most, int) else 0
    )  # fmt: skip


def _sections(
    values: Mapping[str, Any], changed: frozenset[str]
) -> Iterable[tuple[str, tuple[tuple[str, str, bool], ...]]]:
    for section, part in values.items():
        rows = part.items() if isinstance(part, Mapping) else [("", part)]
        yield section, tuple((name, toml_text(value), f"{section}.{name}" in changed) for name, value in rows)


def _lately(store: Store) -> tuple[Line, ...]:
    found = reversed(store.events.after(max(0, store.events.last_id() - _LOOKED_AT), _LOOKED_AT))
    lines = [
        Line(at=event.at, what=event.kind, subject=event.subject, facts=_facts(event.data))
        for event in found
        if event.kind not in _DULL
    ]
    return tuple(lines[:LATELY])


def _deed(entry: AuditEntry) -> Line:
    facts = ", ".join(part for part in (entry.actor, _facts(entry.data)) if part)
    return Line(at=entry.at, what=entry.action, subject=entry.subject, facts=facts)


def _facts(data: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in data.items() if isinstance(value, str | int | float) and value != ""}
    return ", ".join(f"{name} {value}" for name, value in plain.items() if not name.endswith("hash"))
