"""`hybridd alerts enable`: send to an address again that was given up."""

import getpass
from typing import Annotated

import typer

from hybridd.cli.shared import ConfigPath, settings_of, state_of
from hybridd.errors import UsageError
from hybridd.pipeline.addresses import enable_address
from hybridd.pipeline.heartbeat import clock_of


def enable(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="As `hybridd status` shows it.")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The recipient that was given up.")],
    config: ConfigPath = None,
) -> None:
    """Send to an address again that was disabled because its provider said that nobody is there."""
    with state_of(settings_of(config)) as store:
        done = enable_address(store, channel, address, f"cli:{getpass.getuser()}", clock_of(store).now())
        disabled = ", ".join(f"{a.channel} {a.address}" for a in store.addresses.disabled())
    if not done:
        remedy = f"these are: {disabled}" if disabled else "no address is"
        raise UsageError(f"{channel} {address} is not disabled", remedy=remedy)
    typer.echo(f"alerts go to {address} by {channel} again")
