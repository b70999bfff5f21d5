"""How the second watcher tells: when a trouble begins, every six hours while it lasts, and when it is over."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hybridd.delivery import check_words
from hybridd.delivery.channel import Channel
from hybridd.model.change import Severity
from hybridd.model.delivery import Failure, Message
from hybridd.pipeline.second_watch import MANY_STARTS, STARTS_WITHIN_MS, UNIT_FAILED, Finding, Judgement
from hybridd.pipeline.watch_memory import Episode, Memory, Notice, UnitTold
from hybridd.pipeline.watch_scene import Scene

log = logging.getLogger("hybridd.check")

REPEAT_MS = 6 * 3_600_000
OVER_LIVES_MS = 24 * 3_600_000
FLUTTER_MS = 900_000
"""What begins again so soon after its end must then be quiet for as long before its end is believed."""
UNIT_PAUSE_MS = 600_000
_GIVES_UP = frozenset({Failure.ADDRESS, Failure.MESSAGE})
_LONGEST_WAIT_MS = 1_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom the words are made: their time zone, which machine speaks, and which channels nothing has proven."""

    zone: str
    host: str
    unproven: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One attempt to tell: `trouble` is "" when the provider took it."""

    channel: str
    recipient: str
    title: str
    trouble: str


def count_starts(memory: Memory, scene: Scene) -> Scene:
    """Note the daemon's present start; the scene then knows how many there were of late."""
    if started := scene.service.get("started_at"):
        memory.starts.setdefault(str(started), scene.now)
    memory.starts = {
        start: seen
        for start, seen in list(memory.starts.items())[-2 * MANY_STARTS :]
        if 0 <= scene.now - seen < STARTS_WITHIN_MS
    }
    return replace(scene, starts=len(memory.starts))


def follow(memory: Memory, judgement: Judgement, now: int, reader: Reader, *, forgetful: bool) -> None:
    """Compare what was found with what is remembered, and note down what is to be told.

    `forgetful`: the memory cannot be kept. Every run then tells, with a key that is the same for six hours, so that
    mail programs fold the copies into one.
    """
    current = {finding.key: finding for finding in judgement.findings}
    for key, finding in current.items():
        if not finding.known or key in memory.episodes:
            _goes_on(memory, finding, now, reader, forgetful=forgetful)
    for key, episode in list(memory.episodes.items()):
        if key not in current and episode.id not in judgement.unknown:
            _is_gone(memory, key, episode, now, reader)
    memory.ended = {key: at for key, at in memory.ended.items() if 0 <= now - at < FLUTTER_MS}


def _goes_on(memory: Memory, finding: Finding, now: int, reader: Reader, *, forgetful: bool) -> None:
    known = memory.episodes.get(finding.key)
    if known is None or finding.severity.rank > Severity(known.severity).rank:
        fluttering = finding.key in memory.ended or (known is not None and known.quiet_ms > 0)
        known = Episode(
            id=finding.id,
            subject=finding.subject,
            severity=finding.severity.value,
            detail=finding.detail,
            remedy=finding.remedy,
            since=now // REPEAT_MS * REPEAT_MS if forgetful else now,
            quiet_ms=FLUTTER_MS if fluttering else 0,
        )
    episode = replace(known, detail=finding.detail, remedy=finding.remedy, gone_since=-1)
    rounds = 1 if forgetful else (now - episode.since) // REPEAT_MS + 1
    if rounds > episode.told and (not finding.known or not episode.told):
        lasting = now - episode.since if episode.told else 0
        title, text = check_words.began(
            episode.id, episode.subject, episode.detail, episode.remedy, host=reader.host, lasting_ms=lasting,
            unproven=reader.unproven,
        )  # fmt: skip
        _note(memory, episode, f"round {rounds}", (title, text), now, REPEAT_MS)
        episode = replace(episode, told=rounds)
    memory.episodes[finding.key] = episode


def _is_gone(memory: Memory, key: str, episode: Episode, now: int, reader: Reader) -> None:
    gone_since = now if episode.gone_since < 0 else episode.gone_since
    if now - gone_since < episode.quiet_ms:
        memory.episodes[key] = replace(episode, gone_since=gone_since)
        return
    words = check_words.over(
        episode.id, episode.subject, episode.detail, host=reader.host, since=episode.since, until=gone_since,
        zone=reader.zone,
    )  # fmt: skip
    _note(memory, replace(episode, severity=Severity.INFO.value), "over", words, now, OVER_LIVES_MS)
    del memory.episodes[key]
    memory.ended[key] = now


