"""Restrain: what is due goes now, waits, or goes with others as one digest; decided before each round of a courier."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hybridd.alerts.compose import health_alert
from hybridd.alerts.digest import Member, digest_alert, digest_of
from hybridd.alerts.quiet import local_day
from hybridd.alerts.restraint import SMS, UNRESTRAINED, Candidate, Hold, Ledger, RestraintRules, hold
from hybridd.alerts.routing import Route
from hybridd.delivery.gsm import segments
from hybridd.delivery.render import render
from hybridd.model.alert import Alert
from hybridd.model.change import Reason, Severity, Suppression, Verdict
from hybridd.model.delivery import DeliveryState
from hybridd.model.silence import Silence
from hybridd.pipeline.record import post
from hybridd.store.holds import Waiting
from hybridd.store.store import Store

log = logging.getLogger("hybridd.deliver")


@dataclass(slots=True)
class _Pass:
    """One look at a channel: what may go with what it costs, and what has gone out to each address."""

    channel: str
    now: int
    limit: int
    spent: int
    silences: tuple[Silence, ...]
    allowed: dict[int, int] = field(default_factory=dict)
    sent: dict[str, list[int]] = field(default_factory=dict)
    over_budget: bool = False


class Restraint:
    """Decides for all couriers. All that it goes by stands in the state: a restart changes nothing."""

    def __init__(
        self,
        *,
        store: Store,
        rules: RestraintRules,
        routes: Sequence[Route],
        channels: Mapping[str, Sequence[str]],
        zone: str,
        simulated: bool,
    ) -> None:
        self._store, self._rules, self._routes, self._channels = store, rules, routes, channels
        self._zone, self._simulated = zone, simulated

    def allowed(self, channel: str, now: int, limit: int) -> Mapping[int, int]:
        """The deliveries of a channel that may go now (ms UTC), at most `limit`, with their cost in SMS segments.

        What may not is held back with its reason; what has been held back long enough becomes a digest.
        """
        if not self._store.holds.due(channel, now, limit=1):
            return {}
        look = _Pass(channel, now, limit, self._spent(channel, now), self._store.silences.active(now))
        for recipient in self._store.holds.released(channel, now):
            with self._store.transaction():
                self._release(look, recipient)
        after: tuple[int, int] = (-1, 0)
        while len(look.allowed) < limit and (page := self._store.holds.due(channel, now, after)):
            with self._store.transaction():
                self._decide(look, page)
            after = (page[-1].next_at, page[-1].id)
        if look.over_budget:
            self._tell_budget(now)
        return look.allowed

    def _spent(self, channel: str, now: int) -> int:
        return self._store.holds.spent(channel, local_day(now, self._rules.zone)[0]) if channel == SMS else 0

    def _decide(self, look: _Pass, page: Sequence[Waiting]) -> None:
        held: dict[Hold, list[Waiting]] = {}
        for one in page:
            if len(look.allowed) >= look.limit:
                break
            if one.id in look.allowed:
                continue
            if self._silenced(look, one):
                continue
            # Making the message to know its price is for those alone that nothing else holds back.
            cost = 1 if look.channel == SMS else 0
            objection = self._objection(look, one, cost)
            if objection is None and look.channel == SMS:
                cost = self._cost(one.alert_id)
                objection = self._objection(look, one, cost)
            if objection is None:
                self._allow(look, one.recipient, one.id, cost)
            else:
                held.setdefault(objection, []).append(one)
        for objection, those in held.items():
            self._hold(look, those, objection)

    def _objection(self, look: _Pass, one: Waiting, cost: int) -> Hold | None:
        candidate = Candidate(channel=look.channel, critical=one.critical, asked=one.asked, segments=cost)
        if one.state is not DeliveryState.UNKNOWN:
            return hold(candidate, self._ledger(look, one.recipient), self._rules)
        # It may have arrived already: asking and repeating is no further message, only a further cost.
        objection = hold(candidate, Ledger(now=look.now, spent=look.spent), self._rules)
        over = objection is not None and objection.reason is Suppression.BUDGET
        return Hold(reason=Suppression.BUDGET, until=None) if over else None

    def _hold(self, look: _Pass, those: Sequence[Waiting], objection: Hold) -> None:
        if objection.until is None:
            self._store.holds.drop(those, objection.reason, "", look.now)
        else:
            self._store.holds.defer(those, objection.reason, objection.until, look.now)
        look.over_budget |= objection.reason is Suppression.BUDGET
        log.info("%d messages by %s are held back: %s", len(those), look.channel, objection.reason)

    def _release(self, look: _Pass, recipient: str) -> None:
        """What was held back for one address: alone and in time it goes as it is, else all of it as one digest."""
        store = self._store
        waiting = list(store.holds.members(look.channel, recipient, look.now))
        members = [one for one in waiting if not self._silenced(look, one)]
        if not members or (len(members) == 1 and members[0].alive):
            return
        each = {one.alert_id: one for one in members}.values()  # two steps of one alert are one line
        causes = store.holds.causes(look.channel, recipient, look.now)
        digest = digest_of(map(self._member, each), causes, look.now, self._alert)
        alert = digest_alert(digest, look.channel, recipient, look.now)
        cost = self._price(alert) if look.channel == SMS else 0
        critical = alert.severity is Severity.CRITICAL
        candidate = Candidate(channel=look.channel, critical=critical, segments=cost)
        objection = hold(candidate, self._ledger(look, recipient), self._rules)
        if objection is not None:
            self._hold(look, members, objection)
            return
        self._post(look, recipient, alert, members, cost)

    def _member(self, one: Waiting) -> Member:
        return Member(
            alert_id=one.alert_id,
            subject=one.subject,
            severity=one.severity,
            created_at=one.created_at,
            past=not one.alive,
            digest=self._alert(one.alert_id).digest if one.is_digest else None,
        )

    def _alert(self, alert_id: int) -> Alert:
        alert = self._store.alerts.get(alert_id)
        assert alert is not None, "the delivery points to it"
        return alert

    def _post(self, look: _Pass, recipient: str, alert: Alert, members: Sequence[Waiting], cost: int) -> None:
        store, now = self._store, look.now
        alert_id = store.alerts.add(alert)
        if alert_id is None:  # two in the same instant: the clock was set back
            return
        store.outbox.plan(alert_id, [(look.channel, recipient, 0, now, alert.expires_at)])
        store.holds.absorb(members, alert_id)
        facts = {"channel": look.channel, "recipient": recipient, "alerts": len(members)}
        store.audit.append("hybridd", "digest", str(alert_id), facts, now)
        store.events.append("alert", alert.subject, {"id": alert_id, "reasons": list(alert.reasons), **facts}, now)
        self._allow(look, recipient, store.outbox.of_alert(alert_id)[0].id, cost)

    def _allow(self, look: _Pass, recipient: str, delivery_id: int, cost: int) -> None:
        look.allowed[delivery_id] = cost
        look.spent += cost
        self._sent(look, recipient).append(look.now)

    def _ledger(self, look: _Pass, recipient: str) -> Ledger:
        return Ledger(now=look.now, sent=self._sent(look, recipient), spent=look.spent)

    def _sent(self, look: _Pass, recipient: str) -> list[int]:
        if recipient not in look.sent:
            since, most = look.now - self._rules.rate_window_ms, max(self._rules.rate, self._rules.rate_critical, 1)
            look.sent[recipient] = self._store.holds.sent(look.channel, recipient, since, most)
        return look.sent[recipient]

    def _cost(self, alert_id: int) -> int:
        alert = self._store.alerts.get(alert_id)
        return self._price(alert) if alert else 0

    def _price(self, alert: Alert) -> int:
        return segments(render(alert, zone=self._zone).short)

    def _silenced(self, look: _Pass, one: Waiting) -> bool:
        """Whether a silence made since the alert covers all that it tells: then it is given up."""
        if not look.silences or look.channel in UNRESTRAINED:
            return False
        changes = self._alert(one.alert_id).changes
        silence = next((s for s in look.silences if all(s.covers(change) for change in changes)), None)
        if silence is not None:
            self._store.holds.drop([one], Suppression.SILENCED, f"silence {silence.id}", look.now)
        return silence is not None

    def _tell_budget(self, now: int) -> None:
        """Say once a day, by the other channels, that the day's SMS segments are spent."""
        start, end = local_day(now, self._rules.zone)
        detail = f"{self._spent(SMS, now)} of {self._rules.daily_segments} segments are spent today"
        alert = health_alert(Reason.SMS_BUDGET, SMS, detail, now, end - now, self._simulated)
        alert = replace(alert, key=f"{Reason.SMS_BUDGET}:{start}")
        others = {name: to for name, to in self._channels.items() if name != SMS}
        with self._store.transaction():
            posted = post(self._store, alert, self._routes, others, now)
            if posted is not None:
                self._store.changes.add(Verdict(change=alert.changes[0]), analysis_id=None, alert_id=posted.id, now=now)
