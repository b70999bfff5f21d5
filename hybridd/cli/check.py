"""`hybridd check`: the second watcher. Short-lived and light: it imports the channels only when it has to tell."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from hybridd.clock import Clock, SystemClock
from hybridd.config.check import secret_words
from hybridd.config.salvage import Salvaged, salvage
from hybridd.config.schema import Settings
from hybridd.daemon.clock_sync import synchronised
from hybridd.daemon.journal import register_secret, setup_logging
from hybridd.daemon.units import show
from hybridd.delivery.channel import Channel
from hybridd.errors import UsageError
from hybridd.pipeline.second_watch import INVARIANTS, Finding, Judgement, blind, judge
from hybridd.pipeline.watch_memory import Memory, places, recall, remember
from hybridd.pipeline.watch_scene import survey
from hybridd.pipeline.watch_tell import Reader, Sent, count_starts, follow, has_due, note_failed_unit, tell
from hybridd.store.database import path_of

_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")
_FACTS = {"MONITOR_SERVICE_RESULT": "result", "MONITOR_EXIT_CODE": "code", "MONITOR_EXIT_STATUS": "status"}
_PROPERTIES = {"Result": "result", "ExecMainStatus": "status"}

# The same option as elsewhere; the module that defines it imports the whole daemon.
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        readable=False,
        help="Settings file; by default /etc/hybridd.toml, else ./etc/hybridd.toml.",
    ),
]


def check(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    memory: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where it remembers what it told; by default beside the state.")
    ] = None,
    failed: Annotated[
        str | None,
        typer.Option(metavar="UNIT", help="Tell that this systemd unit has failed; nothing else is checked."),
    ] = None,
    look: Annotated[bool, typer.Option("--look", help="Only look: tell nobody, remember nothing.")] = False,
) -> None:
    """The second watcher: is hybridd alive, and does it tell? Findings are mailed by a way of its own; exit code 1."""
    setup_logging(level="info")
    clock, salvaged = SystemClock(), salvage(config, os.environ)
    for word in secret_words(salvaged.settings):
        register_secret(word)
    if failed is not None:
        _failed(failed, salvaged.settings, memory, clock)
        return
    where = places(memory, _state_of(salvaged.settings), os.environ)
    remembered = recall(where)
    judgement = _judge(salvaged, remembered, clock)
    sent = [] if look else _tell(remembered, judgement, salvaged.settings, where, clock)
    if as_json:
        typer.echo(_as_json(judgement, sent, clock.now()))
    else:
        _show(judgement, sent)
    if judgement.findings:
        raise typer.Exit(1)


def _judge(salvaged: Salvaged, memory: Memory, clock: Clock) -> Judgement:
    if not salvaged.place_known:
        return blind(salvaged.trouble)
    settings = salvaged.settings
    scene = survey(
        settings.database.url.get_secret_value(),
        clock,
        settle_ms=round(settings.monitor.settle_seconds * 1000),
        settings_trouble=salvaged.trouble,
        sound_at=memory.sound_at,
        accounted=memory.accounted,
        synchronised=synchronised(),
    )
    if scene.read_whole:
        memory.sound_at = 0 if scene.damage else scene.now
    if scene.glance is not None:
        memory.accounted = scene.glance.accounted
    return judge(count_starts(memory, scene))


def _tell(memory: Memory, judgement: Judgement, settings: Settings, where: list[Path], clock: Clock) -> list[Sent]:
    """Remember before and after: a kill in between repeats a mail under its own Message-ID, and loses none."""
    now = clock.now()
    forgetful = remember(memory, where, now) is None
    follow(memory, judgement, now, _reader(settings, judgement.unproven), forgetful=forgetful)
    return _send(memory, settings, where, clock)


def _send(memory: Memory, settings: Settings, where: list[Path], clock: Clock) -> list[Sent]:
    sent: list[Sent] = []
    remember(memory, where, clock.now())
    if has_due(memory, clock.now()):
        channels = _channels(settings)
        try:
            sent = tell(memory, channels, clock.now())
        finally:
            for channel in channels:
                channel.close()
        if remember(memory, where, clock.now()) is None:
            typer.echo(f"hybridd: what was told cannot be remembered: {where[0]} cannot be written", err=True)
    return sent


def _channels(settings: Settings) -> list[Channel]:
    from hybridd.channels import channels_of

    return channels_of(settings)


def _reader(settings: Settings, unproven: Mapping[str, str] | None = None) -> Reader:
    return Reader(zone=settings.alerts.timezone, host=os.uname().nodename, unproven=unproven or {})


def _state_of(settings: Settings) -> Path | None:
    return path_of(settings.database.url.get_secret_value())


def _failed(unit: str, settings: Settings, memory: Path | None, clock: Clock) -> None:
    if not _UNIT.fullmatch(unit):
        raise UsageError(f'"{unit}" is not the name of a unit', remedy="write, for example, hybridd.service")
    where = places(memory, _state_of(settings), os.environ)
    remembered = recall(where)
    if not note_failed_unit(remembered, unit, _facts(unit), clock.now(), _reader(settings)):
        remember(remembered, where, clock.now())
        typer.echo(f"{unit} has failed again: it was told less than ten minutes ago")
        return
    sent = _send(remembered, settings, where, clock)
    _show_sent(sent)
    if any(one.trouble for one in sent):
        typer.echo("hybridd: the next `hybridd check` tries again", err=True)
        raise typer.Exit(1)


def _facts(unit: str) -> dict[str, str]:
    """How the unit died: systemd 251 and later says so to the unit that it starts for this; else it is asked."""
    if os.environ.get("MONITOR_UNIT", unit) == unit:
        facts = {name: value for key, name in _FACTS.items() if (value := os.environ.get(key))}
        if facts:
            return facts
    known = show([unit], tuple(_PROPERTIES)).get(unit, {})
    return {name: value for key, name in _PROPERTIES.items() if (value := known.get(key))}


def _as_json(judgement: Judgement, sent: list[Sent], now: int) -> str:
    found = [
        {
            "id": f.id,
            "subject": f.subject,
            "severity": f.severity.value,
            "detail": f.detail,
            "remedy": f.remedy,
            "known": f.known,
        }
        for f in judgement.findings
    ]
    told = [{"channel": s.channel, "recipient": s.recipient, "title": s.title, "trouble": s.trouble} for s in sent]
    answer = {"ok": not found, "now": now, "findings": found, "unknown": dict(judgement.unknown), "told": told}
    answer["unproven"] = dict(judgement.unproven)
    return json.dumps(answer, ensure_ascii=False, indent=2)


def _show(judgement: Judgement, sent: list[Sent]) -> None:
    for finding in judgement.findings:
        typer.echo(_line(finding))
    for id_, root in sorted(judgement.unknown.items()):
        title = next(check.title for check in INVARIANTS if check.id == id_)
        typer.echo(f"{id_} ({title}) cannot be judged while {root} does not hold")
    for channel, why in sorted(judgement.unproven.items()):
        typer.echo(f"{channel} is unproven: {why}")
    _show_sent(sent)
    if not judgement.findings:
        typer.echo(f"all is well: {len(INVARIANTS)} invariants hold")


def _line(finding: Finding) -> str:
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    known = f" ({finding.known})" if finding.known else ""
    return f"{finding.id} {finding.severity}: {finding.detail}{known}{remedy}"


def _show_sent(sent: list[Sent]) -> None:
    for one in sent:
        if one.channel != "journal":
            what = f"not told ({one.trouble})" if one.trouble else "told"
            typer.echo(f"{what}: {one.recipient} by {one.channel}: {one.title}")
