# ruff: noqa: ANN401 - typer hands out the commands of a library of its own without types
"""Writes the manual pages from the program itself: one for hybridd, one for each command, one for the settings.

manual.py DESTINATION
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from typer.main import get_command

from hybridd.cli.main import application
from hybridd.config.keys import form_text
from hybridd.config.reserved import acted_on
from hybridd.config.schema import Settings
from hybridd.config.toml_text import toml_text

EXIT_STATUS = {
    "0": "Done.",
    "1": "What was asked for failed, or something was found.",
    "2": "The command line or the settings cannot be used as they are.",
    "3": "The watch goes on, but is degraded (status, doctor).",
}
FILES = {
    "/etc/hybridd.toml": "The settings: see hybridd.toml(5).",
    "/etc/hybridd.d/*.toml": "Settings that override them, in the order of their names.",
    "/var/lib/hybridd/state.db": "The state: candles, analyses, alerts, deliveries, trades. For its owner only.",
    "/var/lib/hybridd/backups/": "Copies of the state.",
}
SERVICE = """\
The service is hybridd.service. Installing the package starts nothing: edit the settings, then
.PP
.nf
    sudo hybridd config check
    sudo systemctl enable \\-\\-now hybridd
    systemctl status hybridd
    journalctl \\-u hybridd
.fi
.PP
With it come hybridd\\-check.timer, a second watcher that tells you when the first one stops,
hybridd\\-backup.timer and hybridd\\-report.timer. \\fBsystemctl reload hybridd\\fR reads the settings again; a file with mistakes is refused
and the watch goes on with the settings from before.
"""


def main() -> None:
    """All pages, into the folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    root = get_command(application())
    commands = sorted(children(root).items())
    pages = {"hybridd.1": overview(root, commands), "hybridd.toml.5": settings_page()}
    pages |= {f"hybridd-{name}.1": command_page(name, command) for name, command in commands}
    for name, lines in pages.items():
        (folder / name).write_text("\n".join(line for line in lines if line) + "\n", "utf-8")


def children(command: Any) -> dict[str, Any]:
    """The commands of a group that are shown; none for a single command."""
    found: dict[str, Any] = getattr(command, "commands", {})
    return {name: child for name, child in found.items() if not child.hidden}


def overview(root: Any, commands: list[tuple[str, Any]]) -> Iterator[str]:
    """hybridd(1)."""
    yield from head("hybridd", "1", "watches crypto markets and tells a person when something changed")
    yield from (".SH SYNOPSIS", "\\fBhybridd\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...")
    yield from (".SH DESCRIPTION", text(root.help or ""))
    yield from (".SH OPTIONS", *options(root))
    yield ".SH COMMANDS"
    for name, command in commands:
        yield from (".TP", f"\\fBhybridd\\-{text(name)}\\fR(1)", text(first_line(command)))
    yield ".SH SERVICE"
    yield SERVICE.rstrip()
    yield from listing("FILES", FILES)
    yield from listing("EXIT STATUS", EXIT_STATUS)
    others = ", ".join(f"\\fBhybridd\\-{text(name)}\\fR(1)" for name, _ in commands)
    yield from (".SH SEE ALSO", f"{others}, \\fBhybridd.toml\\fR(5), \\fBjournalctl\\fR(1)")


def command_page(name: str, command: Any) -> Iterator[str]:
    """hybridd-NAME(1), with all commands of a group."""
    yield from head(f"hybridd-{name}", "1", first_line(command).rstrip(".").lower() or name)
    single = not children(command)
    yield ".SH SYNOPSIS"
    for words, one in leaves(name, command):
        yield from (synopsis(words, one), ".br")
    yield from (".SH DESCRIPTION", paragraphs(command.help or ""))
    if single:
        yield from (".SH OPTIONS", *options(command))
    else:
        yield ".SH COMMANDS"
        for words, one in leaves(name, command):
            yield from (f'.SS "hybridd {" ".join(words)}"', paragraphs(one.help or ""), *options(one))
    yield from listing("EXIT STATUS", EXIT_STATUS)
    yield from (".SH SEE ALSO", "\\fBhybridd\\fR(1), \\fBhybridd.toml\\fR(5)")


def leaves(name: str, command: Any) -> Iterator[tuple[list[str], Any]]:
    """The commands that can be run below one, each with its words."""
    inner = children(command)
    if not inner:
        yield [name], command
    for word, child in inner.items():
        for words, one in leaves(word, child):
            yield [name, *words], one


