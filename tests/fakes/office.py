"""The outbox, restraint and couriers on a clock that is driven: what a person would have on the phone, and when."""

from hybridd.alerts.compose import health_alert
from hybridd.alerts.restraint import RestraintRules
from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import Alert
from hybridd.model.change import Change, Reason, Severity, Verdict
from hybridd.model.delivery import DeliveryState
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.record import post
from hybridd.pipeline.restrain import Restraint
from hybridd.store.store import open_store
from tests.makers import analysis

TTL = 900_000


class Office:
    """`restart` forgets all that is not in the state. `sent` holds (instant, channel, title) of every message."""

    def __init__(self, start, *, rules, channels=("push", "sms", "email"), url="sqlite://:memory:", zone="UTC"):
        self.clock, self.rules, self.url, self.zone = ManualClock(start), rules, url, zone
        self.channels = {name: MemoryChannel(name, recipients=(f"me by {name}",)) for name in channels}
        self.routes = (Route(severities=frozenset(Severity), steps=(Step(after_ms=0, channels=tuple(channels)),)),)
        self.sent, self.seen = [], dict.fromkeys(channels, 0)
        self.store, self.made = None, 0
        self.restart()

    def restart(self):
        if self.store is None or self.url != "sqlite://:memory:":
            self.close()
            self.store = open_store(self.url, clock=self.clock)
        self.store.outbox.recover(self.clock.now())
        addresses = {name: channel.recipients for name, channel in self.channels.items()}
        restraint = Restraint(
            store=self.store, rules=self.rules, routes=self.routes, channels=addresses, zone=self.zone, simulated=False
        )
        self.couriers = [
            Courier(store=self.store, channel=channel, clock=self.clock, zone=self.zone, restraint=restraint)
            for channel in self.channels.values()
        ]

    def market(self, symbol="BTC/USDT", *, lives=TTL):
        """A change of signal; the id of its alert."""
        change = Change(
            subject=symbol, reason=Reason.SIGNAL_CHANGED, at=self.clock.now(), before="NEUTRAL", after="LONG"
        )
        return self._put(change, lives, analysis=analysis(78, "LONG", symbol=symbol, at=self.clock.now()))

    def trouble(self, reason=Reason.FEED_STALE, subject="BTC/USDT", *, lives=TTL):
        """Something about hybridd itself; the id of its alert."""
        made = health_alert(reason, subject, "it is so", self.clock.now(), lives, simulated=False)
        return self._put(made.changes[0], lives)

    def _put(self, change, lives, **more):
        self.made += 1
        now = self.clock.now()
        alert = Alert(
            key=str(self.made),
            subject=change.subject,
            created_at=now,
            expires_at=now + lives,
            changes=(change,),
            **more,
        )
        addresses = {name: channel.recipients for name, channel in self.channels.items()}
        with self.store.transaction():
            stored = post(self.store, alert, self.routes, addresses, now)
            self.store.changes.add(Verdict(change=change), analysis_id=None, alert_id=stored.id, now=now)
        return stored.id

    def deliver(self):
        """A round of everybody, as the daemon has it every few seconds; expired ones are put away first."""
        now = self.clock.now()
        self.store.outbox.expire_due(now)
        self.store.alerts.expire_due(now)
        for courier in self.couriers:
            courier.drain()
        for name, channel in self.channels.items():
            self.sent += [(now, name, message) for message in channel.sent[self.seen[name] :]]
            self.seen[name] = len(channel.sent)

    def wait(self, ms, *, every=60_000):
        """Let time pass with rounds in it."""
        end = self.clock.now() + ms
        while self.clock.now() < end:
            self.clock.advance(min(every, end - self.clock.now()))
            self.deliver()

    def titles(self, channel):
        return [message.title for _, name, message in self.sent if name == channel]

    def times(self, channel):
        return [at for at, name, _ in self.sent if name == channel]

    def fates(self, alert_id):
        """What became of an alert by each channel."""
        return {d.channel: d.state for d in self.store.outbox.of_alert(alert_id)}

    def holds(self, alert_id):
        return [(held.reason.value, held.at, held.until) for held in self.store.holds.of_alert(alert_id)]

    def pending(self):
        counts = self.store.outbox.counts()
        return sum(counts[s] for s in (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.RETRY_WAIT))

    def close(self):
        if self.store is not None:
            self.store.close()


def no_limits(**changes):
    """Rules that hold nothing back but what is named."""
    return RestraintRules(**{"rate": 0, "rate_critical": 0, "daily_segments": 100_000, "reserve": 0, **changes})
