"""A test alert by the real way: into the outbox, out through the channels, with what each provider said."""

from collections.abc import Callable, Mapping, Sequence

from hybridd.alerts.compose import health_alert
from hybridd.alerts.routing import Route, Step
from hybridd.errors import UsageError
from hybridd.model.change import Reason, Severity, Verdict
from hybridd.model.delivery import Delivery, DeliveryState
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.record import post
from hybridd.store.store import Store

LIVES_MS = 300_000
UNTRIED = frozenset({DeliveryState.PLANNED, DeliveryState.LEASED})


ASKED = "somebody asked for it with `hybridd alerts test`"


def post_test(
    store: Store,
    channels: Mapping[str, Sequence[str]],
    names: Sequence[str],
    now: int,
    *,
    reason: Reason = Reason.TEST,
    detail: str = ASKED,
    lives_ms: int = LIVES_MS,
) -> int:
    """Put a test alert into the outbox, for the named channels or for all that are set up; returns its id."""
    unknown = [name for name in names if name not in channels]
    if unknown:
        raise UsageError(
            f'channel "{unknown[0]}" is not set up', remedy=f"those set up are: {', '.join(channels)}; see the settings"
        )
    wanted = tuple(names or channels)
    route = Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=wanted),))
    alert = health_alert(reason, "hybridd", detail, now, lives_ms, simulated=False)
    chosen = {name: to for name, to in channels.items() if name in wanted}
    with store.transaction():
        posted = post(store, alert, (route,), chosen, now, also_disabled=True)
        if posted is None:
            raise UsageError("a test alert was made this very moment", remedy="wait for a second and try again")
        store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=posted.id)
    return posted.id


def outcome(store: Store, alert_id: int) -> list[Delivery]:
    """What became of the test so far."""
    return store.outbox.of_alert(alert_id)


def is_tried(store: Store, alert_id: int) -> bool:
    """Whether every delivery of the test has been tried: one that must wait for its next attempt tells enough."""
    return not any(delivery.state in UNTRIED for delivery in outcome(store, alert_id))


def deliver_test(store: Store, couriers: Sequence[Courier], alert_id: int, give_up: Callable[[], bool]) -> None:
    """Run the couriers until the test has been tried everywhere, or `give_up` says so."""
    while not is_tried(store, alert_id) and not give_up():
        sent = sum(courier.round(give_up).sent for courier in couriers)
        if not sent:
            return
