"""What follows when a delivery fails: the next step, the address, the list of what was missed."""

from types import SimpleNamespace

import pytest

from hybridd.alerts.routing import Route, Step
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import Alert, AlertState
from hybridd.model.change import Change, Reason, Severity, Verdict
from hybridd.model.delivery import DeliveryState, Failure, Outcome
from hybridd.pipeline.acknowledge import acknowledge
from hybridd.pipeline.addresses import enable_address
from hybridd.pipeline.conditions import _addresses as disabled_addresses
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.health import HealthBook
from hybridd.pipeline.housekeep import Housekeeper
from hybridd.pipeline.missed import tell_missed
from hybridd.pipeline.record import post
from hybridd.pipeline.rules import rules_of
from hybridd.pipeline.trial import post_test
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import TTL

S = DeliveryState
MINUTE = 60_000


def failing(failure, times=1, detail="no"):
    return [Outcome(failure=failure, detail=detail)] * times


class Office:
    """Couriers of some channels on one state, and a route whose steps are two minutes apart."""

    def __init__(self, url="sqlite://:memory:"):
        self.clock, self.url = ManualClock(T0), url
        self.store = open_store(url, clock=self.clock, busy_seconds=0.05)
        self.channels, self.blocked, self.made = {}, set(), 0
        self.couriers = {}

    def hire(self, *channels):
        for channel in channels:
            self.channels[channel.name] = channel
            self.couriers[channel.name] = Courier(
                store=self.store, channel=channel, clock=self.clock, zone="UTC", blocked=self.blocked
            )
        return channels

    @property
    def addresses(self):
        return {name: channel.recipients for name, channel in self.channels.items()}

    def routes(self, *steps, repeat=0, times=0):
        made = tuple(
            Step(after_ms=number * 2 * MINUTE, channels=names, repeat_ms=repeat, times=times)
            for number, names in enumerate(steps)
        )
        return (Route(severities=frozenset(Severity), steps=made),)

    def alert(self, *steps, reason=Reason.SCORE_JUMP, **more):
        self.made += 1
        now = self.clock.now()
        change = Change(subject="BTC/USDT", reason=reason, at=now, before=1.0, after=9.0)
        alert = Alert(
            key=str(self.made), subject="BTC/USDT", created_at=now, expires_at=now + more.pop("lives", TTL),
            changes=(change,),
        )  # fmt: skip
        with self.store.transaction():
            posted = post(self.store, alert, self.routes(*steps, **more), self.addresses, now)
            self.store.changes.add(Verdict(change=change), analysis_id=None, alert_id=posted.id)
        return posted.id

    def go(self, *names):
        return {name: self.couriers[name].round(lambda: False) for name in names or self.couriers}

    def fates(self, alert_id):
        return {f"{d.channel}{d.step}": d.state.value for d in self.store.outbox.of_alert(alert_id)}

    def failovers(self):
        return [e.data for e in reversed(self.store.audit.list(500)) if e.action == "alert.failover"]


@pytest.fixture
def office():
    made = Office()
    yield made
    assert made.store.changes.conservation().missing == 0
    assert made.store.verify() == []
    made.store.close()


# Fail-over.


def test_a_bad_account_hands_over_to_the_next_step_at_once(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ACCOUNT)), MemoryChannel("sms"))
    alert = office.alert(("push",), ("sms",))
    assert office.go("push")["push"].hurried
    office.go("sms")
    assert office.fates(alert) == {"push0": "retry_wait", "sms1": "accepted"}
    (told,) = office.failovers()
    assert (told["channel"], told["next"]) == ("push", 1)


def test_a_bad_account_hands_over_even_while_another_channel_of_the_step_works(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ACCOUNT)), MemoryChannel("email"), MemoryChannel("sms"))
    alert = office.alert(("push", "email"), ("sms",))
    office.go("email", "push", "sms")
    assert office.fates(alert)["sms1"] == "accepted"


def test_later_alerts_do_not_wait_behind_a_bad_account(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ACCOUNT, 9)), MemoryChannel("sms"))
    office.alert(("push",), ("sms",))
    office.go()
    office.clock.advance(1_000)
    second = office.alert(("push",), ("sms",))
    assert office.go("push")["push"].hurried
    office.go("sms")
    assert office.fates(second) == {"push0": "planned", "sms1": "accepted"}


