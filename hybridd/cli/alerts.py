"""`hybridd alerts`: history, why somebody was or was not told, acknowledgement, and a test of the way."""

import getpass
from typing import Annotated, Any

import typer

from hybridd.cli.addresses import enable
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
from hybridd.clock import SystemClock
from hybridd.daemon.journal import setup_logging
from hybridd.delivery.render import render
from hybridd.errors import UsageError
from hybridd.library.trial import send_test
from hybridd.model.alert import Alert, AlertState
from hybridd.model.delivery import TOLD, Delivery
from hybridd.model.state import IllegalTransition
from hybridd.pipeline.answers import acknowledge
from hybridd.store.store import Store

app = typer.Typer(name="alerts", help="What was told, to whom, and why.", no_args_is_help=True)
app.command("enable")(enable)

HOUR_MS = 3_600_000
"""`why` shows what was found, told or held back in the hour before an alert."""

AlertId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="As `hybridd alerts list` shows it.")]


@app.command("list")
def list_command(
    config: ConfigPath = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    state: Annotated[AlertState | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """Alerts, newest first."""
    settings = settings_of(config)
    with state_of(settings) as store:
        rows = [(alert, store.outbox.of_alert(alert.id)) for alert in store.alerts.list(limit=limit, state=state)]
    if as_json:
        print_json([alert_json(alert, deliveries) for alert, deliveries in rows])
        return
    if not rows:
        say("no alerts yet" if state is None else f"no alert is {state}")
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
        alert = _get(store, alert_id)
        deliveries = store.outbox.of_alert(alert_id)
    if as_json:
        print_json(alert_json(alert, deliveries))
        return
    text = render(alert, zone=settings.alerts.timezone)
    say(text.title, style="bold")
    say(text.text)
    _deliveries(deliveries)


@app.command("why")
def why(alert_id: AlertId, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Why somebody was or was not told: the changes found, the verdict on each, the fate of each delivery."""
    with state_of(settings_of(config)) as store:
        alert = _get(store, alert_id)
        deliveries = store.outbox.of_alert(alert_id)
        around = [v for v in store.changes.list(500, alert.subject) if -HOUR_MS <= v.change.at - alert.created_at <= 0]
    if as_json:
        changes = [
            {
                "reason": v.change.reason,
                "before": v.change.before,
                "after": v.change.after,
                "at": v.change.at,
                "suppressed": v.suppressed,
            }
            for v in around
        ]
        print_json({"alert": alert_json(alert, deliveries), "changes": changes})
        return
    rows = [
        [when(v.change.at), v.change.reason, _value(v.change.before), _value(v.change.after), v.suppressed or "told"]
        for v in around
    ]
    table(f"alert {alert.id} of {alert.subject}", ["at", "reason", "before", "after", "verdict"], rows)
    _deliveries(deliveries)


@app.command("ack")
def ack(alert_id: AlertId, config: ConfigPath = None) -> None:
    """Say that you have seen it: no further steps are taken. It approves nothing."""
    with state_of(settings_of(config)) as store:
        _get(store, alert_id)
        try:
            acknowledge(store, alert_id, f"cli:{getpass.getuser()}", SystemClock().now())
        except IllegalTransition:
            state = _get(store, alert_id).state
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
    # What the daemon sends, it sends with its own secrets: whoever asks it need not know them.
    settings = settings_of(config, need_secrets=not real)
    setup_logging(level="warning")
    with waiting("waiting for what the providers say"):
        outcomes = send_test(settings, channels or [], real=real)
    if as_json:
        print_json([_delivery_json(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            detail = f" ({outcome.reason})" if outcome.reason else ""
            say(f"{outcome.channel} to {outcome.recipient}: {outcome.state}{detail}")
    if any(outcome.state not in TOLD for outcome in outcomes):
        raise typer.Exit(FAILED)


def alert_json(alert: Alert, deliveries: list[Delivery]) -> dict[str, Any]:
    """An alert with its deliveries as plain values."""
    a = alert.analysis
    return {
        "id": alert.id,
        "key": alert.key,
        "subject": alert.subject,
        "reasons": [reason.value for reason in alert.reasons],
        "severity": alert.severity.value,
        "state": alert.state.value,
        "created_at": alert.created_at,
        "expires_at": alert.expires_at,
        "simulated": alert.simulated,
        "score": a.score if a else None,
        "signal": a.signal.value if a else None,
        "confidence": a.confidence if a else None,
        "price": a.price if a else None,
        "candle_close": a.candle_close if a else None,
        "deliveries": [_delivery_json(delivery) for delivery in deliveries],
    }


def _delivery_json(d: Delivery) -> dict[str, Any]:
    return {
        "channel": d.channel,
        "recipient": d.recipient,
        "step": d.step,
        "state": d.state.value,
        "attempts": d.attempts,
        "next_at": d.next_at,
        "provider_id": d.provider_id,
        "reason": d.reason,
    }


def _get(store: Store, alert_id: int) -> Alert:
    alert = store.alerts.get(alert_id)
    if alert is None:
        raise UsageError(f"there is no alert {alert_id}", remedy="`hybridd alerts list` shows those there are")
    return alert


def _sum_up(deliveries: list[Delivery]) -> str:
    return ", ".join(f"{d.channel} {d.state}" for d in deliveries) or "none"


def _value(value: str | float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _deliveries(deliveries: list[Delivery]) -> None:
    rows = [[d.channel, d.recipient, d.step, d.state, d.attempts, d.reason or d.provider_id or ""] for d in deliveries]
    table("", ["channel", "recipient", " step", "state", " attempts", "what the provider said"], rows)
