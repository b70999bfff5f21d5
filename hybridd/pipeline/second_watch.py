"""The second watcher: what must hold of a healthy hybridd, as a table of invariants with stable ids."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hybridd.clock import iso
from hybridd.model.analysis import is_recorded
from hybridd.model.change import Severity
from hybridd.pipeline.watch_scene import PATIENCE_MS, Scene
from hybridd.store.database import path_of
from hybridd.store.glance import Overdue

SILENT_AFTER_MS = 60_000
"""Six ticks of the daemon; `hybridd status` calls it silent after the same time."""
STOPPED_AFTER_MS = 600_000
"""A stop in order shorter than this is an upgrade or a restart, and nobody's business."""
FUTURE_MS = 120_000
START_GRACE_MS = 120_000
"""After a start the analyses of before are old; what is younger than this may still catch up."""
SLACK_MS = 60_000
MANY_STARTS, STARTS_WITHIN_MS = 5, 900_000
DISK_LOW_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An invariant that does not hold. `known`: why nobody is told of it here, "" where somebody is."""

    id: str
    subject: str
    severity: Severity
    detail: str
    remedy: str
    known: str = ""

    @property
    def key(self) -> str:
        """What makes two findings the same trouble."""
        return f"{self.id}:{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found; `unknown` are the invariants that could not be judged, with the id of the one they wait for.

    `unproven`: the daemon's channels that nothing has proven of late, with the reason: told beside findings, not one.
    """

    findings: tuple[Finding, ...]
    unknown: Mapping[str, str]
    unproven: Mapping[str, str] = field(default_factory=dict)


Report = tuple[str, Severity, str, str]
"""Subject, severity, detail, remedy."""
Look = Callable[[Scene], Iterator[Report]]
_C, _W = Severity.CRITICAL, Severity.WARNING
_CHECK_SETTINGS = "run `hybridd config check`"
_JOURNAL = "`journalctl -u hybridd` has the reason; `systemctl restart hybridd` starts it anew"


def judge(scene: Scene) -> Judgement:
    """Every invariant of the table. One that rests on another that does not hold is not judged: it would only echo."""
    findings: list[Finding] = []
    unknown: dict[str, str] = {}
    for check in INVARIANTS:
        broken = {finding.id for finding in findings} | set(unknown)
        blocked = next((root for root in check.rests_on if root in broken), None)
        if blocked:
            unknown[check.id] = blocked
            continue
        for subject, severity, detail, remedy in check.look(scene):
            finding = Finding(id=check.id, subject=subject, severity=severity, detail=detail, remedy=remedy)
            findings.append(replace(finding, known=_known(scene, check, subject)))
    return Judgement(findings=tuple(findings), unknown=unknown, unproven=scene.service.get("unproven", {}))


def blind(settings_trouble: str) -> Judgement:
    """What can be said when the settings do not even tell where the state is."""
    finding = Finding(id="C12", subject="hybridd", severity=_C, detail=settings_trouble, remedy=_CHECK_SETTINGS)
    return Judgement(findings=(finding,), unknown={check.id: "C12" for check in INVARIANTS if check.id != "C12"})


def _known(scene: Scene, check: "Invariant", subject: str) -> str:
    """The daemon's own alert of the same thing, where it has reached somebody: one trouble, one voice."""
    told = scene.glance.told if scene.glance else {}
    alerts = (n for (reason, name), n in told.items() if reason in check.told_as and name in {subject, "hybridd"})
    number = next(alerts, None)
    return f"alert {number} has told of it" if number else ""


def _settings(scene: Scene) -> Iterator[Report]:
    if scene.settings_trouble:
        yield (
            "hybridd",
            _W,
            f"{scene.settings_trouble}; a running daemon goes on, but would not start again",
            _CHECK_SETTINGS,
        )


def _state(scene: Scene) -> Iterator[Report]:
    if scene.store_trouble is not None:
        yield "state", _C, scene.store_trouble.message, scene.store_trouble.remedy
    elif scene.damage:
        yield (
            "state",
            _C,
            f"the state {path_of(scene.url)} is damaged: {scene.damage}",
            "restore a backup: hybridd restore FILE",
        )


def _heartbeat(scene: Scene) -> Iterator[Report]:
    if not scene.service:
        yield "hybridd", _W, "hybridd has never run on this state", "start it: systemctl start hybridd"
        return
    last = int(scene.service.get("heartbeat_at", 0))
    age, seen = scene.now - last, f"its last sign of life is of {iso(last // 1000 * 1000)}"
    if age < -FUTURE_MS:
        yield "hybridd", _W, f"{seen}, which is in the future", "set this machine's clock: timedatectl set-ntp true"
    elif scene.service.get("state") == "stopped":
        if age > STOPPED_AFTER_MS:
            yield (
                "hybridd",
                _W,
                f"hybridd was stopped at {iso(last // 1000 * 1000)} and not started again: nobody watches",
                "systemctl start hybridd; or, if nobody is to watch, systemctl disable --now hybridd-check.timer",
            )
    elif age > SILENT_AFTER_MS:
        yield "hybridd", _C, f"hybridd is dead or hangs: {seen}, {age // 1000} s ago", _JOURNAL


