"""Deliver: one courier a channel takes what is due, sends it once, and writes down what came of it."""

import logging
from collections import deque
from collections.abc import Callable

from hybridd.clock import Clock
from hybridd.delivery.breaker import Breaker, BreakerRules, BreakerState, after, ask
from hybridd.delivery.channel import Channel, Illustrated, Reports
from hybridd.delivery.retry import LONGEST_S, event_of, next_attempt, tells_owner
from hybridd.model.alert import Alert, AlertState
from hybridd.model.change import Reason
from hybridd.model.delivery import (
    ABSENT,
    DELIVERY_TABLE,
    WAITS,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Failure,
    Outcome,
)
from hybridd.pipeline.aftermath import fail_over, follow
from hybridd.pipeline.charts import Charts
from hybridd.pipeline.receipts import FIRST_ASK_MS
from hybridd.pipeline.restrain import Restraint
from hybridd.pipeline.sending import ANSWERED, ASKED_S, BROKE_OFF, HAPPENED, NOT_TWICE, SURE_MS, Round, Sent
from hybridd.pipeline.tell import log_delivery
from hybridd.pipeline.wording import Wording
from hybridd.store.store import Store

log = logging.getLogger("hybridd.deliver")

BATCH = 10
ROUND_S = 30.0
"""A round begins no further send after this: a slow server must not make the courier look as if it stood still."""
CHANNEL = ""
"""In place of a recipient: trouble that is the whole channel's."""