def _note(memory: Memory, episode: Episode, what: str, words: tuple[str, str], now: int, lives_ms: int) -> None:
    trouble = f"{episode.id}:{episode.subject}"
    # What was not told by now is part of what is told next: nobody needs yesterday's mail as well.
    memory.notices = [notice for notice in memory.notices if notice.trouble != trouble]
    memory.notices.append(
        Notice(
            key=f"check:{trouble}:{episode.since}:{what}",
            id=episode.id,
            trouble=trouble,
            title=words[0],
            text=words[1],
            severity=episode.severity,
            created_at=now,
            expires_at=now + lives_ms,
        )
    )


def note_failed_unit(memory: Memory, unit: str, facts: dict[str, str], now: int, reader: Reader) -> bool:
    """A unit died: note it down to be told. False where that was told less than ten minutes ago: it is only counted.

    Another way to die is other news: who read that it hung and was started again must hear that it gave up.
    """
    last, way = memory.units.get(unit), " ".join(facts.get(name, "") for name in ("result", "status"))
    recent = last is not None and 0 <= now - last.at < UNIT_PAUSE_MS
    if last is not None and recent and way in last.ways:
        memory.units[unit] = replace(last, more=last.more + 1)
        return False
    title, text = check_words.unit_failed(unit, facts, host=reader.host, at=now, more=last.more if last else 0)
    episode = Episode(
        id=UNIT_FAILED, subject=unit, severity=Severity.CRITICAL.value, detail="", remedy="", since=now
    )  # fmt: skip
    _note(memory, episode, "failed", (title, text), now, REPEAT_MS)
    told = last if last is not None and recent else UnitTold(at=now)
    memory.units[unit] = UnitTold(at=told.at, ways=(*told.ways, way))
    return True


def has_due(memory: Memory, now: int) -> bool:
    """Whether somebody is to be told something now; drops what is no longer worth it."""
    memory.notices = [notice for notice in memory.notices if now < notice.expires_at]
    return any(notice.next_at <= now for notice in memory.notices)


def tell(memory: Memory, channels: Sequence[Channel], now: int) -> list[Sent]:
    """Send what is due, the most serious first. A channel that fails is left alone until the next run."""
    sent: list[Sent] = []
    failing: set[str] = set()
    left = []
    for notice in sorted(memory.notices, key=lambda n: -Severity(n.severity).rank):
        if notice.next_at <= now:
            notice = _tell_one(notice, channels, failing, sent, now)  # noqa: PLW2901 - the notice, one attempt later
        if set(_everybody(channels)) - set(notice.done):
            left.append(notice)
    memory.notices = left
    return sent


def _everybody(channels: Sequence[Channel]) -> Mapping[str, tuple[Channel, str]]:
    return {f"{channel.name} {to}": (channel, to) for channel in channels for to in channel.recipients}


def _tell_one(notice: Notice, channels: Sequence[Channel], failing: set[str], sent: list[Sent], now: int) -> Notice:
    done = list(notice.done)
    for name, (channel, recipient) in _everybody(channels).items():
        if name in done or channel.name in failing:
            continue
        outcome = channel.send(_message(notice, recipient))
        trouble = outcome.detail or str(outcome.failure) if outcome.failure else ""
        sent.append(Sent(channel=channel.name, recipient=recipient, title=notice.title, trouble=trouble))
        if outcome.failure is None or outcome.failure in _GIVES_UP:
            done.append(name)
        else:
            failing.add(channel.name)
        if outcome.failure is not None:
            log.error("not told to %s by %s: %s", recipient, channel.name, trouble)
    attempts = notice.attempts + 1
    wait = min(60_000 * 2 ** min(attempts - 1, 10), _LONGEST_WAIT_MS)
    # A little less than a minute, so that the next run of a timer that runs every minute is in time.
    return replace(notice, done=tuple(done), attempts=attempts, next_at=now + wait - 10_000)


def _message(notice: Notice, recipient: str) -> Message:
    return Message(
        key=f"{notice.key}:{recipient}",
        recipient=recipient,
        title=notice.title,
        text=notice.text,
        html="",
        created_at=notice.created_at,
        expires_at=notice.expires_at,
        severity=notice.severity,
        fields={
            "CHECK_ID": notice.id,
            "SUBJECT": notice.trouble.partition(":")[2],
            "SEVERITY": notice.severity,
            "ALERT_KEY": hashlib.sha256(notice.key.encode()).hexdigest()[:16],
        },
        thread=notice.trouble,
    )
