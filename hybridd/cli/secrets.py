"""`hybridd secrets`: passwords and tokens for the service, kept encrypted and never shown."""

import getpass
import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from hybridd.cli.shared import AsJson, ConfigPath, print_json, table
from hybridd.config.reserved import acted_on
from hybridd.config.salvage import legible
from hybridd.config.sources import value_at
from hybridd.daemon.credentials import LARGEST, UNITS, WEB_UNIT, Stored, check_name, is_of_web, listed, remove, store
from hybridd.errors import UsageError

app = typer.Typer(name="secrets", help="Passwords and tokens for the service, kept encrypted.", no_args_is_help=True)

Root = Annotated[Path, typer.Option("--root", metavar="DIR", help="The root of the machine, for building images.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `hybridd secrets list` shows it, or one of your own.")]


@dataclass(frozen=True, slots=True)
class Known:
    """A secret that hybridd can use: its usual name, the settings key that reads it, what it is."""

    name: str
    key: str
    what: str

    @property
    def line(self) -> str:
        """What must stand in the settings, below the section's heading."""
        return f'{self.key.rpartition(".")[2]} = {{credential = "{self.name}"}}'

    @property
    def section(self) -> str:
        """The heading."""
        return f"[{self.key.rpartition('.')[0]}]"


KNOWN = (
    Known("smtp_password", "email.password", "password of the mail account"),
    Known("sms_auth_token", "sms.auth_token", "token of the SMS account"),
    Known("sms_signature_secret", "sms.signature_secret", "secret by which calls from Vonage are believed"),
    Known("vapid_private_key", "push.vapid_private_key", "private key for Web Push: `hybridd push keys` makes it"),
    Known("telegram_bot_token", "telegram.bot_token", "token of the Telegram bot"),
    Known("exchange_api_key", "trading.api_key", "API key of the exchange"),
    Known("exchange_api_secret", "trading.api_secret", "API secret of the exchange"),
    Known("exchange_api_password", "trading.api_password", "passphrase of the exchange's API key"),
    Known("dashboard_password_hash", "dashboard.password_hash", "hash of the dashboard's password"),
    Known(
        "dashboard_viewer_password_hash", "dashboard.viewer_password_hash", "the same for somebody who may only look"
    ),
    Known("ping_url", "health.ping_url", "address of the dead-man's switch"),
)


def usable() -> list[Known]:
    """Those whose key this version acts on."""
    keys = {key.name for key in acted_on()}
    return [known for known in KNOWN if known.key in keys]


@app.command("set")
def set_command(name: Name, config: ConfigPath = None, root: Root = Path("/")) -> None:
    """Store a secret for the service. It is asked for without being shown, or read from standard input."""
    _refuse_misspelling(name)
    stored = store(name, _read(name), root)
    if stored.encrypted:
        typer.echo(f"{name} is stored, encrypted for this machine: {stored.path}")
    else:
        typer.echo(f"{name} is stored unencrypted, readable by root only: {stored.path} ({stored.why_plain})")
    say_what_is_next(name, config)


@app.command("list")
def list_command(config: ConfigPath = None, root: Root = Path("/"), as_json: AsJson = False) -> None:
    """The secrets that hybridd can use: which are stored, and which the settings read. Never what they are."""
    kept = {stored.name: stored for stored in listed(root)}
    known = {row.name: row for row in usable()}
    rows = [_row(name, kept.get(name), known.get(name), config) for name in sorted(known | kept)]
    if as_json:
        print_json(rows)
        return
    table(
        "", ["name", "state", "read by", "what it is"], [[r["name"], r["state"], r["read_by"], r["what"]] for r in rows]
    )


def _row(name: str, kept: Stored | None, known: Known | None, config: Path | None) -> dict[str, str]:
    return {
        "name": name,
        "state": "not stored" if kept is None else "encrypted" if kept.encrypted else "unencrypted",
        "read_by": known.key if known is not None and _is_read(known, config) else "",
        "what": known.what if known is not None else "",
    }


@app.command("remove")
def remove_command(name: Name, config: ConfigPath = None, root: Root = Path("/")) -> None:
    """Forget a secret. Says so where the settings still read it: the service would not start."""
    remove(name, root)
    typer.echo(f"{name} is removed")
    known = next((row for row in usable() if row.name == name), None)
    if known is not None and _is_read(known, config):
        typer.echo(f"but {known.key} still reads it: take {known.line} out of the settings, or store it again")
    _say_reload(name)


def _refuse_misspelling(name: str) -> None:
    check_name(name)
    names = [known.name for known in KNOWN]
    close = get_close_matches(name, names, n=1, cutoff=0.8)
    if name not in names and close:
        raise UsageError(f"no setting reads a secret {name}", remedy=f"did you mean {close[0]}?")


def _read(name: str) -> bytes:
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(LARGEST + 1).rstrip(b"\r\n")
    first = getpass.getpass(f"{name} (it is not shown): ")
    if getpass.getpass("the same again: ") != first:
        raise UsageError("the two are not the same", remedy="try again")
    return first.encode()


def say_what_is_next(name: str, config: Path | None) -> None:
    """Which line the settings still need, and that the service gets its secrets when it starts."""
    known = next((row for row in usable() if row.name == name), None)
    if known is None:
        typer.echo(f'write {{credential = "{name}"}} where the settings are to read it')
    elif not _is_read(known, config):
        typer.echo(f"write into the settings, below {known.section}:\n  {known.line}")
    _say_reload(name)


def _say_reload(name: str) -> None:
    units, again = (
        # The watch tells the web of the settings.
        (WEB_UNIT, "reload hybridd && systemctl try-restart hybridd-dashboard")
        if is_of_web(name)
        else (", ".join(UNITS), "restart hybridd")
    )
    typer.echo(f"then, as {units} get{'s its' if is_of_web(name) else ' their'} secrets when started:")
    typer.echo(f"  systemctl daemon-reload && systemctl {again}")


def _is_read(known: Known, config: Path | None) -> bool:
    written, _ = legible(config, os.environ)
    return value_at(written.values, tuple(known.key.split("."))) == {"credential": known.name}