def test_handing_over_is_done_once_and_does_not_run_through_all_steps(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ACCOUNT, 9)), MemoryChannel("sms"), MemoryChannel("call"))
    alert = office.alert(("push",), ("sms",), ("call",))
    for _ in range(5):
        office.go("push")
    assert len(office.failovers()) == 1
    assert office.fates(alert)["call2"] == "planned"
    office.go()
    assert office.fates(alert) == {"push0": "retry_wait", "sms1": "accepted", "call2": "planned"}


def test_a_next_step_that_is_blocked_too_is_passed_over(office):
    office.hire(
        MemoryChannel("push", script=failing(Failure.ACCOUNT, 9)),
        MemoryChannel("sms", script=failing(Failure.ACCOUNT, 9)),
        MemoryChannel("call"),
    )
    office.alert(("sms",))
    office.go("sms")
    alert = office.alert(("push",), ("sms",), ("call",))
    office.go()
    assert office.fates(alert) == {"push0": "retry_wait", "sms1": "planned", "call2": "accepted"}


@pytest.mark.parametrize("failure", [Failure.ADDRESS, Failure.MESSAGE])
def test_a_step_whose_every_delivery_failed_hands_over(office, failure):
    office.hire(
        MemoryChannel("push", script=failing(failure)),
        MemoryChannel("email", script=failing(failure)),
        MemoryChannel("sms"),
    )
    alert = office.alert(("push", "email"), ("sms",))
    assert not office.go("push")["push"].hurried, "email may still do it"
    assert office.go("email")["email"].hurried
    office.go("sms")
    assert office.fates(alert)["sms1"] == "accepted"


def test_a_channel_that_keeps_failing_hands_over_when_its_breaker_opens(office):
    office.hire(MemoryChannel("push", script=failing(Failure.RETRY, 9)), MemoryChannel("sms"))
    alert = office.alert(("push",), ("sms",))
    for _ in range(5):
        done = office.go("push")["push"]
        office.clock.set(max(office.clock.now(), done.next_at)) if not done.hurried else None
    assert done.hurried
    assert office.clock.now() < T0 + 2 * MINUTE
    office.go("sms")
    assert office.fates(alert)["sms1"] == "accepted"


def test_nothing_is_handed_over_of_an_alert_that_was_answered(office):
    office.hire(MemoryChannel("push"), MemoryChannel("sms"))
    alert = office.alert(("push",), ("sms",))
    channel = office.channels["push"]
    send = channel.send
    channel.send = lambda message: (
        acknowledge(office.store, alert, "x", T0) and send(message) and failing(Failure.ACCOUNT)[0]
    )
    office.go()
    assert office.failovers() == []
    assert office.fates(alert)["sms1"] == "cancelled"


def test_what_lies_ready_on_the_dashboard_has_told_nobody(office):
    office.hire(
        MemoryChannel("push", script=failing(Failure.MESSAGE)), MemoryChannel("dashboard"), MemoryChannel("sms")
    )
    alert = office.alert(("push", "dashboard"), ("sms",))
    lost = office.alert(("dashboard", "push"))
    office.channels["push"].script.extend(failing(Failure.MESSAGE))
    office.go("dashboard", "push", "sms")
    assert office.fates(alert) == {"push0": "failed_permanent", "dashboard0": "accepted", "sms1": "accepted"}
    assert [m.alert.id for m in office.store.missed.untold()] == [lost]


def test_who_has_been_told_is_not_hurried_to_a_repeat(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ACCOUNT)), MemoryChannel("email"))
    alert = office.alert(("email", "push"), ("email",))
    office.go("email")
    office.go("push")
    assert office.fates(alert) == {"email0": "accepted", "push0": "retry_wait", "email1": "planned"}


# Bad addresses.


def test_a_bad_address_is_left_out_of_later_alerts_also_after_a_restart(tmp_path):
    office = Office(f"sqlite:///{tmp_path}/state.db")
    office.hire(MemoryChannel("email", recipients=("bad", "good"), script=failing(Failure.ADDRESS)))
    waiting = office.alert((), ("email",))
    office.alert(("email",))
    office.go()
    assert office.fates(waiting) == {"email1": "planned"}, "what is planned for the good one stays"
    office.store.close()
    office.store = open_store(office.url, clock=office.clock)
    office.hire(MemoryChannel("email", recipients=("bad", "good")))
    later = office.alert(("email",))
    assert [d.recipient for d in office.store.outbox.of_alert(later)] == ["good"]
    assert [(a.address, a.kind) for a in office.store.addresses.disabled()] == [("bad", "mailbox")]
    office.store.close()


