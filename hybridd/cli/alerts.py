"""`hybridd alerts`: history, why somebody was or was not told, acknowledgement, and a test of the way."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from hybridd.cli.addresses import enable
from hybridd.cli.alerts_export import Since, export, moment_of
from hybridd.cli.alerts_json import AlertId, alert_json, alert_of, delivery_json
from hybridd.cli.alerts_why import why
from hybridd.cli.shared import (
    FAILED,
    AsJson,
    ConfigPath,
    print_json,
    say,
    settings_of,
    state_of,
    table,
    waiting,
    when,
)
from hybridd.daemon.journal import setup_logging
from hybridd.delivery.render import render
from hybridd.errors import UsageError
from hybridd.library.trial import send_test
from hybridd.model.alert import AlertState
from hybridd.model.delivery import TOLD, Delivery
from hybridd.model.state import IllegalTransition
from hybridd.pipeline.acknowledge import acknowledge
from hybridd.pipeline.heartbeat import clock_of

app = typer.Typer(name="alerts", help="What was told, to whom, and why.", no_args_is_help=True)
app.command("enable")(enable)
app.command("why")(why)
app.command("export")(export)


@app.command("list")
def list_command(
    config: ConfigPath = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    state: Annotated[AlertState | None, typer.Option(help="Only those in this state.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only of this market, trade or channel.")] = None,
    since: Since = None,
    missed: Annotated[bool, typer.Option("--missed", help="Only those that reached nobody in time.")] = False,
) -> None:
    """Alerts, newest first."""
    settings = settings_of(config)
    begin = moment_of(since)
    with state_of(settings) as store:
        found = store.history.find(limit, state=state, subject=subject, since=begin, missed=missed)
        rows = [(alert, store.outbox.of_alert(alert.id)) for alert in found]
    if as_json:
        print_json([alert_json(alert, deliveries) for alert, deliveries in rows])
        return
    if not rows:
        every = state is None and subject is None and since is None and not missed
        say("no alerts yet" if every else "no alert is like that" if state is None else f"no alert is {state}")
        return
    zone = settings.alerts.timezone
    table(
        "",
        [" id", "made at", "state", "alert", "deliveries"],
        [
            [alert.id, when(alert.created_at), alert.state, render(alert, zone=zone).title, _sum_up(deliveries)]
            for alert, deliveries in rows
        ],
    )


@app.command("show")
def show(alert_id: AlertId, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """One alert as it was told, and what became of each delivery."""
    settings = settings_of(config)
    with state_of(settings) as store:
        alert = alert_of(store, alert_id)
        deliveries = store.outbox.of_alert(alert_id)
    if as_json:
        print_json(alert_json(alert, deliveries))
        return
    text = render(alert, zone=settings.alerts.timezone)
    say(text.title, style="bold")
    say(text.text)
    _deliveries(deliveries)


@app.command("ack")
def ack(alert_id: AlertId, config: ConfigPath = None) -> None:
    """Say that you have seen it: no further steps are taken. It approves nothing."""
    with state_of(settings_of(config)) as store:
        alert_of(store, alert_id)
        try:
            acknowledge(store, alert_id, f"cli:{getpass.getuser()}", clock_of(store).now())
        except IllegalTransition:
            state = alert_of(store, alert_id).state
            raise UsageError(f"alert {alert_id} is {state} already", remedy="nothing is left to do") from None
    typer.echo(f"alert {alert_id} is acknowledged")


@app.command("test")
def send(
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="Default: all that are set up.")
    ] = None,
    real: Annotated[
        bool, typer.Option("--real", help="By the daemon that runs, with its secrets, or not at all.")
    ] = False,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Send a test alert by the real way: rules, outbox, channels. Says what each provider answered."""
    _send(channels, config, as_json=as_json, real=real, drill=False)


@app.command("drill")
def drill(
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="Default: all that reach a person.")
    ] = None,
    real: Annotated[
        bool, typer.Option("--real", help="By the daemon that runs, with its secrets, or not at all.")
    ] = False,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Make the weekly drill now: a marked test of the way to you. A channel that fails it is told as down."""
    _send(channels, config, as_json=as_json, real=real, drill=True)


def _send(channels: list[str] | None, config: Path | None, *, as_json: bool, real: bool, drill: bool) -> None:
    # What the daemon sends, it sends with its own secrets: whoever asks it need not know them.
    settings = settings_of(config, need_secrets=not real)
    setup_logging(level="warning")
    with waiting("waiting for what the providers say"):
        outcomes = send_test(settings, channels or [], real=real, drill=drill)
    if as_json:
        print_json([delivery_json(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            detail = f" ({outcome.reason})" if outcome.reason else ""
            say(f"{outcome.channel} to {outcome.recipient}: {outcome.state}{detail}")
    if any(outcome.state not in TOLD for outcome in outcomes):
        raise typer.Exit(FAILED)


def _sum_up(deliveries: list[Delivery]) -> str:
    return ", ".join(f"{d.channel} {d.state}" for d in deliveries) or "none"


def _deliveries(deliveries: list[Delivery]) -> None:
    rows = [[d.channel, d.recipient, d.step, d.state, d.attempts, d.reason or d.provider_id or ""] for d in deliveries]
    table("", ["channel", "recipient", " step", "state", " attempts", "what the provider said"], rows)
