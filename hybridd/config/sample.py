"""The sample settings file, made from the schema: every key that this version acts on, at its default."""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from hybridd.config.base import Section
from hybridd.config.hidden import SecretText
from hybridd.config.keys import Key, entry_keys, section_of
from hybridd.config.reserved import acted_on
from hybridd.config.schema import Settings
from hybridd.config.toml_text import toml_text

_HEAD = """\
# hybridd: settings. All keys are optional; what is shown is the default.
# Files in hybridd.d/*.toml beside this one override it in name order, and HYBRIDD_SECTION__KEY variables override both.
# `hybridd config check` names every mistake; docs/configuration.md explains every key.
"""
_WIDTH, _COLUMN = 120, 36
_COMMENTED = frozenset({"database.url"})  # written out, it would silence $DATABASE_URL


def example() -> str:
    """The text of etc/hybridd.toml."""
    lines = [_HEAD.rstrip()]
    section: tuple[str, ...] = ()
    for key in acted_on():
        if key.entry and not key.default:
            lines += _for_instance(key)
            continue
        if (table := key.path[:-1] or key.path) != section:
            section = table
            lines += ["", f"[{'.'.join(section)}]  # {_about(section)}"]
        lines += _entries(key) if key.entry else [_line(key)]
    return "\n".join(lines) + "\n"


def _for_instance(key: Key) -> Iterator[str]:
    """A list of tables that is empty by default: one such table, all of it a comment."""
    yield from ("", f"# [[{key.name}]]  # {key.field.description or ''}")
    for part in entry_keys(key.entry) if key.entry else ():
        example = next(iter(part.field.examples or ()), part.field.get_default())
        value = example.get_secret_value() if isinstance(example, SecretText) else example
        yield _commented(f"# {part.name} = {toml_text(value)}", part.field.description or "")


def _about(section: tuple[str, ...]) -> str:
    table: type[Section] | None = Settings
    for name in section:
        table = section_of(table.model_fields[name].annotation) if table else None
    return (table.__doc__ or "").partition("\n")[0].rstrip(".") if table else ""


def _line(key: Key) -> str:
    text = f"{key.path[-1]} = {toml_text(key.default)}"
    text = f"# {text}" if key.name in _COMMENTED else text
    return _commented(text, ": ".join([*_choices(key), key.field.description or ""]))


def _choices(key: Key) -> list[str]:
    named = get_origin(key.field.annotation) is Literal
    return [" | ".join(get_args(key.field.annotation))] if named else []


def _commented(text: str, comment: str) -> str:
    line = f"{text:<{_COLUMN}} # {comment}"
    return line if len(line) <= _WIDTH else f"# {comment}\n{text}"


def _entries(key: Key) -> Iterator[str]:
    for entry in key.default if isinstance(key.default, list) else ():
        yield ""
        yield _commented(f"[[{key.name}]]", key.field.description or "")
        for name, value in entry.items():
            yield f"{name} = {toml_text(value)}"
