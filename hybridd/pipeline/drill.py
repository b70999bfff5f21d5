"""The drill: once a week, at a waking hour, a test of the channels that nothing real has proven."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hybridd.clock import as_datetime, as_ms
from hybridd.config.schema import Settings
from hybridd.config.values import is_within, parse_drill
from hybridd.errors import UsageError
from hybridd.model.change import Reason
from hybridd.pipeline.proof import DRILL_KEY, WITHOUT_A_PERSON
from hybridd.pipeline.trial import LIVES_MS, post_test
from hybridd.store.store import Store

WEEK_MS = 7 * 86_400_000
HOURS = 2
"""A drill begins within so many hours of its time; one that was missed waits for the same hours of another day."""
WORDS = "the weekly drill: it shows that alerts can reach you by {channels}"


def drill_when_due(store: Store, settings: Settings, channels: Mapping[str, Sequence[str]], now: int) -> bool:
    """Post the drill if its time has come; whether there is something to send now."""
    when = parse_drill(settings.health.drill)
    if when is None or not _is_hour(when[1], settings, now):
        return False
    kept = store.bot_state.get(DRILL_KEY) or {}
    if "at" not in kept:
        # A fresh house has its first drill at the next time, and not whenever it happens to be started.
        store.bot_state.set(DRILL_KEY, {"at": now})
        return False
    if kept["at"] >= _last_time(when, settings.alerts.timezone, now):
        return False
    wanted = [name for name in channels if name not in WITHOUT_A_PERSON and not _really_told(store, name, now)]
    if not wanted:
        store.bot_state.set(DRILL_KEY, {**kept, "at": now})
        return False
    post_drill(store, channels, wanted, now)
    return True


def post_drill(
    store: Store,
    channels: Mapping[str, Sequence[str]],
    names: Sequence[str],
    now: int,
    *,
    lives_ms: int = LIVES_MS,
) -> int:
    """Put a drill for the named channels, or for all that reach a person, into the outbox; gives its alert's id."""
    wanted = list(names) or [name for name in channels if name not in WITHOUT_A_PERSON]
    if not wanted:
        raise UsageError("no channel that reaches a person is set up", remedy="set up [email], for example")
    with store.transaction():
        detail = WORDS.format(channels=", ".join(wanted))
        alert_id = post_test(store, channels, wanted, now, reason=Reason.DRILL, detail=detail, lives_ms=lives_ms)
        store.bot_state.set(DRILL_KEY, {"at": now, "alert": alert_id})
    return alert_id


def _really_told(store: Store, channel: str, now: int) -> bool:
    told = store.outbox.last_told(channel, besides=(Reason.DRILL, Reason.TEST))
    return told is not None and now - told < WEEK_MS


def _is_hour(minute: int, settings: Settings, now: int) -> bool:
    local = _local(settings.alerts.timezone, now)
    since = (local.hour * 60 + local.minute - minute) % 1440
    return since < HOURS * 60 and not is_within(f"{local.hour:02d}:{local.minute:02d}", settings.alerts.quiet_hours)


def _last_time(when: tuple[int, int], zone: str, now: int) -> int:
    """The last time that a drill was due, ms UTC."""
    weekday, minute = when
    local = _local(zone, now)
    due = (local - timedelta(days=(local.weekday() - weekday) % 7)).replace(
        hour=minute // 60, minute=minute % 60, second=0, microsecond=0, fold=0
    )
    return as_ms(due if due <= local else due - timedelta(days=7))


def _local(zone: str, now: int) -> datetime:
    from zoneinfo import ZoneInfo

    return as_datetime(now) if zone == "UTC" else as_datetime(now).astimezone(ZoneInfo(zone))