def test_a_first_step_without_a_good_address_is_passed_over(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ADDRESS)), MemoryChannel("sms"))
    office.alert(("push",))
    office.go()
    alert = office.alert(("push",), ("sms",))
    office.go("sms")
    assert office.fates(alert) == {"sms1": "accepted"}


def test_a_bad_address_is_told_once_by_another_channel(office):
    bad, good = office.hire(MemoryChannel("push", script=failing(Failure.ADDRESS)), MemoryChannel("email"))
    office.alert(("push",))
    office.go()
    book = HealthBook(
        store=office.store, routes=office.routes(("push", "email")), channels=office.addresses, clock=office.clock,
        simulated=False,
    )  # fmt: skip
    for _ in range(3):
        book.reconcile(bad_addresses(office))
        office.go()
        office.clock.advance(MINUTE)
    assert bad.sent == []
    assert [message.title for message in good.sent] == ["Alerts no longer go to push somebody"]
    enable_address(office.store, "push", "somebody", "cli:me", office.clock.now())
    book.reconcile(bad_addresses(office))
    office.clock.advance(MINUTE)
    book.reconcile(bad_addresses(office))
    office.go()
    assert good.sent[-1].title == "Alerts go to push somebody again"


def bad_addresses(office):
    return list(disabled_addresses(SimpleNamespace(store=office.store)))


def test_a_test_that_reaches_it_brings_an_address_back(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ADDRESS)))
    office.alert(("push",))
    office.go()
    assert office.store.addresses.is_disabled("push", "somebody")
    post_test(office.store, office.addresses, ["push"], office.clock.now())
    office.go()
    assert office.store.addresses.disabled() == []
    assert [e.action for e in office.store.audit.list(20) if e.subject == "somebody"] == [
        "address.enable", "address.disable",
    ]  # fmt: skip


def test_an_address_that_the_settings_drop_is_forgotten(office):
    office.hire(MemoryChannel("push", script=failing(Failure.ADDRESS)))
    office.alert(("push",))
    office.go()
    assert office.store.addresses.forget_others({"push": ("somebody",)}) == []
    assert [a.address for a in office.store.addresses.forget_others({"push": ("another",)})] == ["somebody"]
    assert office.store.addresses.get("push", "somebody") is None


# Repeats, and how long a step counts.


def test_a_step_repeats_until_somebody_answers(office):
    (sms,) = office.hire(MemoryChannel("sms"))
    alert = office.alert(("sms",), repeat=MINUTE, times=3)
    for minute in range(6):
        office.go()
        if minute == 1:
            acknowledge(office.store, alert, "cli:me", office.clock.now())
        office.clock.advance(MINUTE)
    assert len(sms.sent) == 2
    assert len({message.key for message in sms.sent}) == 2


def test_a_repeat_comes_as_often_as_it_was_asked_for(office):
    (sms,) = office.hire(MemoryChannel("sms"))
    office.alert(("sms",), repeat=MINUTE, times=3)
    for _ in range(10):
        office.go()
        office.clock.advance(MINUTE)
    assert len(sms.sent) == 4


@pytest.mark.parametrize(("reason", "sent"), [(Reason.TRADE_STOP, 2), (Reason.SCORE_JUMP, 1)])
def test_a_late_step_of_a_critical_alert_counts_after_its_time_to_live(office, reason, sent):
    (sms,) = office.hire(MemoryChannel("sms"))
    alert = office.alert(("sms",), ("sms",), reason=reason, lives=MINUTE)
    office.go()
    office.clock.advance(2 * MINUTE)
    office.store.outbox.expire_due(office.clock.now())
    office.store.alerts.expire_due(office.clock.now())
    office.clock.advance(10)
    office.go()
    assert len(sms.sent) == sent
    office.clock.advance(MINUTE)
    office.store.alerts.expire_due(office.clock.now())
    assert office.store.alerts.get(alert).state is AlertState.EXPIRED
    assert office.store.alerts.get(alert).expires_at == T0 + MINUTE, "what it says of its own end stays"


