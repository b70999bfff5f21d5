"""The tree of commands as the program has it, and the page that it makes: docs/commands.md."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from typer.main import get_command

from hybridd.cli.main import application
from hybridd.daemon.journal import EVENTS
from hybridd.model.change import Suppression
from hybridd.pipeline.checkup import CHECKS
from hybridd.pipeline.second_watch import INVARIANTS, UNIT_FAILED

_HEAD = """\
# Commands

This page is made from the program (`make docs`). `hybridd COMMAND --help` says the same, and `python -m hybridd` is
`hybridd`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | what was asked for failed, or something was found |
| 2 | the command line or the settings cannot be used as they are |
| 3 | `status`, `doctor`: degraded |

Mistakes are one line on standard error: the thing, the place, and after the arrow what to do. Progress is shown on
standard error, and only where that is a terminal. Into a pipe every line goes whole, however long; `COLUMNS` limits it.
"""


@dataclass(frozen=True)
class Command:
    """A command with its full name ("alerts list"), or a group of them (`children`)."""

    name: str
    raw: Any
    children: tuple[str, ...]

    @property
    def options(self) -> dict[str, bool]:
        """Option to whether it takes a value."""
        return {
            name: not p.is_flag for p in self.raw.params if hasattr(p, "is_flag") for name in p.opts if name[0] == "-"
        }

    @property
    def shown(self) -> list[str]:
        """The options that a person is told of, without --help."""
        told = [p for p in self.raw.params if p.param_type_name == "option" and not p.hidden and p.name != "help"]
        return [name for option in told for name in option.opts]

    @property
    def arguments(self) -> list[Any]:
        return [p for p in self.raw.params if p.param_type_name == "argument"]


def commands() -> dict[str, Command]:
    """Every command and group by its full name; the program itself under ""."""
    return {command.name: command for command in _walk("", get_command(application()))}


def _walk(name: str, raw: Any) -> Iterator[Command]:
    children = {child: node for child, node in getattr(raw, "commands", {}).items() if not node.hidden}
    yield Command(name, raw, tuple(children))
    for child, node in children.items():
        yield from _walk(f"{name} {child}".strip(), node)


def commands_page() -> str:
    """The text of docs/commands.md."""
    found = commands()
    parts = [_HEAD.rstrip()]
    for command in found.values():
        if command.name and not command.children:
            parts += ["", *_entry(command)]
    parts += ["", *_checks(), "", *_verdicts(), "", *_events()]
    return "\n".join(parts) + "\n"


def _entry(command: Command) -> Iterator[str]:
    words = [_metavar(argument) for argument in command.arguments]
    yield f"## hybridd {command.name}"
    yield ""
    yield f"`{' '.join(['hybridd', command.name, *words])}`"
    yield ""
    yield _line(command.raw.help)
    rows = [(f"`{_metavar(a)}`", a.help) for a in command.arguments if a.help]
    for option in command.raw.params:
        if option in command.arguments or option.name == "help" or option.hidden:
            continue
        value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
        rows.append((f"`{', '.join(option.opts)}{value}`", option.help))
    if rows:
        yield ""
        yield "| | |"
        yield "|---|---|"
        yield from (f"| {name} | {_line(text).replace('|', chr(92) + '|')} |" for name, text in rows)


def _metavar(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _checks() -> Iterator[str]:
    yield "## What the doctor and the second watcher look at"
    yield ""
    yield "`hybridd doctor` asks what a start needs, `hybridd check` what must hold of one that runs. Ids never change."
    yield ""
    yield "| id | by | about |"
    yield "|---|---|---|"
    yield "| D01 | doctor | settings |"
    yield from (f"| {id_} | doctor | {title} |" for id_, title, _ in CHECKS)
    invariants = {check.id: check.title for check in INVARIANTS} | {UNIT_FAILED: "a unit of systemd's has not failed"}
    yield from (f"| {id_} | check | {title} |" for id_, title in sorted(invariants.items()))


def _verdicts() -> Iterator[str]:
    yield "## Why nobody was told"
    yield ""
    yield "`hybridd alerts why` shows for every change whether it was told or held back, and then one of these reasons."
    yield ""
    yield "| reason | meaning |"
    yield "|---|---|"
    yield from (f"| {name} | {meaning} |" for name, meaning in meanings(Suppression).items())


def meanings(names: type) -> dict[str, str]:
    """What stands beside each name of an enumeration in its source."""
    return dict(re.findall(r'^    ([A-Z_]+) = "[^"]*"  # (.+)$', inspect.getsource(names), re.MULTILINE))


def _events() -> Iterator[str]:
    yield "## Events in the journal"
    yield ""
    yield "Each kind has an id for ever: `journalctl -u hybridd MESSAGE_ID=…`, or `HYBRIDD_EVENT=` and the name."
    yield ""
    yield "| event | MESSAGE_ID |"
    yield "|---|---|"
    yield from (f"| {name} | {id_} |" for name, id_ in EVENTS.items())
