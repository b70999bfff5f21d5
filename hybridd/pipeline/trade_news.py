"""What a broker did, told to the person: an alert in the same transaction as the fill or refusal that it tells of."""

from collections.abc import Mapping, Sequence

from hybridd.alerts.compose import execution_alert
from hybridd.alerts.routing import Route
from hybridd.clock import Clock
from hybridd.model.change import Reason, Verdict
from hybridd.pipeline.fills import Tell
from hybridd.pipeline.record import post
from hybridd.store.store import Store

LIVES_MS = 86_400_000
"""What happened to money is worth knowing for a day, however late it comes."""


def teller(
    store: Store, routes: Sequence[Route], channels: Mapping[str, Sequence[str]], clock: Clock, *, simulated: bool
) -> Tell:
    """A Tell that puts alerts into the outbox; the same news of the same thing is told once."""

    def tell(reason: Reason, subject: str, words: str) -> None:
        now = clock.now()
        alert = execution_alert(reason, subject, words, now, LIVES_MS, simulated=simulated)
        stored = post(store, alert, routes, channels, now)
        if stored is not None:
            store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=stored.id)

    return tell