def test_the_settings_say_how_often_a_step_repeats():
    steps = [{"after": "0s", "channels": ["sms"], "repeat": "10m", "times": 2}, {"after": "1m", "channels": ["push"]}]
    settings = Settings.model_validate({"alerts": {"route": [{"severity": ["critical"], "steps": steps}]}})
    first, second = rules_of(settings).routes[0].steps
    assert (first.repeat_ms, first.times, second.repeat_ms) == (600_000, 2, 0)
    assert settings.model_dump(mode="json")["alerts"]["route"][0]["steps"] == steps


# What reached nobody.


def tell(office, *steps):
    return tell_missed(
        office.store, office.routes(*(steps or (("email",),))), office.addresses, office.clock.now(), simulated=False
    )


def expire(office):
    Housekeeper(store=office.store, clock=office.clock)._expire(office.clock.now())


def test_what_expired_unheard_is_listed_as_soon_as_the_channel_works_again(office):
    (email,) = office.hire(MemoryChannel("email", script=failing(Failure.RETRY, 200)))
    first, second = office.alert(("email",)), office.alert(("email",))
    for _ in range(40):
        office.go()
        office.clock.advance(30_000)
        expire(office)
        tell(office)
    email.script.clear()
    for _ in range(10):
        office.go()
        office.clock.advance(30_000)
        expire(office)
        assert tell(office) is None
    (message,) = email.sent
    assert message.title == "Alerts were missed while they could not be delivered"
    assert f"Alert {first}, BTC/USDT SCORE_JUMP" in message.text
    assert f"and 1 more until 2025-06-15T15:10:00Z (alert {second})" in message.text
    (notice,) = [a for a in office.store.alerts.list() if Reason.ALERTS_MISSED in a.reasons]
    assert notice.state is AlertState.RESOLVED
    assert [m.alert.id for m in office.store.missed.since(0)] == [first, second]


def test_a_longer_list_takes_the_place_of_one_that_nobody_has_heard(office):
    (email,) = office.hire(MemoryChannel("email", script=failing(Failure.MESSAGE, 1) + failing(Failure.ACCOUNT, 3)))
    first = office.alert(("email",))
    office.go()
    assert tell(office) is not None
    office.go()
    second = office.alert(("email",), lives=MINUTE)
    office.clock.advance(MINUTE)
    expire(office)
    notice = tell(office)
    assert [m.alert.id for m in office.store.missed.told_in(notice.id)] == [first, second]
    email.script.clear()
    office.clock.advance(5 * MINUTE)
    office.go()
    office.go()
    assert len(email.sent) == 1


@pytest.mark.parametrize("event", ["told", "acked", "only the journal"])
def test_what_somebody_knows_is_not_missed(office, event):
    office.hire(
        MemoryChannel("email"), MemoryChannel("push", script=failing(Failure.MESSAGE)), MemoryChannel("journal")
    )
    if event == "only the journal":
        office.alert(("journal",))
    elif event == "told":
        office.alert(("email", "push"))
    elif event == "acked":
        acknowledge(office.store, office.alert(("push",)), "x", office.clock.now())
    office.go()
    office.clock.advance(TTL)
    expire(office)
    assert office.store.missed.since(0) == []
    assert tell(office) is None


def test_what_had_nobody_left_to_go_to_is_told_when_an_address_comes_back(office):
    (email,) = office.hire(MemoryChannel("email"))
    office.store.addresses.disable("email", "somebody", "550", T0)
    alert = office.alert(("email",))
    assert [m.alert.id for m in office.store.missed.untold()] == [alert]
    assert office.store.missed.subjects() == frozenset()
    assert tell(office) is None, "there is nobody to tell it to"
    enable_address(office.store, "email", "somebody", "cli:me", T0)
    assert tell(office) is not None
    office.go()
    assert len(email.sent) == 1


def test_good_news_ends_when_everybody_has_it(office):
    office.hire(MemoryChannel("email", script=failing(Failure.RETRY)), MemoryChannel("journal"))
    change = Change(subject="x", reason=Reason.DISK_LOW, at=T0, before=None, after="resolved")
    alert = Alert(key="g", subject="x", created_at=T0, expires_at=T0 + TTL, changes=(change,), resolves=7)
    with office.store.transaction():
        posted = post(office.store, alert, (), office.addresses, T0)
        office.store.changes.add(Verdict(change=change), analysis_id=None, alert_id=posted.id)
    office.go()
    assert office.store.alerts.get(posted.id).state is AlertState.FIRING
    office.clock.advance(MINUTE)
    office.go()
    assert office.store.alerts.get(posted.id).state is AlertState.RESOLVED
