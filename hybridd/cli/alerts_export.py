"""`hybridd alerts export`: the history of alerts, one line each, however long it is."""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TextIO

import typer

from hybridd.cli.alerts_why import story_json
from hybridd.cli.shared import ConfigPath, settings_of, state_of
from hybridd.clock import SystemClock, as_ms, iso
from hybridd.errors import UsageError
from hybridd.model.delivery import TOLD
from hybridd.store.history import JOURNAL, Story

Since = Annotated[
    str | None, typer.Option(metavar="TIME", help='Only those made since: "7d", "12h", 2026-11-22 or 2026-11-22T14:55.')
]
_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Format(StrEnum):
    """How a line looks."""

    JSONL = "jsonl"
    CSV = "csv"


def export(
    since: Since = None,
    form: Annotated[
        Format, typer.Option("--format", help="JSON objects, or a table for a spreadsheet.")
    ] = Format.JSONL,
    config: ConfigPath = None,
) -> None:
    """The history of alerts to standard output, oldest first, one line each: changes, deliveries, attempts, answers."""
    begin = moment_of(since) or 0
    with state_of(settings_of(config)) as store:
        WRITERS[form](store.history.stories(begin), sys.stdout)


def moment_of(text: str | None) -> int | None:
    """An instant as a person writes it, ms UTC: so long ago, or a date; without a zone it is UTC. Raises UsageError."""
    if text is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text):
            return SystemClock().now() - int(ago[1]) * _UNITS_MS[ago[2]]
        parsed = datetime.fromisoformat(text)
        return as_ms(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageError(f'--since "{text}" is not a moment', remedy="write 7d, 12h, or 2026-11-22") from None


def _jsonl(stories: Iterable[Story], out: TextIO) -> None:
    for story in stories:
        told = story_json(story)
        value = {**told.pop("alert"), **told}
        out.write(json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n")


COLUMNS: tuple[tuple[str, Callable[[Story], Any]], ...] = (
    ("id", lambda s: s.alert.id),
    ("created_at", lambda s: iso(s.alert.created_at)),
    ("subject", lambda s: s.alert.subject),
    ("reasons", lambda s: " ".join(s.alert.reasons)),
    ("severity", lambda s: s.alert.severity),
    ("state", lambda s: s.alert.state),
    ("simulated", lambda s: "yes" if s.alert.simulated else "no"),
    ("score", lambda s: s.alert.analysis.score if s.alert.analysis else ""),
    ("signal", lambda s: s.alert.analysis.signal if s.alert.analysis else ""),
    ("confidence", lambda s: s.alert.analysis.confidence if s.alert.analysis else ""),
    ("price", lambda s: s.alert.analysis.price if s.alert.analysis else ""),
    ("told_at", lambda s: "" if s.told_at is None else iso(s.told_at)),
    ("told_by", lambda s: _channels(s, told=True)),
    ("not_told_by", lambda s: _channels(s, told=False)),
    ("attempts", lambda s: sum(fate.delivery.attempts for fate in s.fates)),
    ("answered_by", lambda s: " ".join(f"{d.actor} {d.action.removeprefix('alert.')}" for d in _answers(s))),
    ("answered_at", lambda s: next((iso(deed.at) for deed in _answers(s)), "")),
)


def _csv(stories: Iterable[Story], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for name, _ in COLUMNS])
    for story in stories:
        writer.writerow([_harmless(value(story)) for _, value in COLUMNS])


def _channels(story: Story, *, told: bool) -> str:
    found = {f.delivery.channel for f in story.fates if (f.delivery.state in TOLD) is told}
    return " ".join(sorted(found - {JOURNAL}))


def _answers(story: Story) -> list[Any]:
    return [deed for deed in story.deeds if deed.action.startswith("alert.") and deed.actor != "hybridd"]


def _harmless(value: object) -> object:
    """A text that a spreadsheet would take for a formula, made a text again."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value


WRITERS: dict[Format, Callable[[Iterable[Story], TextIO], None]] = {Format.JSONL: _jsonl, Format.CSV: _csv}
