"""Questions about settings: what is wrong with them, what differs between two, which words in them are secret."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hybridd.config.base import Section
from hybridd.config.hidden import SecretText
from hybridd.config.load import examine
from hybridd.config.problems import Problem
from hybridd.config.schema import Settings


def check(path: Path | None, environ: Mapping[str, str], credentials_dir: Path | None = None) -> list[Problem]:
    """Every problem of the settings, errors and warnings, in the order of their places; arguments as for `load`."""
    return examine(path, environ, credentials_dir).problems


def diff(old: Settings, new: Settings) -> tuple[str, ...]:
    """The keys in dots whose values differ, in the order of the schema; a list counts as one key."""
    return tuple(_differing(old, new, ""))


def _differing(old: Section, new: Section, prefix: str) -> Iterator[str]:
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, Section):
            yield from _differing(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name}"


def secret_words(settings: Settings) -> tuple[str, ...]:
    """Every word in the settings that must never be printed, each once: for whoever masks what is logged."""
    return tuple(dict.fromkeys(_secret_words(settings)))


def _secret_words(section: Section) -> Iterator[str]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Section):
                yield from _secret_words(part)
            elif isinstance(part, SecretText):
                yield from part.secret_words
