"""The doctor's checks: what a start needs, looked at one by one. A table, each with a stable id."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridd.clock import Clock, iso
from hybridd.config.schema import Settings
from hybridd.delivery.channel import Channel
from hybridd.errors import FeedError, HybriddError
from hybridd.market.feed import Feed
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.checkup_machine import Machine, clock_kept, credentials, permissions, units
from hybridd.pipeline.conditions import CLOCK_SKEW_MS, DISK_LOW_BYTES
from hybridd.pipeline.findings import Finding, Level, Report
from hybridd.store.store import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    feed: Feed
    channels: Sequence[Channel]
    clock: Clock
    machine: Machine


Check = Callable[[Patient], Iterator[Report]]


def settings_findings(problems: Sequence[str], *, usable: bool) -> list[Finding]:
    """What the settings themselves say; every later check needs them."""
    level = Level.WARNING if usable else Level.ERROR
    if not problems:
        return [_finding("D01", "settings", (Level.GOOD, "no problems", ""))]
    return [_finding("D01", "settings", (level, problem, "")) for problem in problems]


def checkup(
    settings: Settings, feed: Feed, channels: Sequence[Channel], clock: Clock, machine: Machine
) -> list[Finding]:
    """Every check of the table, in its order. Feed and channels are closed at the end."""
    patient = Patient(settings=settings, feed=feed, channels=channels, clock=clock, machine=machine)
    try:
        return [_finding(id_, title, report) for id_, title, check in CHECKS for report in _reports(check, patient)]
    finally:
        feed.close()
        for channel in channels:
            channel.close()


def _reports(check: Check, patient: Patient) -> Iterator[Report]:
    try:
        yield from check(patient)
    except PermissionError as error:
        yield Level.ERROR, f"{error.filename}: {error.strerror}", "run it as root, or as the user that runs hybridd"


def _finding(id_: str, title: str, report: Report) -> Finding:
    level, detail, remedy = report
    return Finding(id=id_, title=title, level=level, detail=detail, remedy=remedy)


def _state(patient: Patient) -> Iterator[Report]:
    url = patient.settings.database.url.get_secret_value()
    path = Path(url.removeprefix("sqlite:///"))
    if not path.exists():
        yield _new_state(path)
        return
    try:
        store = open_store(url, clock=patient.clock, migrate=False)
    except HybriddError as error:
        yield Level.ERROR, error.message, error.remedy
        return
    try:
        findings = store.verify()
        yield from ((Level.ERROR, finding, "restore a backup, and keep the broken file") for finding in findings)
        if not findings:
            yield Level.GOOD, f"{path} is sound, {store.analyses.count()} analyses", ""
    finally:
        store.close()


def _new_state(path: Path) -> Report:
    folder = next((p for p in path.parents if p.exists()), Path("/"))
    if os.access(folder, os.W_OK | os.X_OK):
        return Level.GOOD, f"{path} will be made at the first start", ""
    user = os.environ.get("USER") or str(os.getuid())
    return Level.ERROR, f"{path} cannot be made: {folder} is not writable for {user}", "run as the user that owns it"


def _disk(patient: Patient) -> Iterator[Report]:
    path = Path(patient.settings.database.url.get_secret_value().removeprefix("sqlite:///"))
    folder = next((p for p in path.parents if p.exists()), Path("/"))
    free = shutil.disk_usage(folder).free
    text = f"{free // 1_048_576} MB are free for {folder}"
    if free < DISK_LOW_BYTES:
        yield Level.ERROR, text, "make room: an alert that cannot be written down cannot be sent"
    else:
        yield Level.GOOD, text, ""


def _sqlite(_: Patient) -> Iterator[Report]:
    yield Level.GOOD, f"SQLite {sqlite3.sqlite_version}", ""


def _feed(patient: Patient) -> Iterator[Report]:
    frame = patient.settings.monitor.timeframe
    for text in dict.fromkeys(i.symbol for i in patient.settings.instruments):
        try:
            instrument = patient.feed.instrument(text)
            now = patient.feed.now()
            rows = patient.feed.rows(instrument, frame, frame.open_at(now) - 3 * frame.ms, 4)
        except FeedError as error:
            yield Level.ERROR, f"{text}: {error.message}", error.remedy or "check the network, then [market]"
            continue
        if not rows:
            yield (
                Level.ERROR,
                f"{text}: {patient.feed.name} has no {frame} candles of the last minutes",
                "check [market]",
            )
        else:
            yield (
                Level.GOOD,
                f"{text} from {patient.feed.name}: newest {frame} candle opened {iso(int(rows[-1][0]))}",
                "",
            )


def _clock(patient: Patient) -> Iterator[Report]:
    # The feed has been asked just before: by now its clock is known, where it has one.
    skew = patient.feed.now() - patient.clock.now()
    if abs(skew) > CLOCK_SKEW_MS:
        yield (
            Level.WARNING,
            f"this clock differs from the source's by {skew / 1000:+.1f} s",
            "switch on time synchronisation: timedatectl set-ntp true",
        )
    else:
        yield Level.GOOD, f"{skew / 1000:+.1f} s from the source's clock", ""


def _brain(patient: Patient) -> Iterator[Report]:
    try:
        analyst_of(patient.settings)
    except HybriddError as error:
        yield Level.ERROR, error.message, error.remedy
        return
    own = patient.settings.analysis.brain == "hybridd" and not patient.settings.analysis.command
    yield Level.GOOD, "hybridd's own layers" if own else "an external brain", ""


def _channels(patient: Patient) -> Iterator[Report]:
    for channel in patient.channels:
        outcome = channel.check()
        if outcome.failure is None:
            yield Level.GOOD, f"{channel.name} reaches {', '.join(channel.recipients)}", ""
        else:
            yield Level.ERROR, f"{channel.name}: {outcome.detail}", f"correct [{channel.name}] in the settings"
    if all(channel.name == "journal" for channel in patient.channels):
        yield Level.WARNING, "alerts go to the journal only: nobody is woken", "set up [email] in the settings"


CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("D02", "brain", _brain),
    ("D03", "state", _state),
    ("D04", "disk", _disk),
    ("D05", "database library", _sqlite),
    ("D06", "feed", _feed),
    ("D07", "clock", _clock),
    ("D08", "channels", _channels),
    ("D09", "permissions", lambda patient: permissions(patient.machine)),
    ("D10", "clock's keeper", lambda patient: clock_kept(patient.machine)),
    ("D11", "units", lambda patient: units(patient.machine)),
    ("D12", "credentials", lambda patient: credentials(patient.machine)),
)
