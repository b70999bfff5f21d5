"""Settings that the web may change: kept in the state, laid over those of the files, taken as at a reload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybridd.config.keys import by_name, dotted
from hybridd.config.load import Loaded, examine, laid_over, load
from hybridd.config.problems import Level, Problem, errors
from hybridd.config.rules import RULES
from hybridd.config.schema import Settings
from hybridd.config.show import plain
from hybridd.config.sources import Written, merge, value_at, value_of
from hybridd.config.validate import validate
from hybridd.store.bot_state import peek
from hybridd.store.store import Store

SAFE = (
    "monitor.symbols",
    "analysis.long_threshold",
    "analysis.short_threshold",
    "analysis.hysteresis",
    "analysis.confirm",
    "alerts.score_jump",
    "alerts.score_drift",
    "alerts.confidence_high",
    "alerts.cooldown",
    "alerts.quiet_hours",
    "decisions.min_confidence",
)
"""What moves no money, names no address and opens nothing: of these a mistake costs an alert at most."""
WANTED_KEY, IN_FORCE_KEY = "settings_wanted", "settings"
_ALONE = ("monitor", "analysis", "alerts", "decisions")
"""The sections of SAFE. They hold no secret, and can be judged without the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody set in the web: keys in dots with values as a file would have them. `version` rises by one."""

    version: int = 0
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What the watch goes by, secrets masked: `values` by section. `version`: up to which wish it has looked.

    `refused`: why a wish of that version is not in force, nothing where it is.
    """

    version: int
    values: Mapping[str, Any]
    refused: tuple[str, ...]
    at: int


def wanted_of(store: Store) -> Wanted:
    """What is wanted, as the state has it."""
    return _wanted(store.bot_state.get(WANTED_KEY))


def in_force(store: Store) -> InForce | None:
    """What the watch goes by; None where it has not said so yet."""
    kept = store.bot_state.get(IN_FORCE_KEY)
    if not isinstance(kept, Mapping):
        return None
    return InForce(version=kept["version"], values=kept["values"], refused=tuple(kept["refused"]), at=kept["at"])


def looked_at(path: Path | None, environ: Mapping[str, str], *, need_secrets: bool = True) -> Loaded:
    """The settings with what the web has changed; changes that cannot be, next to these files, are left out and told.

    Arguments as for `examine`.
    """
    found = examine(path, environ, need_secrets=need_secrets)
    if found.settings is None:
        return found
    wanted = _wanted(peek(found.settings.database.url.get_secret_value(), WANTED_KEY))
    if not wanted.values:
        return found
    changed = examine(path, environ, need_secrets=need_secrets, over=wanted.values)
    if changed.settings is not None:
        return changed
    told = [replace(problem, level=Level.WARNING) for problem in errors(changed.problems)]
    return replace(found, problems=[*found.problems, *told])


def read(path: Path | None, environ: Mapping[str, str], *, need_secrets: bool = True) -> Settings:
    """The settings in force; ConfigError with all problems, arguments as for `load`."""
    found = looked_at(path, environ, need_secrets=need_secrets).settings
    return found if found is not None else load(path, environ, need_secrets=need_secrets)


def typed(name: str, text: str) -> object:
    """What a person typed for a key: of a list the parts between commas."""
    key = by_name()[name]
    if isinstance(key.default, list):
        return [part for piece in text.replace("\n", ",").split(",") if (part := piece.strip())]
    return value_of(key, text.strip())


def judge(values: Mapping[str, Any], wanted: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Wishes in the form that a file would have, and by key what is wrong with them, next to the `values` in force."""
    market = {"market": {"market_type": value_at(values, ("market", "market_type"), "spot")}}
    base = Written({name: values[name] for name in _ALONE if name in values} | market)
    found = validate(merge(base, laid_over(wanted)))
    wrong = {_key(problem.key): problem for problem in found.problems}
    for rule in RULES:
        if not rule.reads & found.bad:
            for finding in rule.findings(found.settings):
                name = _key(dotted(finding.path))
                if finding.level is Level.ERROR:
                    wrong.setdefault(name, Problem(id="", key=name, source="", message=finding.message))
    shown = plain(found.settings)
    form = {name: value_at(shown, tuple(name.split("."))) for name in wanted}
    return form, {name: _words(problem) for name, problem in wrong.items() if name in SAFE}


def want(store: Store, changes: Mapping[str, object], actor: str, now: int) -> Wanted:
    """Write down wishes that were judged; None lets what the files say count again. The watch takes them soon."""
    with store.transaction():
        before = wanted_of(store)
        values = {k: v for k, v in {**before.values, **changes}.items() if v is not None and k in SAFE}
        after = Wanted(version=before.version + 1, values=values)
        store.bot_state.set(WANTED_KEY, {"version": after.version, "values": values})
        for name, value in changes.items():
            store.audit.append(actor, "settings.change", name, {"from": before.values.get(name), "to": value}, now)
        store.events.append("settings", "hybridd", {"keys": sorted(changes), "by": actor}, now)
    return after


def tell(store: Store, settings: Settings, now: int, refused: Sequence[str] = ()) -> int:
    """The watch says what it goes by; gives the version of the wishes that it has looked at."""
    wanted, values = wanted_of(store), plain(settings)
    others = [
        f"{name}: what the files say counts, since it cannot be next to them"
        for name, value in wanted.values.items()
        if value_at(values, tuple(name.split("."))) != value
    ]
    facts = {"version": wanted.version, "values": values, "refused": [*refused, *others], "at": now}
    with store.transaction():
        store.bot_state.set(IN_FORCE_KEY, facts)
        if wanted.version:
            store.events.append("settings", "hybridd", {"version": wanted.version, "refused": facts["refused"]}, now)
    return wanted.version


def _wanted(kept: object) -> Wanted:
    if not isinstance(kept, Mapping):
        return Wanted()
    # Whatever else stands there: only these may come from the web.
    return Wanted(version=kept["version"], values={k: v for k, v in kept["values"].items() if k in SAFE})


def _key(path: str) -> str:
    return path.partition("[")[0]


def _words(problem: Problem) -> str:
    return problem.message + (f" → {problem.remedy}" if problem.remedy else "")
