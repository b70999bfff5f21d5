"""Keys that are known but not yet acted on: what is missing, and the only values that promise nothing.

A row goes when what it waits for has come. Keys in this table are left out of the sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce

from hybridd.config.keys import Key, all_keys, by_name
from hybridd.config.problems import Kind
from hybridd.config.rules import Finding
from hybridd.config.schema import Settings
from hybridd.config.toml_text import toml_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A key whose work is not done here: at its default it is let through, and so are the values of `also`.

    `free`: any value is. `covers`: the whole section is left out of the sample too. `only_if`: the row sleeps while
    that switch is off.
    """

    key: str
    missing: str
    also: tuple[object, ...] = ()
    free: bool = False
    covers: str = ""
    only_if: str = ""


RESERVED = (Reserved(key="database.keep_days", missing="removal of old analyses"),)


def promises(settings: Settings, bad: frozenset[str]) -> Iterator[Finding]:
    """What the settings ask for and this version does not do; keys in `bad` have their problem already."""
    defaults = Settings()
    for row in RESERVED:
        value = _value(settings, row.key)
        asleep = bool(row.only_if) and not _value(settings, row.only_if)
        if row.free or asleep or row.key in bad or value == _value(defaults, row.key) or value in row.also:
            continue
        key = by_name()[row.key]
        remedy = f"set it to {toml_text(key.default)}"
        message = f"this version has no {row.missing} yet"
        yield Finding(path=key.path, kind=Kind.NOT_AVAILABLE, message=message, remedy=remedy)


def _value(settings: Settings, name: str) -> object:
    return reduce(getattr, name.split("."), settings)


@lru_cache(maxsize=1)
def acted_on() -> tuple[Key, ...]:
    """The keys that this version acts on, in the order of the schema."""
    names = {row.key for row in RESERVED}
    sections = {row.covers for row in RESERVED if row.covers}
    return tuple(key for key in all_keys() if key.name not in names and key.path[0] not in sections)
