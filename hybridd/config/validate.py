"""What the schema finds wrong with the values, as problems with place, nearest name and remedy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hybridd.config.keys import KeyPath, dotted, is_secret, nearest_key, section_of, table_at
from hybridd.config.problems import Kind, Problem
from hybridd.config.schema import Settings
from hybridd.config.sources import Written
from hybridd.config.toml_text import shortened

_ROUNDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """Settings with every bad value left out, the problems, and the keys that were left out."""

    settings: Settings
    problems: list[Problem] = field(default_factory=list)
    bad: frozenset[str] = frozenset()


def validate(written: Written) -> Validated:
    """Check values against the schema; what is wrong becomes a problem and falls back to its default.

    So that the checks between keys can go on with the rest, and everything is said at once.
    """
    values, problems, bad = written.values, list[Problem](), set[str]()
    for _ in range(_ROUNDS):
        try:
            return Validated(settings=Settings.model_validate(values), problems=problems, bad=frozenset(bad))
        except ValidationError as error:
            for detail in _without_echoes(error.errors(include_url=False)):
                path = _path(detail)
                problems.append(_problem(detail, path, written))
                gone = path if detail["type"] == "extra_forbidden" else _key_of(path)
                values = _without(values, gone)
                bad.add(dotted(gone))
    return Validated(settings=Settings(), problems=problems, bad=frozenset(bad))


def _without_echoes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """A list whose entries are bad also counts as too short: that is no second problem."""
    places = [detail["loc"] for detail in details]

    def echo(detail: ErrorDetails) -> bool:
        here = detail["loc"]
        return detail["type"] == "too_short" and any(len(p) > len(here) and p[: len(here)] == here for p in places)

    return [detail for detail in details if not echo(detail)]


def _path(detail: ErrorDetails) -> KeyPath:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _key_of(path: KeyPath) -> KeyPath:
    """The part of a path that names a key of the schema: of an entry in a list, the list."""
    for end in range(1, len(path) + 1):
        parent = table_at(path[: end - 1])
        found = parent.model_fields.get(str(path[end - 1])) if parent else None
        if found is None or section_of(found.annotation) is None:
            return path[:end]
    return path


def _without(values: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    def cut(part: object, rest: KeyPath) -> object:
        head, tail = rest[0], rest[1:]
        if isinstance(part, dict):
            if not tail:
                return {name: inner for name, inner in part.items() if name != head}
            return {name: cut(inner, tail) if name == head else inner for name, inner in part.items()}
        if isinstance(part, list) and tail:
            return [cut(inner, tail) if index == head else inner for index, inner in enumerate(part)]
        return part

    left = cut(values, path)
    return left if isinstance(left, dict) else {}


_MESSAGES: Mapping[str, tuple[Kind, str]] = {
    "bool_type": (Kind.WRONG_TYPE, "must be true or false"),
    "int_type": (Kind.WRONG_TYPE, "must be a whole number"),
    "float_type": (Kind.WRONG_TYPE, "must be a number"),
    "string_type": (Kind.WRONG_TYPE, "must be text in quotes"),
    "tuple_type": (Kind.WRONG_TYPE, "must be a list in brackets"),
    "dict_type": (Kind.WRONG_TYPE, "must be a table"),
    "mapping_type": (Kind.WRONG_TYPE, "must be a table"),
    "model_type": (Kind.WRONG_TYPE, "must be a table"),
    "literal_error": (Kind.BAD_VALUE, "must be {expected}"),
    "greater_than": (Kind.BAD_VALUE, "must be above {gt:.15g}"),
    "greater_than_equal": (Kind.BAD_VALUE, "must be {ge:.15g} or more"),
    "less_than_equal": (Kind.BAD_VALUE, "must be at most {le:.15g}"),
    "finite_number": (Kind.BAD_VALUE, "must be a finite number"),
    "too_short": (Kind.BAD_VALUE, "must have at least {min_length} entry"),
    "string_pattern_mismatch": (Kind.BAD_VALUE, "is not written as it must be"),
}
# What stands in place of a table or list may be, or hold, a secret.
_MUTE = frozenset({"too_short", "tuple_type", "dict_type", "mapping_type", "model_type"})
_PATTERN_REMEDIES = {
    "exchange": 'use an exchange\'s id in small letters: "binance", "kraken"',
    "brain": 'write "hybridd" or "module:function"',
    "name": "begin with a letter; small letters, digits, - and _ follow",
}


def _problem(detail: ErrorDetails, path: KeyPath, written: Written) -> Problem:
    explain: Callable[[ErrorDetails, KeyPath], tuple[Kind, str, str]] = _SPECIAL.get(detail["type"], _general)
    kind, message, remedy = explain(detail, path)
    origin = written.origin(path)
    return Problem(
        id=kind,
        key=dotted(path),
        source=origin.source if origin else "settings",
        line=origin.line if origin else None,
        message=message,
        remedy=remedy,
    )


def _unknown(_detail: ErrorDetails, path: KeyPath) -> tuple[Kind, str, str]:
    guess = nearest_key(path)
    remedy = f"did you mean {guess}?" if guess else "remove it; `hybridd config schema` has every key"
    return Kind.UNKNOWN_KEY, "unknown section" if len(path) == 1 else "unknown key", remedy


def _missing(_detail: ErrorDetails, path: KeyPath) -> tuple[Kind, str, str]:
    return Kind.MISSING_KEY, "is missing", f"add {path[-1]} to this entry"


def _own(detail: ErrorDetails, _path: KeyPath) -> tuple[Kind, str, str]:
    kind = Kind.BAD_VALUE if isinstance(detail["input"], str) else Kind.WRONG_TYPE
    return kind, str(detail["ctx"]["message"]), str(detail["ctx"]["remedy"])


def _general(detail: ErrorDetails, path: KeyPath) -> tuple[Kind, str, str]:
    found, secret = detail["type"], _is_secret(path)
    if found in _MESSAGES:
        kind, template = _MESSAGES[found]
        message = template.format(**detail.get("ctx", {})).replace("'", '"')
    else:
        kind, message = Kind.BAD_VALUE, detail["msg"]
    if found not in _MUTE and not secret:
        message += f", not {shortened(detail['input'])}"
    if secret:
        return kind, message, 'write "…", {env = "NAME"}, {file = "/path"} or {credential = "name"}'
    return kind, message, _PATTERN_REMEDIES.get(str(path[-1]), "") if found == "string_pattern_mismatch" else ""


def _is_secret(path: KeyPath) -> bool:
    parent = table_at(path[:-1])
    found = parent.model_fields.get(str(path[-1])) if parent else None
    return found is not None and is_secret(found)


_SPECIAL: Mapping[str, Callable[[ErrorDetails, KeyPath], tuple[Kind, str, str]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "hybridd": _own,
}
