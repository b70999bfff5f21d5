"""Where settings come from: files, drop-ins and the environment, merged; and which place each value is from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli

from hybridd.config.keys import Key, KeyPath, all_keys, by_name, closest, nearest_key
from hybridd.config.lines import key_lines
from hybridd.config.problems import Kind, Level, Problem

DEFAULT_PATHS = (Path("/etc/hybridd.toml"), Path("etc/hybridd.toml"))
PREFIX = "HYBRIDD_"
NOT_KEYS = frozenset({"HYBRIDD_CONFIG"})
FREE_TABLES = ("analysis.weights",)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a file with its line, or a variable."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Written:
    """Values as they were written, and where; not yet checked."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> Origin | None:
        """Where the value at a path was written, or else the nearest table or list around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]]
        return None


def merge(base: Written, over: Written) -> Written:
    """Both, `over` winning: tables are joined key by key, everything else, lists too, is replaced."""
    values, replaced = _merged(base.values, over.values, ())
    kept = {p: o for p, o in base.origins.items() if not any(p[: len(gone)] == gone for gone in replaced)}
    return Written(values, {**kept, **over.origins})


def _merged(base: dict[str, Any], over: dict[str, Any], at: KeyPath) -> tuple[dict[str, Any], list[KeyPath]]:
    values, replaced = dict(base), []
    for name, new in over.items():
        path = (*at, name)
        if isinstance(new, dict) and isinstance(values.get(name), dict):
            values[name], inner = _merged(values[name], new, path)
            replaced += inner
        else:
            values[name] = new
            replaced.append(path)
    return values, replaced


def default_path() -> Path | None:
    """The settings file that is used where none is named: /etc/hybridd.toml, else ./etc/hybridd.toml, else none."""
    return next((path for path in DEFAULT_PATHS if path.is_file()), None)


def drop_ins(path: Path) -> list[Path]:
    """The files that override `path`, in name order: for hybridd.toml those of hybridd.d beside it.

    Raises OSError where that folder is there but cannot be read.
    """
    folder = path.parent / f"{path.stem}.d"
    try:
        files = [file for file in folder.iterdir() if file.suffix == ".toml" and not file.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(files)


def read_file(path: Path) -> Written | Problem:
    """A settings file, or the one problem that keeps it from being read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        values = tomli.loads(text)
    except FileNotFoundError:
        remedy = f"create it: hybridd config example > {path}"
        return _refused(Kind.MISSING_FILE, path, "there is no such file", remedy)
    except OSError as error:
        remedy = "correct its owner and mode, or run as another user"
        return _refused(Kind.UNREADABLE_FILE, path, f"cannot be read: {error.strerror or error}", remedy)
    except UnicodeDecodeError as error:
        return _refused(Kind.BROKEN_FILE, path, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
    except tomli.TOMLDecodeError as error:
        return _broken(path, error)
    except (ValueError, RecursionError):
        return _refused(Kind.BROKEN_FILE, path, "a number or a nesting in it is too large", "make it smaller")
    lines = key_lines(text)
    return Written(values, {place: Origin(str(path), line) for place, line in lines.items()} or _whole(values, path))


def _whole(values: dict[str, Any], path: Path) -> dict[KeyPath, Origin]:
    return {(name,): Origin(str(path)) for name in values}


def _broken(path: Path, error: tomli.TOMLDecodeError) -> Problem:
    reason = f"column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
    return replace(_refused(Kind.BROKEN_FILE, path, reason, "correct the TOML there"), line=error.lineno)


def _refused(kind: Kind, path: Path, message: str, remedy: str) -> Problem:
    return Problem(id=kind, key="", source=str(path), message=message, remedy=remedy)


def read_environ(environ: Mapping[str, str]) -> tuple[Written, list[Problem]]:
    """The keys that HYBRIDD_SECTION__KEY variables set, and the variables that name none."""
    written, problems = Written(), []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in NOT_KEYS:
            continue
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if _names_something(path):
            single = nested(path, value_of(by_name().get(".".join(path)), environ[variable]))
            origins: dict[KeyPath, Origin] = {path: Origin(variable)}
            written = merge(written, Written(single, origins))
        else:
            problems.append(_unknown(variable, path))
    return written, problems


def _names_something(path: tuple[str, ...]) -> bool:
    name = ".".join(path)
    free = len(path) == 3 and bool(path[2]) and ".".join(path[:2]) in FREE_TABLES
    return free or any(key.path[: len(path)] == path for key in all_keys()) or name in by_name()


def nested(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """A value at a path of tables that hold nothing else."""
    for name in reversed(path):
        value = {name: value}
    return value if isinstance(value, dict) else {}


def value_of(key: Key | None, text: str) -> object:
    """What `text`, typed by a person, means as the value of a key; text where it is neither TOML nor JSON."""
    if key is not None and key.textual and not (key.secret and text.lstrip().startswith("{")):
        return text
    for read in (_toml_value, json.loads):
        try:
            value: object = read(text)
            return value
        except (ValueError, RecursionError):
            continue
    return text


def _toml_value(text: str) -> object:
    if "\n" in text:  # more than the one value
        raise ValueError
    return tomli.loads(f"value = {text}")["value"]


def variable_of(path: tuple[str, ...]) -> str:
    """The environment variable of a key."""
    return PREFIX + "__".join(path).upper()


def _unknown(variable: str, path: tuple[str, ...]) -> Problem:
    # Without "__" it names no section, and may belong to somebody else: only a near miss counts as a mistake.
    apart = "__" in variable
    known = by_name().get(nearest_key(path)) if apart else None
    guess = variable_of(known.path) if known else "" if apart else closest(variable, _variables(), cutoff=0.85)[0]
    return Problem(
        id=Kind.UNKNOWN_VARIABLE,
        key="",
        source=variable,
        message="no setting has this name",
        remedy=f"did you mean {guess}?" if guess else "unset it",
        level=Level.ERROR if apart or guess else Level.WARNING,
    )


def _variables() -> list[str]:
    return [variable_of(key.path) for key in all_keys()]


def value_at(values: object, path: KeyPath, otherwise: object = None) -> object:
    """What stands at a path of nested tables, or `otherwise`."""
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return otherwise
        values = values[part]
    return values


def count_set(written: Written) -> int:
    """How many keys of the schema are written somewhere."""
    absent = object()
    return sum(value_at(written.values, key.path, absent) is not absent for key in all_keys())
