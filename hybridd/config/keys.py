"""The keys of the schema as a flat table: for the sample, the documentation, the environment and "did you mean"."""

import difflib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from hybridd.config.base import Section
from hybridd.config.hidden import SecretText
from hybridd.config.schema import Settings
from hybridd.config.values import Form

KeyPath = tuple[str | int, ...]
"""Where a value stands: ("alerts", "route", 0, "severity")."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Key:
    """One key: its path, what its value may be, its default as it would be written in a file."""

    path: tuple[str, ...]
    field: FieldInfo
    default: object

    @property
    def name(self) -> str:
        """In dots: "alerts.cooldown"."""
        return ".".join(self.path)

    @property
    def secret(self) -> bool:
        """Whether its value is hidden, and may be a reference."""
        return is_secret(self.field)

    @property
    def textual(self) -> bool:
        """Whether it is written as text, so that a variable's value is taken as it is."""
        by_form = any(isinstance(mark, Form) for mark in self.field.metadata)
        return by_form or self.field.annotation is str or get_origin(self.field.annotation) is Literal

    @property
    def entry(self) -> type[Section] | None:
        """The table that its list holds, if it holds tables."""
        return entry_of(self.field.annotation)


def dotted(path: KeyPath) -> str:
    """A path as people read it: alerts.route[0].severity."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def section_of(annotation: object) -> type[Section] | None:
    """The section that an annotation names, if it names one."""
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def entry_of(annotation: object) -> type[Section] | None:
    """The section that a list's annotation holds, if it holds sections."""
    return section_of(get_args(annotation)[0]) if get_origin(annotation) is tuple else None


def is_secret(field: FieldInfo) -> bool:
    """Whether a field's value is hidden."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, SecretText)


@lru_cache(maxsize=1)
def all_keys() -> tuple[Key, ...]:
    """Every key in the order of the schema; a list of tables is one key."""
    return tuple(_walk(Settings, (), Settings().model_dump(mode="json")))


def _walk(section: type[Section], prefix: tuple[str, ...], defaults: object) -> list[Key]:
    found = []
    for name, field in section.model_fields.items():
        path = (*prefix, name)
        default = defaults[name] if isinstance(defaults, dict) else None
        inner = section_of(field.annotation)
        found += _walk(inner, path, default) if inner else [Key(path=path, field=field, default=default)]
    return found


@lru_cache(maxsize=1)
def by_name() -> Mapping[str, Key]:
    """All keys under their dotted names."""
    return types.MappingProxyType({key.name: key for key in all_keys()})


def entry_keys(section: type[Section]) -> tuple[Key, ...]:
    """The keys of a table in a list; they have no defaults."""
    return tuple(Key(path=(name,), field=field, default=None) for name, field in section.model_fields.items())


def table_at(path: KeyPath) -> type[Section] | None:
    """The table that stands at a path, if one does."""
    table: type[Section] | None = Settings
    for part in path:
        if table is None:
            return None
        if isinstance(part, str):
            field = table.model_fields.get(part)
            annotation = field.annotation if field else None
            table = section_of(annotation) or entry_of(annotation)
    return table


def nearest_key(path: KeyPath) -> str:
    """The known name most like the unknown one at `path`, in dots, or "" where none is close.

    First the same name in another section, then its neighbours, then everything that there is.
    """
    *parent, last = path
    table = table_at(tuple(parent))
    siblings = list(table.model_fields) if table else []
    elsewhere = [key.name for key in all_keys() if key.path[-1] == last]
    close, likeness = closest(str(last), siblings)
    if close and (likeness >= 0.8 or not elsewhere):
        return dotted((*parent, close))
    if elsewhere:
        return elsewhere[0]
    return closest(dotted(path), list(by_name()), cutoff=0.75)[0]


def closest(word: str, names: list[str], cutoff: float = 0.6) -> tuple[str, float]:
    """The name most like `word`, "" if none is, and its likeness; a first letter is seldom mistaken."""
    likeness = {name: difflib.SequenceMatcher(None, word, name).ratio() for name in names}
    close = [name for name in names if likeness[name] >= cutoff]
    best = max(close, key=lambda name: likeness[name] + 0.1 * (name[:1] == word[:1]), default="")
    return best, likeness.get(best, 0.0)


def form_text(field: FieldInfo) -> str:
    """What a key's value may be, in words: "whole number, 1 to 65535"."""
    form = next((mark.text for mark in field.metadata if isinstance(mark, Form)), None)
    return form or _form_of(field.annotation) + _bounds(field)


_PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def _form_of(annotation: object) -> str:
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return next((mark.text for mark in marks if isinstance(mark, Form)), None) or _form_of(inner)
    if get_origin(annotation) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(annotation))
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)[0]
        return "list of tables" if section_of(inner) else f"list of: {_form_of(inner)}"
    return next((text for kind, text in _PLAIN.items() if annotation is kind), "table of numbers")


def _bounds(field: FieldInfo) -> str:
    marks = {name: getattr(mark, name) for mark in field.metadata for name in ("gt", "ge", "le") if hasattr(mark, name)}
    low = f"above {marks['gt']}" if "gt" in marks else f"{marks['ge']}" if "ge" in marks else ""
    high = f"{marks['le']}" if "le" in marks else ""
    if not low and not high:
        return ""
    if "gt" in marks:
        return f", {low}" + (f", up to {high}" if high else "")
    return f", {low} to {high}" if high else f", {low} or more"
