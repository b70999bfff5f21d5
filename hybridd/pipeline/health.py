"""hybridd's own health: conditions that are or are not, told when they begin and when they end."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hybridd.alerts.compose import health_alert, resolution
from hybridd.alerts.routing import JOURNAL, Route
from hybridd.clock import Clock
from hybridd.model.alert import Alert, AlertEvent, AlertState
from hybridd.model.change import HEALTH, Change, Reason, Suppression, Verdict
from hybridd.model.delivery import TOLD, DeliveryState
from hybridd.model.silence import Circumstances
from hybridd.pipeline.record import post
from hybridd.store.store import Store

DAY_MS = 86_400_000
MAY_KNOW = TOLD | {DeliveryState.LEASED, DeliveryState.UNKNOWN}
FIRING_LIVES_MS = 7 * DAY_MS
"""News of trouble is worth sending as long as the trouble lasts; what lasts a week is told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is wrong now, with the numbers that say so in `detail`."""

    reason: Reason
    subject: str
    detail: str


class HealthBook:
    """Compares what is wrong with what has been told. The open alerts are the memory: a restart repeats nothing."""

    def __init__(
        self,
        *,
        store: Store,
        routes: Sequence[Route],
        channels: Mapping[str, Sequence[str]],
        clock: Clock,
        simulated: bool,
    ) -> None:
        self._store, self._routes, self._channels, self._clock = store, routes, channels, clock
        self._simulated = simulated
        self._gone_since: dict[tuple[Reason, str], int] = {}

    def reconcile(self, conditions: Iterable[Condition], undecided: Collection[tuple[Reason, str]] = ()) -> list[Alert]:
        """Tell of what began and of what ended; returns the alerts that were made.

        `undecided`: reasons and subjects that nothing is known of yet, as after a start: they have not ended.
        """
        now = self._clock.now()
        silences = Circumstances(silences=self._store.silences.active(now))
        wrong = {(c.reason, c.subject): c for c in conditions}
        open_alerts = {(a.reasons[0], a.subject): a for a in self._open()}
        made = [self._fire(c, now, silences) for key, c in wrong.items() if key not in open_alerts]
        for key, alert in open_alerts.items():
            if key in wrong or key in undecided:
                self._gone_since.pop(key, None)
            elif now - self._gone_since.setdefault(key, now) >= self._clear_ms(key):
                del self._gone_since[key]
                made.append(self._resolve(alert, now))
        return [alert for alert in made if alert is not None]

    def open_conditions(self) -> list[Alert]:
        """What is being told of now, oldest first."""
        return sorted(self._open(), key=lambda alert: alert.created_at)

    def _clear_ms(self, key: tuple[Reason, str]) -> int:
        # A feed that delivers again is well at once; what flutters must be quiet for a minute.
        return 0 if key[0] in {Reason.FEED_STALE, Reason.BRAIN_FAILED, Reason.CHANNEL_DOWN} else 60_000

    def _open(self) -> list[Alert]:
        states = (AlertState.FIRING, AlertState.ACKED)
        found = [a for state in states for a in self._store.alerts.list(limit=1000, state=state, reasons=HEALTH)]
        return [alert for alert in found if not alert.resolves]

    def _fire(self, condition: Condition, now: int, silences: Circumstances) -> Alert | None:
        alert = health_alert(
            condition.reason, condition.subject, condition.detail, now, FIRING_LIVES_MS, simulated=self._simulated
        )
        silence = silences.silence_of(alert.changes[0])
        with self._store.transaction():
            if silence is not None:
                self._suppress(alert.changes[0], f"silence {silence.id}", now)
                return None
            return self._post(alert, self._channels, now)

    def _suppress(self, change: Change, because: str, now: int) -> None:
        """Note once that a silence covers what is wrong; what still is at its end is told then."""
        known = self._store.changes.newest(change.reason, change.subject)
        if known is None or known.because != because:
            verdict = Verdict(change=change, suppressed=Suppression.SILENCED, because=because)
            self._store.changes.add(verdict, analysis_id=None, alert_id=None, now=now)

    def _resolve(self, alert: Alert, now: int) -> Alert | None:
        with self._store.transaction():
            told = self._told(alert)
            self._store.outbox.cancel_for(alert.id, now, "it is over")
            self._store.alerts.advance(alert.id, AlertEvent.RESOLVE, now=now, actor="hybridd")
            return self._post(resolution(alert, now, DAY_MS), told, now)

    def _told(self, alert: Alert) -> dict[str, list[str]]:
        """Only who heard of the trouble, or may have, hears of its end."""
        told: dict[str, list[str]] = {JOURNAL: [JOURNAL]}
        for delivery in self._store.outbox.of_alert(alert.id):
            if delivery.state in MAY_KNOW and delivery.recipient not in told.setdefault(delivery.channel, []):
                told[delivery.channel].append(delivery.recipient)
        return told

    def _post(self, alert: Alert, channels: Mapping[str, Sequence[str]], now: int) -> Alert | None:
        stored = post(self._store, alert, self._routes, channels, now)
        if stored is not None:
            self._store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=stored.id)
        return stored
