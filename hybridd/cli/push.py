"""`hybridd push`: the keys that browsers know this hybridd by."""

from pathlib import Path
from typing import Annotated

import typer

from hybridd.cli.secrets import Root, say_what_is_next
from hybridd.cli.shared import AsJson, ConfigPath, print_json, settings_of
from hybridd.daemon.credentials import listed, store
from hybridd.delivery.vapid import KeyPair, new_keys, public_key
from hybridd.errors import HybriddError, UsageError
from hybridd.store.files import write_whole

app = typer.Typer(name="push", help="The keys that browsers know this hybridd by.", no_args_is_help=True)

SECRET = "vapid_private_key"  # noqa: S105 - its name
_ALL_ANEW = "with another key every browser must be registered anew: --replace makes it all the same"


@app.command("keys")
def keys(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Into a file of your own, instead of the service's.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Also where there is a key already.")] = False,
    config: ConfigPath = None,
    root: Root = Path("/"),
) -> None:
    """Make the keys for Web Push. The private one is kept where only the service reads it, the public one printed."""
    made = new_keys()
    if out is None:
        _keep(made, root, replace=replace)
        say_what_is_next(SECRET, config)
    else:
        _write(made, out, replace=replace)
        typer.echo(f'write into the settings, below [push]:\n  {SECRET} = {{file = "{out.absolute()}"}}')
    typer.echo(f"public key, for the browsers: {made.public}")


@app.command("public")
def public(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """The public key that belongs to the private one of the settings."""
    private = settings_of(config).push.vapid_private_key.get_secret_value()
    if not private:
        raise UsageError(
            "the settings give no push.vapid_private_key here",
            remedy="hybridd push keys makes one; a credential of the service is seen by the service alone",
        )
    try:
        found = public_key(private)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if as_json:
        print_json({"public_key": found})
    else:
        typer.echo(found)


def _keep(made: KeyPair, root: Path, *, replace: bool) -> None:
    if not replace and any(kept.name == SECRET for kept in listed(root)):
        raise UsageError(f"{SECRET} is stored already", remedy=_ALL_ANEW)
    kept = store(SECRET, made.private.encode(), root)
    how = "encrypted for this machine" if kept.encrypted else f"unencrypted, readable by root only ({kept.why_plain})"
    typer.echo(f"the private key is stored, {how}: {kept.path}")


def _write(made: KeyPair, path: Path, *, replace: bool) -> None:
    if not replace and path.exists():
        raise UsageError(f"{path} is there already", remedy=_ALL_ANEW)
    try:
        write_whole(path, made.private + "\n")
    except OSError as error:
        raise HybriddError(f"{path} cannot be written: {error.strerror}", remedy="name another place") from None
    typer.echo(f"the private key is stored, readable by its owner only: {path}")