def _analyses(scene: Scene) -> Iterator[Report]:
    step = int(scene.service.get("step_ms", 0))
    if scene.glance is None or not scene.own_time or is_recorded(scene.service.get("source", "")):
        return
    patience = 2 * step + scene.settle_ms + SLACK_MS
    starting = scene.now - int(scene.service.get("started_at", 0)) < START_GRACE_MS
    for symbol, last in scene.glance.last_close.items():
        since = last if last >= 0 else int(scene.service.get("started_at", 0))
        if scene.now - since > patience and not starting:
            seen = f"the newest is of the candle that closed at {iso(last)}" if last >= 0 else "there is none"
            yield symbol, _C, f"no fresh analysis of {symbol}: {seen}", "`hybridd doctor` says which part fails"


def _outbox(scene: Scene) -> Iterator[Report]:
    for row in scene.glance.overdue if scene.glance and scene.own_time else ():
        yield row.channel, _C, _overdue(row, scene), f"`hybridd alerts test {row.channel}` tries the way; then {_LOOK}"


_LOOK = "look at `journalctl -u hybridd`"


def _overdue(row: Overdue, scene: Scene) -> str:
    many = "one alert waits" if row.count == 1 else f"{row.count} alerts wait"
    strange = "" if row.channel in scene.service.get("channels", {}) else ", a channel that is not set up any more"
    return f"{many} to be sent by {row.channel}{strange} since {iso(row.since // 1000 * 1000)}"


def _leases(scene: Scene) -> Iterator[Report]:
    ids = scene.glance.old_leases if scene.glance and scene.own_time else ()
    if ids:
        text = f"sending has not ended for over {PATIENCE_MS // 60_000} minutes: {_some('delivery', ids)}"
        yield "outbox", _C, text, "systemctl restart hybridd: it then finds out whether they were sent"


def _ends(scene: Scene) -> Iterator[Report]:
    if scene.glance is None or not scene.own_time:
        return
    if scene.glance.endless:
        yield "alerts", _W, f"still firing after the end: {_some('alert', scene.glance.endless)}", _JOURNAL
    if scene.glance.unaddressed:
        text = f"going to nobody: {_some('alert', scene.glance.unaddressed)}"
        yield "routes", _C, text, "check [[alerts.route]] in the settings, then `hybridd alerts why ID`"


def _some(noun: str, ids: tuple[int, ...]) -> str:
    return f"{noun} {', '.join(map(str, ids[:5]))}" + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def _accounts(scene: Scene) -> Iterator[Report]:
    if scene.glance and scene.glance.missing:
        text = f"{scene.glance.missing} changes were neither told, nor suppressed, nor are they on their way"
        yield "hybridd", _C, text, "look at `hybridd alerts list`, and report it: this is a defect of hybridd"


def _starts(scene: Scene) -> Iterator[Report]:
    if scene.starts >= MANY_STARTS:
        text = f"hybridd starts again and again: {scene.starts} times in {STARTS_WITHIN_MS // 60_000} minutes"
        yield "hybridd", _C, text, _LOOK


def _disk(scene: Scene) -> Iterator[Report]:
    if scene.free_bytes is not None and scene.free_bytes < DISK_LOW_BYTES:
        folder = str((path_of(scene.url) or Path("/")).absolute().parent)
        yield folder, _C, f"{scene.free_bytes // 1_048_576} MB are free for {folder}", "make room on that disk"


def _clock(scene: Scene) -> Iterator[Report]:
    if scene.synchronised is False:
        yield "clock", _W, "nobody keeps this machine's clock right", "timedatectl set-ntp true, or install chrony"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """`rests_on`: ids of those that must hold for this one to mean anything; `told_as`: the reasons under which the
    daemon itself tells of the same thing."""

    id: str
    title: str
    look: Look
    rests_on: tuple[str, ...] = ()
    told_as: frozenset[str] = frozenset()


_ALIVE = ("C09", "C01")
_FEED = frozenset({"FEED_STALE", "BRAIN_FAILED", "SYMBOL_UNKNOWN"})
# Roots first: what rests on another is judged after it.
INVARIANTS: tuple[Invariant, ...] = (
    Invariant(id="C12", title="the settings can be used", look=_settings),
    Invariant(id="C09", title="the state opens and is sound", look=_state),
    Invariant(id="C01", title="the daemon is alive", look=_heartbeat, rests_on=("C09",)),
    Invariant(id="C10", title="the daemon stays up", look=_starts, rests_on=("C09",)),
    Invariant(id="C02", title="analyses are fresh", look=_analyses, rests_on=_ALIVE, told_as=_FEED),
    Invariant(id="C03", title="the outbox moves", look=_outbox, rests_on=_ALIVE, told_as=frozenset({"CHANNEL_DOWN"})),
    Invariant(id="C04", title="sending ends", look=_leases, rests_on=_ALIVE),
    Invariant(id="C05", title="every alert has a next step or an end", look=_ends, rests_on=_ALIVE),
    Invariant(
        id="C06",
        title="every change is accounted for",
        look=_accounts,
        rests_on=("C09",),
        told_as=frozenset({"ALERTS_UNACCOUNTED"}),
    ),
    Invariant(id="C07", title="there is room on the disk", look=_disk, told_as=frozenset({"DISK_LOW"})),
    Invariant(id="C08", title="the clock is kept right", look=_clock),
)
UNIT_FAILED = "C11"
"""A unit died: not looked for, but told by systemd through `hybridd check --failed UNIT`."""
