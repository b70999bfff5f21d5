"""Deliver: one courier a channel takes what is due, sends it once, and writes down what came of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from hybridd.clock import Clock
from hybridd.delivery.breaker import Breaker, BreakerRules, BreakerState, after, ask
from hybridd.delivery.channel import Channel
from hybridd.delivery.render import message_for
from hybridd.delivery.retry import event_of, next_attempt, tells_owner
from hybridd.model.alert import Alert, AlertState
from hybridd.model.delivery import Delivery, DeliveryEvent, DeliveryState, Failure, Outcome
from hybridd.pipeline.tell import log_delivery
from hybridd.store.store import Store

log = logging.getLogger("hybridd.deliver")

BATCH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round came to: how many were sent, and when the next one is due (ms UTC), None with nothing to do."""

    sent: int
    next_at: int | None


class Courier:
    """Works one channel. Its own breaker and its own thread: a channel in trouble holds up no other."""

    def __init__(self, *, store: Store, channel: Channel, clock: Clock, zone: str) -> None:
        self._store, self._channel, self._clock, self._zone = store, channel, clock, zone
        self._breaker, self._rules = Breaker(), BreakerRules()
        self._trouble = ""

    @property
    def name(self) -> str:
        """The channel's."""
        return self._channel.name

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom this channel reaches."""
        return self._channel.recipients

    @property
    def trouble(self) -> str:
        """What keeps this channel from working, as one line; "" when it works."""
        return self._trouble

    def round(self, stopping: Callable[[], bool]) -> Round:
        """Send what is due. `stopping` is asked before each message, so that an end waits for one send at most."""
        sent = 0
        for delivery in self._store.outbox.due(self.name, self._clock.now(), limit=BATCH):
            if stopping() or not self._may_pass():
                break
            sent += self._one(delivery)
        else:
            self._probe()
        return Round(sent=sent, next_at=self._next_at())

    def drain(self) -> None:
        """Send until nothing is due any more; for a single run, where nobody comes back in a moment."""
        while self.round(lambda: False).sent:
            pass

    def close(self) -> None:
        """Let go of the channel."""
        self._channel.close()

    def _next_at(self) -> int | None:
        due = self._store.outbox.next_due(self.name)
        if self._breaker.state is BreakerState.OPEN:
            return max(self._breaker.probe_at, due or 0)
        return due

    def _may_pass(self) -> bool:
        passes, self._breaker = ask(self._breaker, self._clock.now())
        return passes

    def _probe(self) -> None:
        """A breaker that is open with nothing to send asks the channel itself whether it is well again."""
        if self._breaker.state is BreakerState.OPEN and self._may_pass():
            self._judge(self._channel.check())

    def _one(self, delivery: Delivery) -> int:
        now = self._clock.now()
        alert = self._store.alerts.get(delivery.alert_id)
        if alert is None or now >= delivery.deadline:
            self._settle(delivery, alert, DeliveryEvent.EXPIRE, Outcome(detail="too late to be worth sending"))
            return 0
        if alert.state is not AlertState.FIRING and delivery.state is not DeliveryState.UNKNOWN:
            self._settle(delivery, alert, DeliveryEvent.CANCEL, Outcome(detail=f"the alert is {alert.state}"))
            return 0
        was_unknown = delivery.state is DeliveryState.UNKNOWN
        leased = self._store.outbox.lease(delivery.id, now)
        if leased is None:
            return 0
        outcome = self._send(alert, leased, was_unknown)
        self._judge(outcome)
        self._settle(leased, alert, event_of(outcome), outcome)
        return 1

    def _send(self, alert: Alert, delivery: Delivery, was_unknown: bool) -> Outcome:
        repeat = was_unknown and not self._channel.idempotent
        message = message_for(alert, delivery, zone=self._zone, repeat=repeat)
        found = self._channel.find(message) if repeat else None
        return found or self._channel.send(message)

    def _judge(self, outcome: Outcome) -> None:
        self._breaker = after(self._breaker, outcome, self._clock.now(), self._rules)
        if outcome.failure is None:
            self._trouble = ""
        elif tells_owner(outcome) or self._breaker.state is BreakerState.OPEN:
            self._trouble = outcome.detail

    def _settle(self, delivery: Delivery, alert: Alert | None, event: DeliveryEvent, outcome: Outcome) -> None:
        now = self._clock.now()
        next_at = None
        if event is DeliveryEvent.RETRY or outcome.failure is Failure.UNKNOWN:
            next_at = next_attempt(now, delivery.attempts, key=delivery.key, retry_after=outcome.retry_after)
        with self._store.transaction():
            settled = self._store.outbox.settle(
                delivery.id, event, now=now, next_at=next_at, provider_id=outcome.provider_id, reason=outcome.detail
            )
            data = {"alert": delivery.alert_id, "channel": self.name, "state": settled.state.value}
            self._store.audit.append("hybridd", "delivery", str(delivery.id), {**data, "detail": outcome.detail}, now)
            self._store.events.append("delivery", alert.subject if alert else "", data, now)
        log_delivery(settled, alert)
