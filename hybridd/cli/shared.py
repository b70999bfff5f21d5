"""What commands share: the settings, the state, tables and times."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridd.app import database_url, read_settings
from hybridd.cli.terminal import speaks_unicode
from hybridd.clock import SystemClock, iso
from hybridd.config.schema import Settings
from hybridd.errors import UsageError
from hybridd.store.database import path_of
from hybridd.store.sqlite import is_there
from hybridd.store.store import Store, open_store

if TYPE_CHECKING:  # rich is imported by the commands that print, not by the daemon
    from rich.console import Console, JustifyMethod
    from rich.progress import Progress, ProgressColumn

ConfigPath = Annotated[
    Path | None,
    # Whether the file can be read is said by the settings themselves, in hybridd's words.
    typer.Option(
        "--config",
        metavar="PATH",
        readable=False,
        help="Settings file; by default /etc/hybridd.toml, else ./etc/hybridd.toml.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

UNBOUND = 10_000
READABLE = 24
"""Letters that a line of running text needs at least."""

OK, FAILED, UNUSABLE, DEGRADED = 0, 1, 2, 3


def settings_of(config: Path | None, *, need_secrets: bool = False) -> Settings:
    """The settings; commands that send nothing do not need the secrets."""
    return read_settings(config, need_secrets=need_secrets)


@contextmanager
def state_of(settings: Settings, *, migrate: bool = False) -> Iterator[Store]:
    """The state database as it is: no command but `run` makes one, and only `db migrate` changes its form."""
    url = database_url(settings)
    path = path_of(url)
    if path is not None and not is_there(path):
        raise UsageError(
            f"there is no state at {path} yet", remedy="start hybridd first, or name its settings: --config"
        )
    store = open_store(url, clock=SystemClock(), migrate=migrate)
    try:
        yield store
    finally:
        store.close()


def print_json(value: object) -> None:
    """JSON on standard output, one object, indented; in ASCII where the output takes no more."""
    typer.echo(json.dumps(value, ensure_ascii=not speaks_unicode(), indent=2, allow_nan=False))


def console(*, stderr: bool = False) -> "Console":
    """Where lines and tables go. Rich drops its colours by itself when the output is no terminal.

    What is no terminal has no width either: lines stay whole for whoever searches them, unless COLUMNS says otherwise.
    """
    from rich.console import Console

    made = Console(stderr=stderr, soft_wrap=True, highlight=False, emoji=False)
    if not made.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        made.width = UNBOUND
    return made


def say(text: str, style: str = "") -> None:
    """Print a line in a style; square brackets in it are nothing but brackets."""
    console().print(text, style=style or None, markup=False)


def progress(*columns: "ProgressColumn") -> "Progress":
    """A progress display on standard error that leaves nothing behind; none where that is no terminal."""
    from rich.progress import Progress

    errors = console(stderr=True)
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say what is waited for, as long as it lasts."""
    from rich.progress import SpinnerColumn, TextColumn

    with progress(SpinnerColumn(), TextColumn("{task.description}", markup=False)) as display:
        display.add_task(text, total=None)
        yield


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print rows under headings, those that begin with a space to the right; one block a row where there is no room."""
    from rich.table import Table
    from rich.text import Text

    screen, names = console(), [column.strip() for column in columns]
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    # The longest column is the one that may be broken into lines, if enough is left of it.
    longest = widths.index(max(widths))
    rest = screen.width - sum(widths) + widths[longest] - 2 * len(widths)
    if title:
        screen.print(title, style="italic", markup=False)
    if rest < min(READABLE, widths[longest]):
        _blocks(screen, names, cells)
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        right: JustifyMethod = "right" if column.startswith(" ") else "left"
        made.add_column(names[i], justify=right, overflow="fold", no_wrap=i != longest)
    for row in cells:
        made.add_row(*(Text(cell) for cell in row))
    screen.print(made, soft_wrap=False)


def _blocks(screen: "Console", names: list[str], cells: list[list[str]]) -> None:
    for row in cells:
        for name, cell in zip(names, row, strict=True):
            if cell:
                screen.print(f"{name}: {cell}" if name else cell, markup=False)
        screen.print()


def ago(ms: int) -> str:
    """A length of time in words: "3 min 20 s", "2 h 5 min", "4 d 1 h"."""
    seconds = max(0, ms) // 1000
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for length, name in units:
        count, seconds = divmod(seconds, length)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def when(ms: int | None) -> str:
    """An instant for a table: UTC to the second."""
    return iso(ms // 1000 * 1000).replace("T", " ") if ms is not None else "–"


def price(value: float) -> str:
    """A price with the digits that its size deserves, never rounded to nothing."""
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.6g}"
