"""Loading: from files and environment to `Settings`, or all problems at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from hybridd.config.keys import dotted
from hybridd.config.problems import Kind, Level, Problem, errors
from hybridd.config.reserved import promises
from hybridd.config.rules import RULES, Finding
from hybridd.config.rules_channels import CHANNEL_RULES
from hybridd.config.rules_web import WEB_RULES
from hybridd.config.schema import Settings
from hybridd.config.secrets import Vault, resolve
from hybridd.config.sources import (
    DEFAULT_PATHS,
    Origin,
    Written,
    default_path,
    drop_ins,
    merge,
    nested,
    read_environ,
    read_file,
    value_at,
)
from hybridd.config.validate import validate
from hybridd.errors import ConfigError

OVER = "the dashboard"
"""The source of what somebody set in the web: kept in the state, since the web must not write to /etc."""
NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The outcome of a look at the settings: `settings` is None where an error forbids their use."""

    settings: Settings | None
    problems: list[Problem]
    written: Written = field(default_factory=Written)
    sources: tuple[str, ...] = ()


def load(
    path: Path | None, environ: Mapping[str, str], credentials_dir: Path | None = None, *, need_secrets: bool = True,
    over: Mapping[str, object] = NOTHING,
) -> Settings:  # fmt: skip
    """The settings of `path` (None: the usual places), its drop-ins and the environment; ConfigError with all problems.

    `credentials_dir` is systemd's folder of credentials, by default what $CREDENTIALS_DIRECTORY names. Commands that
    send nothing say `need_secrets=False`: a secret that cannot be had is then "" instead of an error. `over`: keys in
    dots with values that win over all others.
    """
    loaded = examine(path, environ, credentials_dir, need_secrets=need_secrets, over=over)
    if loaded.settings is not None:
        return loaded.settings
    lines = [str(problem) for problem in errors(loaded.problems)]
    count = "one problem" if len(lines) == 1 else f"{len(lines)} problems"
    remedy = "correct each, then run `hybridd config check`"
    raise ConfigError(f"the settings hold {count}", remedy=remedy, lines=lines)


def examine(
    path: Path | None, environ: Mapping[str, str], credentials_dir: Path | None = None, *, need_secrets: bool = True,
    over: Mapping[str, object] = NOTHING,
) -> Loaded:  # fmt: skip
    """Everything there is to say about the settings; arguments as for `load`."""
    written, sources, problems = _gather(path, environ)
    if over:
        written, sources = merge(written, laid_over(over)), (*sources, OVER)
    if errors([problem for problem in problems if problem.id != Kind.UNKNOWN_VARIABLE]):
        # What a file that cannot be read would have said is unknown: judging the rest would mislead.
        return Loaded(settings=None, problems=problems, sources=sources)
    folder = credentials_dir or (Path(name) if (name := environ.get("CREDENTIALS_DIRECTORY")) else None)
    written, found = resolve(written, Vault(environ=environ, credentials=folder), needed=need_secrets)
    validated = validate(written)
    # A secret that is missing has its problem; that its key is empty is no second one.
    unresolved = {problem.key for problem in found if problem.id == Kind.UNRESOLVED}
    invalid = [problem for problem in validated.problems if problem.key not in unresolved]
    bad = validated.bad | unresolved
    rules = (rule.findings(validated.settings) for rule in (*RULES, *CHANNEL_RULES, *WEB_RULES) if not rule.reads & bad)
    further = _placed(chain(promises(validated.settings, bad), chain.from_iterable(rules)), written)
    order = {source: index for index, source in enumerate(sources)}
    problems = [*problems, *found, *invalid, *further]
    problems.sort(key=lambda problem: (order.get(problem.source, len(order)), problem.line or 0))
    settings = None if errors(problems) else validated.settings
    return Loaded(settings=settings, problems=problems, written=written, sources=sources)


def laid_over(over: Mapping[str, object]) -> Written:
    """Keys in dots with their values, as if they had been written somewhere."""
    written = Written()
    for name, value in over.items():
        path = tuple(name.split("."))
        written = merge(written, Written(nested(path, value), {path: Origin(OVER)}))
    return written


def _gather(path: Path | None, environ: Mapping[str, str]) -> tuple[Written, tuple[str, ...], list[Problem]]:
    written, sources, problems = Written(), list[str](), list[Problem]()
    try:
        main = path or default_path()
        files = [main, *drop_ins(main)] if main else []
    except OSError as error:
        files, problems = [], [_unreadable(error)]
    if not files and not problems:
        problems.append(_on_defaults())
    for file in files:
        part = read_file(file)
        if isinstance(part, Problem):
            problems.append(part)
        else:
            written = merge(written, part)
            sources.append(str(file))
    variables, unknown = read_environ(environ)
    if (url := environ.get("DATABASE_URL")) and not _has_database_url(merge(written, variables)):
        standing = Written({"database": {"url": url}}, {("database", "url"): Origin("DATABASE_URL")})
        variables = merge(variables, standing)
    sources += dict.fromkeys(origin.source for origin in variables.origins.values())
    return merge(written, variables), tuple(sources), problems + unknown


def _has_database_url(written: Written) -> bool:
    return value_at(written.values, ("database", "url")) is not None


def _unreadable(error: OSError) -> Problem:
    return Problem(
        id=Kind.UNREADABLE_FILE,
        key="",
        source=str(error.filename),
        message=f"cannot be read: {error.strerror}",
        remedy="correct its owner and mode, or run as another user",
    )


def _on_defaults() -> Problem:
    usual = " nor ".join(str(path) for path in DEFAULT_PATHS)
    return Problem(
        id=Kind.MISSING_FILE,
        key="",
        source="settings",
        message=f"neither {usual} exists: defaults are used",
        remedy="create one: hybridd config example > hybridd.toml",
        level=Level.WARNING,
    )


def _placed(findings: Iterable[Finding], written: Written) -> list[Problem]:
    placed = []
    for finding in findings:
        origin = written.origin(finding.path) or Origin("settings")
        placed.append(
            Problem(
                id=finding.kind,
                key=dotted(finding.path),
                source=origin.source,
                line=origin.line,
                message=finding.message,
                remedy=finding.remedy,
                level=finding.level,
            )
        )
    return placed
