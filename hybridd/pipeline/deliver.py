"""Deliver: one courier a channel takes what is due, sends it once, and writes down what came of it."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hybridd.clock import Clock
from hybridd.delivery.breaker import Breaker, BreakerRules, BreakerState, after, ask
from hybridd.delivery.channel import Channel, Illustrated
from hybridd.delivery.links import HERE, alert_link
from hybridd.delivery.render import message_for
from hybridd.delivery.retry import event_of, next_attempt, tells_owner
from hybridd.model.alert import Alert, AlertState
from hybridd.model.change import Reason
from hybridd.model.delivery import Delivery, DeliveryEvent, DeliveryState, Failure, Outcome
from hybridd.pipeline.charts import Charts
from hybridd.pipeline.letters import letter
from hybridd.pipeline.tell import log_delivery
from hybridd.store.store import Store

log = logging.getLogger("hybridd.deliver")

BATCH = 10
ROUND_S = 30.0
"""A round begins no further send after this: a slow server must not make the courier look as if it stood still."""
CHANNEL = ""
"""In place of a recipient: trouble that is the whole channel's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round came to: how many were sent, and when the next one is due (ms UTC), None with nothing to do."""

    sent: int
    next_at: int | None


@dataclass(slots=True, kw_only=True)
class _Sent:
    """A delivery that is under way, or has been sent and is not written down yet."""

    delivery: Delivery
    alert: Alert
    outcome: Outcome


WAITS = frozenset({DeliveryState.PLANNED, DeliveryState.RETRY_WAIT, DeliveryState.UNKNOWN})
BROKE_OFF = Outcome(failure=Failure.UNKNOWN, detail="the program failed while it was sending")


class Courier:
    """Works one channel. Its own breaker and its own thread: a channel in trouble holds up no other."""

    def __init__(
        self,
        *,
        store: Store,
        channel: Channel,
        clock: Clock,
        zone: str,
        public_url: str = "",
        charts: Charts | None = None,
    ) -> None:
        self._store, self._channel, self._clock, self._zone = store, channel, clock, zone
        self._public_url = public_url
        self._charts = charts if isinstance(channel, Illustrated) and channel.wants_image else None
        self._breaker, self._rules = Breaker(), BreakerRules()
        self._troubles: dict[str, str] = {}
        self._sent: deque[_Sent] = deque()
        self.heard = False
        """Whether the channel or its provider has answered anything since the start."""

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
        return "; ".join(dict(self._troubles).values())

    def round(self, stopping: Callable[[], bool]) -> Round:
        """Send what is due. `stopping` is asked before each message, so that an end waits for one send at most."""
        sent, end = 0, self._clock.monotonic() + ROUND_S
        self._write_down()
        for delivery in self._store.outbox.due(self.name, self._clock.now(), limit=BATCH):
            if stopping() or self._clock.monotonic() > end or not self._may_pass():
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
        """With nothing to send, a channel that was in trouble is itself asked whether it is well again."""
        doubtful = self._breaker.state is not BreakerState.CLOSED or CHANNEL in self._troubles or self._was_down()
        if doubtful and self._may_pass():
            self._judge(self._channel.check(), CHANNEL)

    def _was_down(self) -> bool:
        """Whether the person still believes, from before the start, that this channel is down."""
        return not self.heard and self._store.alerts.open_of(Reason.CHANNEL_DOWN, self.name) is not None

    def _one(self, listed: Delivery) -> int:
        # Drawn before the last look at whether the alert still stands, so that nothing lies between that and the send.
        image = self._image(listed)
        taken = self._take(listed.id)
        if taken is None:
            return 0
        alert, leased, was_unknown = taken
        # Noted before it is sent: if this breaks off, the next round finds the lease and says what is known of it.
        note = _Sent(delivery=leased, alert=alert, outcome=BROKE_OFF)
        self._sent.append(note)
        note.outcome = self._send(alert, leased, was_unknown, image)
        self._judge(note.outcome, leased.recipient)
        self._write_down()
        return 1

    def _take(self, delivery_id: int) -> tuple[Alert, Delivery, bool] | None:
        """Lease a delivery if it is still to be sent: since it was listed somebody may have answered its alert."""
        now = self._clock.now()
        with self._store.transaction():
            delivery = self._store.outbox.get(delivery_id)
            if delivery is None or delivery.state not in WAITS:
                return None
            alert = self._store.alerts.get(delivery.alert_id)
            was_unknown = delivery.state is DeliveryState.UNKNOWN
            if alert is None or now >= delivery.deadline:
                self._settle(delivery, alert, DeliveryEvent.EXPIRE, Outcome(detail="too late to be worth sending"))
                return None
            if alert.state is not AlertState.FIRING:
                # What may have arrived cannot be cancelled, but nothing more is sent of what has been answered.
                event = DeliveryEvent.EXPIRE if was_unknown else DeliveryEvent.CANCEL
                self._settle(delivery, alert, event, Outcome(detail=f"the alert is {alert.state}"))
                return None
            leased = self._store.outbox.lease(delivery.id, now)
        return None if leased is None else (alert, leased, was_unknown)

    def _write_down(self) -> None:
        """Settle what was sent; what the state could not take last time comes first."""
        while self._sent:
            done = self._sent[0]
            self._settle(done.delivery, done.alert, event_of(done.outcome), done.outcome)
            self._sent.popleft()

    def _image(self, listed: Delivery) -> bytes:
        if self._charts is None:
            return b""
        alert = self._store.alerts.get(listed.alert_id)
        return self._charts.of(alert) if alert is not None and alert.state is AlertState.FIRING else b""

    def _send(self, alert: Alert, delivery: Delivery, was_unknown: bool, image: bytes) -> Outcome:
        repeat = was_unknown and not self._channel.idempotent
        link = alert_link(self._public_url, alert.id, here=self.name in HERE)
        message = letter(self._store, alert, delivery) or message_for(
            alert, delivery, zone=self._zone, repeat=repeat, link=link, image=image
        )
        found = self._channel.find(message) if repeat else None
        return found or self._channel.send(message)

    def _judge(self, outcome: Outcome, recipient: str) -> None:
        """Learn from an answer. A bad address or message is that recipient's trouble, all else the whole channel's."""
        self._breaker = after(self._breaker, outcome, self._clock.now(), self._rules)
        down = CHANNEL in self._troubles or self._breaker.state is BreakerState.OPEN or self._was_down()
        if outcome.failure in {None, Failure.ADDRESS, Failure.MESSAGE}:
            self._troubles.pop(CHANNEL, None)
            self._troubles.pop(recipient, None)
            if outcome.failure is not None:
                self._troubles[recipient] = outcome.detail
        elif down or tells_owner(outcome):
            self._troubles[CHANNEL] = outcome.detail
        self.heard = True

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
