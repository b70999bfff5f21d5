"""What can still be used of settings that have errors: whoever must tell that they are broken needs a way to tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hybridd.config.load import examine
from hybridd.config.problems import Problem, errors
from hybridd.config.schema import Settings
from hybridd.config.secrets import Vault, resolve
from hybridd.config.sources import Written, default_path, drop_ins, merge, read_environ, read_file, value_at
from hybridd.config.validate import validate


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """`settings` are the whole ones, or what is left of them, defaults in place of what is wrong; `trouble` one line,
    "" when they are whole. `place_known` is False where the errors may hide where the state is."""

    settings: Settings
    trouble: str = ""
    place_known: bool = True


def salvage(path: Path | None, environ: Mapping[str, str]) -> Salvaged:
    """The settings of `path` (None: the usual places), as much of them as can be had. Raises nothing."""
    loaded = examine(path, environ)
    if loaded.settings is not None:
        return Salvaged(settings=loaded.settings)
    found = errors(loaded.problems)
    written, unread = legible(path, environ)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    written, _ = resolve(written, Vault(environ=environ, credentials=Path(folder) if folder else None), needed=False)
    validated = validate(written)
    hidden = "database.url" in validated.bad or any(problem.key == "database.url" for problem in found)
    return Salvaged(
        settings=validated.settings, trouble=_sum_up(found), place_known=not (unread or hidden)
    )  # fmt: skip


def _sum_up(found: list[Problem]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    first = found[0]
    place = f"{first.source}:{first.line}" if first.line else first.source
    return f"the settings have errors: {place}: {first.key + ': ' if first.key else ''}{first.message}{more}"


def legible(path: Path | None, environ: Mapping[str, str]) -> tuple[Written, bool]:
    """What the files that can be read say, with references to secrets as they stand; whether there is one that cannot.

    Arguments as for `salvage`. Raises nothing.
    """
    written, unread = Written(), False
    try:
        main = path or default_path()
        files = [main, *drop_ins(main)] if main else []
    except OSError:
        files, unread = [main] if main else [], True
    for file in files:
        part = read_file(file)
        if isinstance(part, Problem):
            unread = True
        else:
            written = merge(written, part)
    variables, _ = read_environ(environ)
    written = merge(written, variables)
    if (url := environ.get("DATABASE_URL")) and value_at(written.values, ("database", "url")) is None:
        written = merge(written, Written({"database": {"url": url}}))
    return written, unread
