"""What commands share: the settings, the state, tables and times."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridd.app import database_url, read_settings
from hybridd.clock import SystemClock, iso
from hybridd.config.schema import Settings
from hybridd.errors import UsageError
from hybridd.store.store import Store, open_store

if TYPE_CHECKING:  # rich is imported by the commands that print, not by the daemon
    from rich.console import Console

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

OK, FAILED, UNUSABLE, DEGRADED = 0, 1, 2, 3


def settings_of(config: Path | None, *, need_secrets: bool = False) -> Settings:
    """The settings; commands that send nothing do not need the secrets."""
    return read_settings(config, need_secrets=need_secrets)


@contextmanager
def state_of(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """The state database, which a command other than `run` never makes."""
    url = database_url(settings)
    path = Path(url.removeprefix("sqlite:///"))
    if not create and url.startswith("sqlite:///") and not path.exists():
        raise UsageError(
            f"there is no state at {path} yet", remedy="start hybridd first, or name its settings: --config"
        )
    store = open_store(url, clock=SystemClock())
    try:
        yield store
    finally:
        store.close()


def print_json(value: object) -> None:
    """JSON on standard output, one object, indented."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def console() -> "Console":
    """Where tables go. Rich drops its colours by itself when the output is no terminal."""
    from rich.console import Console

    return Console(soft_wrap=False, highlight=False)


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print rows under headings, numbers to the right."""
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column.strip(), justify="right" if column.startswith(" ") else "left", overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    console().print(made)


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
