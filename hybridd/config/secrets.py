"""Secrets by reference: {env = "NAME"}, {file = "/path"} and {credential = "name"} become what they point to."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybridd.config.hidden import REFERENCES
from hybridd.config.keys import KeyPath, all_keys, dotted, entry_keys
from hybridd.config.problems import Kind, Level, Problem
from hybridd.config.sources import Origin, Written, value_at

_LIMIT = 65_536
_SHAPE = 'write {env = "NAME"}, {file = "/path"} or {credential = "name"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """Where references lead: the environment, and the folder of systemd's credentials if there is one."""

    environ: Mapping[str, str] = field(repr=False)
    credentials: Path | None = None


class _Absent(Exception):
    """The secret cannot be had; the text says why."""

    def __init__(self, message: str, remedy: str, level: Level = Level.ERROR) -> None:
        super().__init__(message)
        self.message, self.remedy, self.level = message, remedy, level


def resolve(written: Written, vault: Vault, *, needed: bool) -> tuple[Written, list[Problem]]:
    """Every reference replaced by its secret, "" where it cannot be had, and the problems met.

    Sections that are off are not looked into. Without `needed` a missing secret is only a warning.
    """
    values, problems = _copy(written.values), []
    for path, table in secret_places(values):
        name = str(path[-1])
        reference = table[name]
        if isinstance(reference, str):
            problems += _inline(path, reference, written)
        elif isinstance(reference, dict):
            table[name] = ""
            if needed and path[0] == "dashboard" and "credential" in reference:
                continue  # handed to the web's own unit: the watch does not need it and cannot see it
            if _is_on(str(path[0]), values):
                table[name], found = _look_up(path, reference, written.origin(path), vault)
                problems += [replace(problem, level=_level(problem, needed)) for problem in found]
    return Written(values, written.origins), problems


def _level(problem: Problem, needed: bool) -> Level:
    if problem.id == Kind.UNRESOLVED and problem.key == "database.url":
        return Level.ERROR  # to go on with another state than the one meant would be worse than to stop
    return problem.level if needed else Level.WARNING


def _copy(value: dict[str, Any]) -> dict[str, Any]:
    def deep(part: object) -> object:
        if isinstance(part, dict):
            return {name: deep(inner) for name, inner in part.items()}
        return [deep(inner) for inner in part] if isinstance(part, list) else part

    return {name: deep(part) for name, part in value.items()}


def secret_places(values: dict[str, Any]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Each secret that is written, with the table that it stands in."""
    for key in all_keys():
        parent = value_at(values, key.path[:-1])
        if key.secret and isinstance(parent, dict) and key.path[-1] in parent:
            yield key.path, parent
        if key.entry is not None:
            names = [inner.path[0] for inner in entry_keys(key.entry) if inner.secret]
            yield from _in_entries(key.path, value_at(values, key.path), names)


def _in_entries(path: KeyPath, entries: object, names: list[str]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        for name in names:
            if isinstance(entry, dict) and name in entry:
                yield (*path, index, name), entry


def _is_on(section: str, values: dict[str, Any]) -> bool:
    table = values.get(section)
    if not isinstance(table, dict) or section in {"database", "health"}:
        return True
    if section == "trading":
        return table.get("broker") == "exchange"
    return table.get("enabled", section == "dashboard") is True


def _look_up(
    path: KeyPath, reference: dict[str, object], origin: Origin | None, vault: Vault
) -> tuple[str, list[Problem]]:
    problems: list[Problem] = []
    try:
        (kind, name), *more = reference.items() or [("", "")]
        if more or kind not in REFERENCES or not isinstance(name, str) or not name:
            raise _Absent("must be text, or one reference to a secret", _SHAPE)
        if kind == "env":
            return _from_environ(name, vault), problems
        file = _credential(name, vault) if kind == "credential" else Path(name)
        secret, exposed = _from_file(file)
        if exposed and kind == "file":
            problems.append(_problem(path, origin, Kind.EXPOSED, f"{file} can be read by others", f"chmod 600 {file}"))
        return secret, problems
    except _Absent as absent:
        return "", [_problem(path, origin, Kind.UNRESOLVED, absent.message, absent.remedy, absent.level)]


def _from_environ(name: str, vault: Vault) -> str:
    if not (secret := vault.environ.get(name, "").rstrip("\r\n")):
        raise _Absent(f"the variable {name} is not set or empty", "set it for the service, or name another source")
    return secret


def _credential(name: str, vault: Vault) -> Path:
    if "/" in name or name in {".", ".."}:
        raise _Absent("a credential is named without a path", _SHAPE)
    if vault.credentials is None:
        remedy = "run inside the service, whose unit has LoadCredential= or LoadCredentialEncrypted="
        raise _Absent(f"the credential {name} cannot be seen here", remedy, Level.WARNING)
    return vault.credentials / name


def _from_file(file: Path) -> tuple[str, bool]:
    """The secret in a file, and whether others than its owner may read it."""
    if not file.is_absolute():
        raise _Absent(f"{file} is not an absolute path", "write the whole path: the service runs in another folder")
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT:
            raise _Absent(f"{file} is not a file of at most {_LIMIT} bytes", "name the file that holds the secret")
        secret = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        remedy = "create it, or correct its owner and mode"
        raise _Absent(f"{file} cannot be read: {error.strerror or error}", remedy) from None
    except UnicodeDecodeError:
        raise _Absent(f"{file} is not UTF-8 text", "save the secret as plain text") from None
    if not secret:
        raise _Absent(f"{file} is empty", "write the secret into it")
    return secret, bool(status.st_mode & 0o077)


def _inline(path: KeyPath, secret: str, written: Written) -> list[Problem]:
    """A warning where a secret is written into a file that everybody may read."""
    origin = written.origin(path)
    if path == ("database", "url") or not secret or origin is None:
        return []
    try:
        open_to_all = bool(Path(origin.source).stat().st_mode & stat.S_IROTH)
    except OSError:  # a variable, not a file
        return []
    remedy = f"chmod o-r {origin.source}, or keep the secret elsewhere: {_SHAPE}"
    found = _problem(path, origin, Kind.EXPOSED, "the file that holds this secret can be read by everybody", remedy)
    return [found] if open_to_all else []


def _problem(
    path: KeyPath, origin: Origin | None, kind: Kind, message: str, remedy: str, level: Level = Level.ERROR
) -> Problem:
    return Problem(
        id=kind,
        key=dotted(path),
        source=origin.source if origin else "settings",
        line=origin.line if origin else None,
        message=message,
        remedy=remedy,
        level=Level.WARNING if kind is Kind.EXPOSED else level,
    )
