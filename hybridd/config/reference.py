"""The documentation of the settings, made from the schema and the table of problems."""

from collections.abc import Iterator

from hybridd.config.keys import Key, all_keys, entry_keys, form_text, section_of
from hybridd.config.problems import CATALOGUE
from hybridd.config.reserved import RESERVED, acted_on
from hybridd.config.schema import Settings
from hybridd.config.toml_text import toml_text

_HEAD = """\
# Configuration

This page is made from the program (`hybridd.config.reference`).

hybridd reads `/etc/hybridd.toml`, or `etc/hybridd.toml` in the working directory where that does not exist, or the file
given with `--config`. `hybridd config example` prints a sample, `hybridd config check` names every mistake at once,
`hybridd config show` prints what is in force and where each value is from, and `hybridd config schema` prints a JSON
Schema for editors.

## Order

1. Defaults, as in the tables below.
2. The file.
3. Drop-ins: `hybridd.d/*.toml` beside the file (for `/etc/hybridd.toml`: `/etc/hybridd.d/*.toml`), in name order.
   Tables are joined key by key; everything else, lists too, is replaced.
4. Variables `HYBRIDD_SECTION__KEY`, for example `HYBRIDD_ALERTS__COOLDOWN=30m` or
   `HYBRIDD_MONITOR__SYMBOLS='["BTC/USDT"]'`. Numbers, booleans, lists and tables are written as in TOML or JSON;
   keys that hold text take the variable as it is. `DATABASE_URL` stands in for `database.url` where neither a file nor
   `HYBRIDD_DATABASE__URL` sets it.

## Values

Durations are a whole number and a unit, in quotes: `"30s"`, `"15m"`, `"2h"`, `"1d"`, `"1w"`. Whole numbers may stand
where a number is wanted, not the reverse.

A **secret** is text, or a reference to it; it is printed as `•••` everywhere:

* `{credential = "smtp_password"}`: a credential of the systemd unit (`LoadCredential=`, `LoadCredentialEncrypted=`),
* `{file = "/run/secrets/smtp"}`: a file that only its owner may read; a newline at its end is dropped,
* `{env = "SMTP_PASSWORD"}`: a variable.

References are looked up when the settings are loaded, and only in sections that are switched on.

## Keys
"""


def reference() -> str:
    """The text of docs/configuration.md."""
    return "\n".join([_HEAD.rstrip(), *_sections(), *_reserved(), *_problems()]) + "\n"


def _sections() -> Iterator[str]:
    acted = acted_on()
    for section in dict.fromkeys(key.path[0] for key in acted):
        table = section_of(Settings.model_fields[section].annotation)
        about = (table.__doc__ or "").partition("\n")[0] if table else ""
        title = f"[{section}]" if table else f"[[{section}]]"
        yield from ("", f"### {title}", "", *([about, ""] if about else []))
        keys = [key for key in acted if key.path[0] == section]
        yield from _table(keys)
        for key in keys:
            yield from _entry(key)


def _entry(key: Key) -> Iterator[str]:
    """The tables that describe what a list of tables holds, one level after the other."""
    if key.entry is None:
        return
    yield from ("", f"Each `[[{key.name}]]`: {key.entry.__doc__ or ''}".rstrip(), "")
    yield from ("| key | value | meaning |", "|---|---|---|")
    inner = entry_keys(key.entry)
    for part in inner:
        yield f"| `{part.name}` | {_cell(form_text(part.field))} | {_cell(part.field.description or '')} |"
    for part in inner:
        if part.entry:
            yield from ("", f"Each of `{part.name}`: {part.entry.__doc__ or ''}".rstrip(), "")
            yield from ("| key | value | meaning |", "|---|---|---|")
            for leaf in entry_keys(part.entry):
                yield f"| `{leaf.name}` | {_cell(form_text(leaf.field))} | {_cell(leaf.field.description or '')} |"


def _table(keys: list[Key]) -> Iterator[str]:
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for key in keys:
        shown = f"`{_cell(toml_text(key.default))}`"
        default = "one route, see below" if key.entry and key.default else shown
        meaning = _cell(key.field.description or "")
        yield f"| `{key.name}` | {_cell(form_text(key.field))} | {default} | {meaning} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _reserved() -> Iterator[str]:
    yield from ("", "## Reserved keys", "")
    yield "These keys have their names already but are not acted on in this version. A value that would promise"
    yield "something is refused (H009); the default is always let through."
    yield from ("", "| key | value | default | waits for |", "|---|---|---|---|")
    waiting = {row.key: row.missing for row in RESERVED}
    whole = {row.covers: row.missing for row in RESERVED if row.covers}
    acted = set(acted_on())
    for key in all_keys():
        if key not in acted:
            missing = waiting.get(key.name) or whole[key.path[0]]
            yield f"| `{key.name}` | {_cell(form_text(key.field))} | `{_cell(toml_text(key.default))}` | {missing} |"


def _problems() -> Iterator[str]:
    yield from ("", "## Problems", "")
    yield "Each problem is one line: place, key, what is wrong, its id, and after the arrow what to do. Errors stop"
    yield "hybridd with exit code 2; warnings do not."
    for kind, entry in CATALOGUE.items():
        yield from ("", f"### {kind} {entry.slug}", "", entry.meaning, "", f"*Remedy:* {entry.remedy}")
