"""`hybridd alerts why`: the story of one alert, told by its own rows: what was found, held back, tried and answered."""

from typing import Any

from hybridd.cli.alerts_json import AlertId, alert_json, alert_of, delivery_json
from hybridd.cli.shared import AsJson, ConfigPath, print_json, say, settings_of, state_of, table, when
from hybridd.model.change import Verdict
from hybridd.store.attempts import Attempt
from hybridd.store.audit import AuditEntry
from hybridd.store.history import Fate, Story

_TRIED = frozenset({"leased", "retry_wait", "unknown", "accepted", "delivered", "failed_permanent"})


def why(alert_id: AlertId, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Why somebody was or was not told: what was found, the verdict on it, the fate of each delivery, who answered."""
    with state_of(settings_of(config)) as store:
        alert = alert_of(store, alert_id)
        story, around = store.history.story(alert), store.history.around(alert)
    if as_json:
        print_json({**story_json(story), "around": [change_json(verdict) for verdict in around]})
        return
    _changes(f"alert {alert.id} of {alert.subject}, made {when(alert.created_at)}, {alert.state}", story.changes)
    if around:
        say("")
        _changes("found in the hour before it, and not part of it", around)
    for fate in story.fates:
        say("")
        _fate(fate, alert.created_at)
    if story.deeds:
        say("")
        rows = [[when(deed.at), deed.actor, deed.action, _facts(deed)] for deed in story.deeds]
        table("what was done with it", ["at", "by", "what", "and"], rows)


def story_json(story: Story) -> dict[str, Any]:
    """An alert with all that led to it and all that became of it, as plain values."""
    deliveries = [fate.delivery for fate in story.fates]
    return {
        "alert": alert_json(story.alert, deliveries),
        "told_at": story.told_at,
        "changes": [change_json(verdict) for verdict in story.changes],
        "deliveries": [_fate_json(fate) for fate in story.fates],
        "deeds": [_deed_json(deed) for deed in story.deeds],
    }


def change_json(verdict: Verdict) -> dict[str, Any]:
    """A change, its verdict in plain values; `suppressed` is null where it was told, `because` what held it back."""
    change = verdict.change
    return {
        "reason": change.reason.value,
        "before": change.before,
        "after": change.after,
        "at": change.at,
        "detail": change.detail,
        "held_since": change.deferred_from,
        "suppressed": verdict.suppressed.value if verdict.suppressed else None,
        "because": verdict.because,
        "judged_at": verdict.judged_at or None,
    }


def _fate_json(fate: Fate) -> dict[str, Any]:
    return {
        **delivery_json(fate.delivery),
        "told_at": fate.told_at,
        "tries": [_attempt_json(attempt) for attempt in fate.attempts],
        "deeds": [_deed_json(deed) for deed in fate.deeds],
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "detail": attempt.detail,
        "provider_id": attempt.provider_id,
    }


def _deed_json(deed: AuditEntry) -> dict[str, Any]:
    return {"at": deed.at, "by": deed.actor, "what": deed.action, "data": dict(deed.data)}


def _changes(title: str, verdicts: tuple[Verdict, ...] | list[Verdict]) -> None:
    rows = [
        [
            when(v.change.at),
            v.change.reason,
            _value(v.change.before),
            _value(v.change.after),
            v.suppressed or "told",
            v.because,
            when(v.judged_at) if v.judged_at else "",
        ]
        for v in verdicts
    ]
    names = ["at", "reason", "before", "after", "verdict", "because of", "judged at"]
    table(title, names, rows) if rows else say(title)


def _fate(fate: Fate, made_at: int) -> None:
    d = fate.delivery
    say(f"{d.channel} to {d.recipient}, step {d.step}: {d.state}{_told(fate, made_at)}", style="bold")
    rows = [
        [
            f"attempt {a.number}",
            when(a.started_at),
            f"{(a.ended_at - a.started_at) / 1000:.3f} s" if a.ended_at is not None else "not ended",
            a.outcome or "–",
            a.detail,
            a.provider_id,
        ]
        for a in fate.attempts
    ]
    # What is no attempt: cancelled, expired, a receipt that came later.
    last = max((a.ended_at or a.started_at for a in fate.attempts), default=0)
    rows += [
        ["", when(deed.at), "", deed.data.get("state", deed.action), deed.data.get("detail", ""), ""]
        for deed in fate.deeds
        if deed.data.get("state") not in _TRIED or deed.at > last
    ]
    if not rows:
        rows = [["", when(d.next_at), "", d.state, d.reason or "its turn has not come", ""]]
    table("", ["", "at", " took", "led to", "what the provider said", "its number"], rows)


def _told(fate: Fate, made_at: int) -> str:
    if fate.told_at is None:
        return ""
    return f" {(fate.told_at - made_at) / 1000:.1f} s after the alert was made"


def _facts(deed: AuditEntry) -> str:
    return ", ".join(f"{name} {value}" for name, value in deed.data.items() if not isinstance(value, list | dict))


def _value(value: str | float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