def synopsis(words: list[str], command: Any) -> str:
    """One line: the command, its options, its arguments."""
    parts = [f"\\fBhybridd {text(' '.join(words))}\\fR"]
    if any(is_option(one) for one in command.params):
        parts.append("[\\fIOPTION\\fR]...")
    for one in command.params:
        if not is_option(one):
            called = text((one.metavar or one.name).strip("[]."))
            many = "..." if one.nargs == -1 else ""
            parts.append(f"\\fI{called}\\fR{many}" if one.required else f"[\\fI{called}\\fR{many}]")
    return " ".join(parts)


def options(command: Any) -> Iterator[str]:
    """Arguments and options with their meaning and default."""
    for one in command.params:
        if getattr(one, "hidden", False):
            continue
        names = (
            ", ".join(f"\\fB{text(name)}\\fR" for name in (*one.opts, *one.secondary_opts)) if is_option(one) else ""
        )
        value = "" if getattr(one, "is_flag", False) else f" \\fI{text(one.metavar or one.name.upper())}\\fR"
        called = f"{names}{value}" if is_option(one) else f"\\fI{text((one.metavar or one.name).strip('[].'))}\\fR"
        meaning = getattr(one, "help", "") or ""
        if is_option(one) and not getattr(one, "is_flag", False) and isinstance(one.default, str | int | float):
            meaning = f"{meaning} By default {one.default}.".strip() if one.default != "" else meaning
        yield from (".TP", called, text(meaning) or "Whether to.")


def is_option(parameter: Any) -> bool:
    """Whether it is an option, not an argument."""
    return bool(parameter.param_type_name == "option")


def settings_page() -> Iterator[str]:
    """hybridd.toml(5), from the schema."""
    yield from head("hybridd.toml", "5", "settings of hybridd")
    yield from (".SH SYNOPSIS", "/etc/hybridd.toml", ".br", "/etc/hybridd.d/*.toml")
    about = (
        "The settings are TOML. Every key is optional. Files in hybridd.d override the main one in the order of their "
        "names, and variables HYBRIDD_SECTION__KEY override both. A secret is text, or a reference: "
        '{credential = "smtp_password"}, {file = "/path"}, {env = "NAME"}. \\fBhybridd config check\\fR names every '
        "mistake, \\fBhybridd config show\\fR what is in force."
    )
    yield from (".SH DESCRIPTION", about)
    section = ""
    for key in acted_on():
        if key.path[0] != section:
            section = key.path[0]
            table = Settings.model_fields[section].annotation
            yield from (f'.SH "[{section}]"', text((table.__doc__ or "").partition("\n")[0]))
        default = "" if key.entry else f" By default {toml_text(key.default)}."
        inner = text(".".join(key.path[1:]) or key.name)
        meaning = key.field.description or ""
        yield from (".TP", f"\\fB{inner}\\fR (\\fI{text(form_text(key.field))}\\fR)", text(f"{meaning}.{default}"))
    yield from (".SH SEE ALSO", "\\fBhybridd\\fR(1), \\fBhybridd\\-config\\fR(1)")


def head(name: str, section: str, purpose: str) -> Iterator[str]:
    """The title of a page and its NAME section, which `apropos` reads."""
    day = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC).strftime("%Y-%m-%d")
    yield f'.TH "{name.upper()}" "{section}" "{day}" "hybridd {version("hybridd")}" "hybridd"'
    # No breaking of long option names, and no spreading of words over the line.
    yield from (".nh", ".ad l", ".SH NAME", f"{text(name)} \\- {text(purpose)}")


def listing(title: str, entries: dict[str, str]) -> Iterator[str]:
    """A section of terms with their meanings."""
    yield f".SH {title}"
    for term, meaning in entries.items():
        yield from (".TP", f"\\fB{text(term)}\\fR", text(meaning))


def paragraphs(words: str) -> str:
    """Help text whose paragraphs are divided by empty lines."""
    return "\n.PP\n".join(text(" ".join(part.split())) for part in words.replace("\b", "").split("\n\n"))


def first_line(command: Any) -> str:
    """The first sentence of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def text(words: str) -> str:
    """Plain words as roff: nothing in them is taken for a request, and hyphens can be copied into a shell."""
    escaped = " ".join(words.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    main()