class Courier:
    """Works one channel. Its own breaker and its own thread: a channel in trouble holds up no other.

    `blocked` is shared by all couriers: the names of the channels whose breakers are open.
    """

    def __init__(
        self,
        *,
        store: Store,
        channel: Channel,
        clock: Clock,
        zone: str,
        public_url: str = "",
        charts: Charts | None = None,
        blocked: set[str] | None = None,
        restraint: Restraint | None = None,
        key: bytes = b"",
    ) -> None:
        self._store, self._channel, self._clock = store, channel, clock
        self._wording = Wording(store=store, zone=zone, public_url=public_url, key=key)
        self._charts = charts if isinstance(channel, Illustrated) and channel.wants_image else None
        self._blocked: set[str] = set() if blocked is None else blocked
        self._restraint = restraint
        self._account, self._hurried = False, False
        self._breaker, self._rules = Breaker(), BreakerRules()
        self._troubles: dict[str, str] = {}
        self._sent: deque[Sent] = deque()
        self.heard = False
        """Whether the channel or its provider has answered anything since the start."""

    @property
    def name(self) -> str:
        """The channel's."""
        return self._channel.name

    @property
    def channel(self) -> Channel:
        """The channel itself, for whoever listens to it or asks it for receipts."""
        return self._channel

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom this channel reaches."""
        return self._channel.recipients

    @property
    def proves(self) -> bool:
        """Whether that a message was taken means something: not where nobody says what becomes of it."""
        return bool(getattr(self._channel, "proves", True))

    @property
    def trouble(self) -> str:
        """What keeps this channel from working, as one line; "" when it works."""
        return "; ".join(dict(self._troubles).values())

    def round(self, stopping: Callable[[], bool]) -> Round:
        """Send what is due. `stopping` is asked before each message, so that an end waits for one send at most."""
        sent, end = 0, self._clock.monotonic() + ROUND_S
        self._hurried = False
        self._write_down()
        due = self._due()
        for delivery, segments in due:
            if stopping() or self._clock.monotonic() > end:
                break
            if not self._may_pass():
                self._pass_on([waiting for waiting, _ in due])
                break
            sent += self._one(delivery, segments)
        else:
            self._probe()
        return Round(sent=sent, next_at=self._next_at(), hurried=self._hurried)

    def _due(self) -> list[tuple[Delivery, int]]:
        """What may go now, with what it costs in SMS segments. Nothing goes that restraint has not looked at."""
        now = self._clock.now()
        if self._restraint is None:
            return [(delivery, 0) for delivery in self._store.outbox.due(self.name, now, limit=BATCH)]
        allowed = self._restraint.allowed(self.name, now, BATCH)
        found = (self._store.outbox.get(delivery_id) for delivery_id in allowed)
        return [(delivery, allowed[delivery.id]) for delivery in found if delivery is not None]

    def drain(self) -> int:
        """Send until nothing is due any more; for a single run, where nobody comes back in a moment. How many."""
        total = 0
        while sent := self.round(lambda: False).sent:
            total += sent
        return total

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

    def _pass_on(self, due: list[Delivery]) -> None:
        """Behind an open breaker nothing is sent for a while: whoever comes next in the route need not wait for it."""
        now = self._clock.now()
        for delivery in due:
            with self._store.transaction():
                passed = fail_over(self._store, delivery, now, blocked=set(self._blocked), at_once=self._account)
            self._hurried = self._hurried or passed

    def _probe(self) -> None:
        """With nothing to send, a channel that was in trouble is itself asked whether it is well again."""
        doubtful = self._breaker.state is not BreakerState.CLOSED or CHANNEL in self._troubles or self._was_down()
        if doubtful and self._may_pass():
            self._judge(self._channel.check(), CHANNEL)

    def _was_down(self) -> bool:
        """Whether the person still believes, from before the start, that this channel is down."""
        return not self.heard and self._store.alerts.open_of(Reason.CHANNEL_DOWN, self.name) is not None

    def _one(self, listed: Delivery, segments: int) -> int:
        # Drawn before the last look at whether the alert still stands, so that nothing lies between that and the send.
        image = self._image(listed)
        taken = self._take(listed.id, segments)
        if taken is None:
            return 0
        alert, leased, was_unknown = taken
        # Noted before it is sent: if this breaks off, the next round finds the lease and says what is known of it.
        note = Sent(delivery=leased, alert=alert, outcome=BROKE_OFF)
        self._sent.append(note)
        note.outcome = self._send(alert, leased, was_unknown, image)
        self._judge(note.outcome, leased.recipient)
        self._write_down()
        return 1

    def _take(self, delivery_id: int, segments: int = 0) -> tuple[Alert, Delivery, bool] | None:
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
            if leased is not None and segments:
                self._store.holds.charge(leased.id, self.name, segments, now)
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
        """Send it, or find out whether it has been sent: what may have arrived is repeated once, and says so."""
        repeat = (was_unknown or delivery.repeated) and not self._channel.idempotent
        message = self._wording.message(alert, delivery, repeat=repeat, image=image)
        if not repeat:
            return self._channel.send(message)
        found = self._channel.find(self._wording.asked_for(message, alert, delivery))
        if found not in (None, ABSENT):
            return found
        sure = found == ABSENT and self._clock.now() - self._store.attempts.before(delivery) > SURE_MS
        if was_unknown and delivery.repeated and not sure:
            return NOT_TWICE
        return self._channel.send(message) if self._may_repeat(delivery) else ANSWERED

    def _may_repeat(self, delivery: Delivery) -> bool:
        """Begin the one repeat, unless somebody has answered while the provider was asked."""
        with self._store.transaction():
            alert = self._store.alerts.get(delivery.alert_id)
            if alert is None or alert.state is not AlertState.FIRING:
                return False
            self._store.outbox.mark_repeated(delivery.id)
        return True

    def _judge(self, outcome: Outcome, recipient: str) -> None:
        """Learn from an answer. A bad message is that recipient's trouble, all but a bad address else the channel's."""
        if outcome in (NOT_TWICE, ANSWERED):
            return  # nothing was sent
        self._breaker = after(self._breaker, outcome, self._clock.now(), self._rules)
        down = CHANNEL in self._troubles or self._breaker.state is BreakerState.OPEN or self._was_down()
        if outcome.failure in {None, Failure.ADDRESS, Failure.MESSAGE}:
            self._troubles.pop(CHANNEL, None)
            self._troubles.pop(recipient, None)
            if outcome.failure is Failure.MESSAGE:
                self._troubles[recipient] = outcome.detail
        elif down or tells_owner(outcome):
            self._troubles[CHANNEL] = outcome.detail
        self.heard = True
        self._account = outcome.failure is Failure.ACCOUNT
        if self._breaker.state is BreakerState.CLOSED:
            self._blocked.discard(self.name)
        else:
            self._blocked.add(self.name)

    def _settle(self, delivery: Delivery, alert: Alert | None, event: DeliveryEvent, outcome: Outcome) -> None:
        now = self._clock.now()
        with self._store.transaction():
            if not self._is_mine(delivery, event):
                log.warning("delivery %d was given up before its outcome came: %s", delivery.id, outcome.detail)
                return
            settled = self._store.outbox.settle(
                delivery.id,
                event,
                now=now,
                next_at=self._again(delivery, event, outcome, now),
                provider_id=outcome.provider_id,
                reason=outcome.detail,
            )
            if event is DeliveryEvent.RETRY:
                self._store.holds.refund(delivery.id)
            data = {"alert": delivery.alert_id, "channel": self.name, "state": settled.state.value}
            self._store.audit.append("hybridd", "delivery", str(delivery.id), {**data, "detail": outcome.detail}, now)
            self._store.events.append("delivery", alert.subject if alert else "", data, now)
            if outcome.shown:
                self._store.events.append("message", alert.subject if alert else "", outcome.shown, now)
            hurried = follow(self._store, settled, outcome.failure, now, blocked=set(self._blocked))
        self._hurried = self._hurried or hurried
        log_delivery(settled, alert)

    def _is_mine(self, delivery: Delivery, event: DeliveryEvent) -> bool:
        """Whether nobody has taken the lease for lost meanwhile; what has arrived is believed all the same."""
        current = self._store.outbox.get(delivery.id)
        if current is None or current.attempts != delivery.attempts:
            return False
        taken_back = delivery.state is DeliveryState.LEASED and current.state is not DeliveryState.LEASED
        return (current.state, event) in DELIVERY_TABLE and (not taken_back or event in HAPPENED)

    def _again(self, delivery: Delivery, event: DeliveryEvent, outcome: Outcome, now: int) -> int | None:
        """When somebody has to look at it next: to send it again, or to ask what became of it."""
        if event is DeliveryEvent.RETRY or outcome.failure is Failure.UNKNOWN:
            # What is only asked for, and not sent, is asked for ever more seldom.
            cap_s = ASKED_S if outcome == NOT_TWICE else LONGEST_S
            return next_attempt(now, delivery.attempts, key=delivery.key, cap_s=cap_s, retry_after=outcome.retry_after)
        return now + FIRST_ASK_MS if event is DeliveryEvent.ACCEPT and isinstance(self._channel, Reports) else None
