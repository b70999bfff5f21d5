"""The courier: what is due goes out once, and what came of it is written down, whatever happens in between."""

import itertools
import sqlite3
from dataclasses import replace

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.gsm import segments
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import StoreBusy
from hybridd.model.alert import AlertEvent
from hybridd.model.change import Reason
from hybridd.model.delivery import ABSENT, DeliveryState, Failure, Outcome
from hybridd.pipeline.auditor import LEASE_MS, recover_leases
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.sending import SURE_MS
from hybridd.store.store import open_store
from tests.makers import T0
from tests.unit.pipeline.house import TTL, put

S = DeliveryState
FAILURES = {f: Outcome(failure=f, detail=f"it is {f}") for f in Failure}
RETRY, UNKNOWN, ACCOUNT = FAILURES[Failure.RETRY], FAILURES[Failure.UNKNOWN], FAILURES[Failure.ACCOUNT]


class Post:
    """A state, some channels and their couriers on a clock that is driven."""

    def __init__(self):
        self.clock = ManualClock(T0)
        self.store = open_store("sqlite://:memory:", clock=self.clock, busy_seconds=0.05)
        self.keys = 0

    def courier(self, channel):
        return Courier(store=self.store, channel=channel, clock=self.clock, zone="UTC")

    def alert(self, *channels, **changes):
        self.keys += 1
        return put(self.store, self.clock.now(), channels=channels, **{"key": str(self.keys), **changes})

    def states(self, alert_id):
        return [d.state for d in self.store.outbox.of_alert(alert_id)]

    def answer(self, alert_id, event=AlertEvent.ACK):
        with self.store.transaction():
            self.store.alerts.advance(alert_id, event, now=self.clock.now(), actor="person")
            self.store.outbox.cancel_for(alert_id, self.clock.now(), "acked")


@pytest.fixture
def office():
    made = Post()
    yield made
    made.store.close()


class Line:
    """A memory channel on a line that fails: `during` happens while a message is sent, `swallow` loses the answer."""

    def __init__(self, channel, during=lambda message: None, swallow=0):
        self.channel, self.during, self.swallow = channel, during, swallow
        self.name, self.idempotent, self.recipients = channel.name, channel.idempotent, channel.recipients

    def send(self, message):
        self.during(message)
        outcome = self.channel.send(message)
        if self.swallow:
            self.swallow -= 1
            return UNKNOWN
        return outcome

    def find(self, message):
        return self.channel.find(message)

    def check(self):
        return self.channel.check()

    def close(self):
        pass


def go(courier):
    return courier.round(lambda: False)


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Failure.RETRY, S.RETRY_WAIT),
        (Failure.UNKNOWN, S.UNKNOWN),
        (Failure.ADDRESS, S.FAILED_PERMANENT),
        (Failure.MESSAGE, S.FAILED_PERMANENT),
        (Failure.ACCOUNT, S.RETRY_WAIT),
    ],
)
def test_each_class_of_failure_has_its_consequence(office, failure, state):
    channel = MemoryChannel(script=[FAILURES[failure]])
    alert = office.alert(channel)
    go(office.courier(channel))
    (delivery,) = office.store.outbox.of_alert(alert)
    assert (delivery.state, delivery.attempts, delivery.reason) == (state, 1, f"it is {failure}")
    assert channel.sent == []
    assert office.store.changes.conservation().missing == 0


@pytest.mark.parametrize("failure", [Failure.RETRY, Failure.UNKNOWN])
def test_what_failed_goes_out_later(office, failure):
    channel = MemoryChannel(script=[FAILURES[failure]] * 3)
    alert = office.alert(channel)
    courier = office.courier(channel)
    for _ in range(4):
        done = go(courier)
        if done.next_at is not None:
            assert office.clock.now() < done.next_at <= office.clock.now() + 60_000
            office.clock.set(done.next_at)
    assert office.states(alert) == [S.ACCEPTED]
    assert len(channel.sent) == 1


def test_what_the_provider_asks_for_is_kept_to_the_second(office):
    channel = MemoryChannel(script=[replace(RETRY, retry_after=30.0)])
    office.alert(channel)
    courier = office.courier(channel)
    assert go(courier).next_at == T0 + 30_000
    office.clock.advance(29_999)
    assert go(courier).sent == 0
    office.clock.advance(1)
    assert go(courier).sent == 1


def test_five_failures_open_the_breaker_and_the_channel_is_asked_with_nothing_to_send(office):
    channel = MemoryChannel(script=[RETRY] * 5)
    office.alert(channel, lives=100_000)
    courier = office.courier(channel)
    while not courier.trouble:
        office.clock.set(max(office.clock.now(), go(courier).next_at))
    office.clock.advance(100_000)
    office.store.outbox.expire_due(office.clock.now())
    tries = channel.attempts
    go(courier)
    assert courier.trouble == "", "nobody asked the channel whether it is well again"
    assert channel.attempts == tries


def test_a_bad_account_opens_the_breaker_at_once_and_the_alert_goes_out_when_it_is_mended(office):
    channel = MemoryChannel(script=[ACCOUNT])
    alert = office.alert(channel)
    courier = office.courier(channel)
    done = go(courier)
    assert courier.trouble == "it is account"
    assert done.next_at == T0 + 60_000
    office.clock.advance(59_999)
    assert go(courier).sent == 0
    office.clock.advance(1)
    assert go(courier).sent == 1
    assert (courier.trouble, office.states(alert)) == ("", [S.ACCEPTED])


def test_a_probe_that_met_only_cancelled_messages_is_not_lost(office):
    channel = MemoryChannel(script=[ACCOUNT])
    alert = office.alert(channel)
    courier = office.courier(channel)
    go(courier)
    office.store.alerts.advance(alert, AlertEvent.ACK, now=T0, actor="person")
    office.clock.advance(60_000)
    go(courier)
    go(courier)
    assert courier.trouble == ""


def test_the_channel_is_asked_more_rarely_but_never_rarer_than_every_two_minutes(office):
    channel = MemoryChannel(script=[ACCOUNT] * 2)
    office.alert(channel, lives=1_000)
    courier = office.courier(channel)
    go(courier)
    office.clock.advance(1_000)
    office.store.outbox.expire_due(office.clock.now())
    asked = []
    channel.check = lambda: asked.append(office.clock.now() - T0) or ACCOUNT
    for _ in range(60):
        office.clock.advance(20_000)
        go(courier)
    assert {b - a for a, b in itertools.pairwise(asked)} == {120_000}
    assert len(asked) >= 9


def test_too_late_is_expired_and_not_sent(office):
    channel = MemoryChannel()
    alert = office.alert(channel)
    office.clock.advance(TTL)
    go(office.courier(channel))
    assert (channel.sent, office.states(alert)) == ([], [S.EXPIRED])


@pytest.mark.parametrize("event", list(AlertEvent))
@pytest.mark.parametrize("first", [RETRY, UNKNOWN])
@pytest.mark.parametrize("idempotent", [True, False])
def test_nothing_is_sent_of_an_alert_that_has_been_answered(office, event, first, idempotent):
    channel = MemoryChannel(script=[first], idempotent=idempotent)
    alert = office.alert(channel)
    courier = office.courier(channel)
    go(courier)
    office.answer(alert, event)
    for _ in range(20):
        office.clock.advance(60_000)
        go(courier)
        office.store.outbox.expire_due(office.clock.now())
    assert channel.attempts == 1
    assert office.states(alert)[0] in {S.CANCELLED, S.EXPIRED}


def test_an_answer_while_an_earlier_message_is_under_way_holds_for_the_next(office):
    """The list of what is due is older than the answer: each is looked at again right before it is sent."""
    inner = MemoryChannel()
    first, second = office.alert(inner), office.alert(inner)
    line = Line(inner, during=lambda message: office.answer(second) if message.key.startswith(f"{first}:") else None)
    assert go(office.courier(line)).sent == 1
    assert office.states(first) + office.states(second) == [S.ACCEPTED, S.CANCELLED]


def test_what_expired_while_an_earlier_message_was_under_way_breaks_nothing(office):
    inner = MemoryChannel()
    first, second = office.alert(inner), office.alert(inner, lives=TTL // 2)

    def slow(message):
        office.clock.advance(TTL // 2)
        office.store.outbox.expire_due(office.clock.now())

    go(office.courier(Line(inner, during=slow)))
    assert office.states(first) + office.states(second) == [S.ACCEPTED, S.EXPIRED]


def test_a_later_step_is_sent_unless_somebody_answers_before(office):
    channel = MemoryChannel()
    answered, open_one = office.alert(channel, after=(0, 120_000)), office.alert(channel, after=(0, 120_000))
    courier = office.courier(channel)
    assert go(courier).next_at == T0 + 120_000
    office.answer(answered)
    office.clock.advance(120_000)
    go(courier)
    assert [message.key.split(":")[0] for message in channel.sent] == [str(answered), str(open_one), str(open_one)]


def test_an_idempotent_channel_sends_the_unknown_again_with_the_same_key(office):
    inner = MemoryChannel()
    alert = office.alert(inner)
    courier = office.courier(Line(inner, swallow=1))
    office.clock.set(go(courier).next_at)
    go(courier)
    assert inner.attempts == 2
    assert len(inner.sent) == 1
    assert not inner.sent[0].repeat
    assert office.states(alert) == [S.ACCEPTED]


def test_another_channel_asks_first_and_adopts_what_had_arrived(office):
    inner = MemoryChannel(idempotent=False)
    alert = office.alert(inner)
    courier = office.courier(Line(inner, swallow=1))
    office.clock.set(go(courier).next_at)
    go(courier)
    assert inner.attempts == 1
    assert office.states(alert) == [S.ACCEPTED]
    (delivery,) = office.store.outbox.of_alert(alert)
    assert delivery.provider_id == f"memory:{delivery.key}"


def test_what_had_not_arrived_is_sent_again_and_says_so(office):
    channel = MemoryChannel(idempotent=False, script=[UNKNOWN])
    alert = office.alert(channel)
    courier = office.courier(channel)
    office.clock.set(go(courier).next_at)
    go(courier)
    assert [message.repeat for message in channel.sent] == [True]
    assert office.states(alert) == [S.ACCEPTED]


def test_a_repeat_of_unknown_fate_is_never_sent_again_however_long_nobody_can_say(office):
    channel = MemoryChannel(idempotent=False, script=[UNKNOWN] * 9)
    alert = office.alert(channel)
    courier = office.courier(channel)
    for _ in range(9):
        done = go(courier)
        office.clock.set(max(office.clock.now() + 1, done.next_at or 0))
    assert channel.attempts == 2, "once, and once more"
    (delivery,) = office.store.outbox.of_alert(alert)
    assert (delivery.state, delivery.repeated) == (S.UNKNOWN, True)
    assert courier.trouble == "", "that the provider cannot be asked says nothing against it"
    office.clock.advance(TTL)
    go(courier)
    assert office.states(alert) == [S.EXPIRED]


def test_a_repeat_of_unknown_fate_is_adopted_when_it_is_found(office):
    inner = MemoryChannel(idempotent=False, script=[UNKNOWN])
    alert = office.alert(inner)
    line = Line(inner, swallow=2)
    courier = office.courier(line)
    for _ in range(3):
        office.clock.set(max(office.clock.now(), go(courier).next_at or 0))
    assert [message.repeat for message in inner.sent] == [True]
    assert office.states(alert) == [S.ACCEPTED]


def test_the_mark_of_a_repeat_outlives_a_crash_while_it_is_sent(office):
    """Killed between the mark and the answer: whether the repeat went out is not known, and a third may not go."""
    channel = MemoryChannel(idempotent=False, script=[UNKNOWN])
    alert = office.alert(channel)
    office.clock.set(go(office.courier(channel)).next_at)

    def killed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(office.courier(Line(channel, during=killed)))
    assert office.store.outbox.recover(office.clock.now()) == 1
    go(office.courier(channel))
    assert (channel.attempts, channel.sent) == (1, [])
    assert office.states(alert) == [S.UNKNOWN]


class Sure(MemoryChannel):
    """A channel whose provider says for certain that it has not got a message; `asked` as it was asked."""

    def find(self, message):
        self.asked = message
        return super().find(message) or ABSENT


def test_what_the_provider_has_certainly_not_got_is_sent_again_but_not_at_once(office):
    """A request that was broken off may still be on its way: only so much later "no" means no."""
    channel = Sure(idempotent=False, script=[UNKNOWN, UNKNOWN])
    alert = office.alert(channel)
    courier = office.courier(channel)
    office.clock.set(go(courier).next_at)
    go(courier)
    office.clock.advance(SURE_MS)
    go(courier)
    assert (channel.attempts, office.states(alert)) == (2, [S.UNKNOWN])
    office.clock.advance(SURE_MS + 1)
    go(courier)
    assert [message.repeat for message in channel.sent] == [True]
    assert office.states(alert) == [S.ACCEPTED]


def test_a_provider_is_asked_for_every_form_and_told_what_is_others(office):
    channel = Sure(idempotent=False, script=[Outcome(provider_id="SM1"), UNKNOWN])
    office.alert(channel)
    courier = office.courier(channel)
    go(courier)
    office.alert(channel)
    office.clock.set(go(courier).next_at)
    go(office.courier(channel))
    first, marked = sorted(channel.asked.forms - {channel.asked.short}, key=len)[-2:], channel.asked.short
    assert "(repeat)" in marked
    assert any("(repeat)" not in form for form in first)
    assert channel.asked.others == frozenset({"SM1"})


def test_an_alert_that_cannot_be_rendered_goes_in_plain_words(office, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("a template is broken")

    monkeypatch.setattr("hybridd.pipeline.wording.message_for", broken)
    channel = MemoryChannel(idempotent=False, script=[UNKNOWN])
    alert = office.alert(channel)
    courier = office.courier(channel)
    office.clock.set(go(courier).next_at)
    go(courier)
    assert office.states(alert) == [S.ACCEPTED]
    [message] = channel.sent
    stored = office.store.alerts.get(alert)
    assert stored.subject in message.title
    assert message.title.endswith("(repeat)")
    assert f"hybridd alerts show {alert}" in message.text
    assert message.short.endswith(f"Reply ACK {alert}")
    assert segments(message.short) == 1
    assert "a template is broken" in caplog.text


def test_a_repeat_that_was_certainly_refused_may_go_again_and_still_says_that_it_is_one(office):
    channel = MemoryChannel(idempotent=False, script=[UNKNOWN, RETRY])
    alert = office.alert(channel)
    courier = office.courier(channel)
    for _ in range(3):
        office.clock.set(max(office.clock.now(), go(courier).next_at or 0))
    assert [message.repeat for message in channel.sent] == [True]
    assert office.states(alert) == [S.ACCEPTED]


def test_an_answer_while_the_provider_is_asked_holds_back_the_repeat(office):
    channel = MemoryChannel(idempotent=False, script=[UNKNOWN])
    alert = office.alert(channel)
    courier = office.courier(channel)
    office.clock.set(go(courier).next_at)
    channel.find = lambda _: office.answer(alert)
    for _ in range(3):
        office.clock.advance(60_000)
        go(courier)
    assert (channel.attempts, channel.sent) == (1, [])
    assert office.states(alert) == [S.EXPIRED]
    assert courier.trouble == ""


def test_two_couriers_of_one_channel_send_a_message_once(office):
    """As two processes would on one state: whoever has the lease sends."""
    channel = MemoryChannel(idempotent=False)
    alert = office.alert(channel)
    other = office.courier(channel)
    mine = office.courier(Line(channel, during=lambda _: go(other)))
    assert go(mine).sent == 1
    assert len(channel.sent) == 1
    assert office.states(alert) == [S.ACCEPTED]


def test_a_send_that_outlived_its_lease_is_believed_when_it_arrived_and_else_left_alone(office):
    inner = MemoryChannel(script=[Outcome(), RETRY])
    kept, dropped = office.alert(inner, lives=10 * TTL), office.alert(inner, lives=10 * TTL)

    def endless(_):
        office.clock.advance(LEASE_MS + 1)
        recover_leases(office.store, office.clock.now())

    courier = office.courier(Line(inner, during=endless))
    go(courier)
    office.clock.advance(1)
    go(courier)
    assert office.states(kept) == [S.ACCEPTED]
    assert office.states(dropped) == [S.UNKNOWN]


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_lease_left_by_a_crash_is_found_out_at_the_next_start(office, idempotent):
    channel = MemoryChannel(idempotent=idempotent)
    alert = office.alert(channel)
    (delivery,) = office.store.outbox.of_alert(alert)
    office.store.outbox.lease(delivery.id, T0)
    assert go(office.courier(channel)).sent == 0, "somebody else may be sending it"
    assert office.store.outbox.recover(T0) == 1
    go(office.courier(channel))
    assert office.states(alert) == [S.ACCEPTED]
    assert [message.repeat for message in channel.sent] == [not idempotent]


def test_a_state_that_is_locked_after_the_send_loses_neither_the_message_nor_its_outcome(office):
    """Left leased, nobody would ever look at it again; sent again, the person would hear it twice."""
    inner = MemoryChannel(idempotent=False)
    alert = office.alert(inner)
    other = sqlite3.connect(office.store._database.path)
    line = Line(inner, during=lambda _: other.execute("BEGIN IMMEDIATE"))
    courier = office.courier(line)
    with pytest.raises(StoreBusy):
        go(courier)
    assert office.states(alert) == [S.LEASED]
    other.close()
    line.during = lambda _: None
    go(courier)
    assert office.states(alert) == [S.ACCEPTED]
    assert len(inner.sent) == 1


def test_a_channel_with_a_defect_leaves_no_lease_behind(office):
    inner = MemoryChannel()
    alert = office.alert(inner)

    def defect(_):
        raise ZeroDivisionError

    line = Line(inner, during=defect)
    courier = office.courier(line)
    with pytest.raises(ZeroDivisionError):
        go(courier)
    line.during = lambda _: None
    office.clock.set(go(courier).next_at)
    go(courier)
    assert office.states(alert) == [S.ACCEPTED]


def test_a_stop_is_heeded_between_two_messages(office):
    channel = MemoryChannel()
    for _ in range(3):
        office.alert(channel)
    office.courier(channel).round(lambda: channel.attempts >= 1)
    assert channel.attempts == 1
    assert office.store.outbox.counts()[S.PLANNED] == 2


def test_a_channel_in_trouble_holds_up_no_other(office):
    bad, good = MemoryChannel("bad", script=[ACCOUNT] * 9), MemoryChannel("good")
    alert = office.alert(bad, good)
    couriers = [office.courier(bad), office.courier(good)]
    for courier in couriers:
        go(courier)
    assert office.states(alert) == [S.RETRY_WAIT, S.ACCEPTED]
    assert [courier.trouble for courier in couriers] == ["it is account", ""]
    assert office.store.changes.conservation().delivered == 1


def test_one_bad_address_is_given_up_while_the_others_are_reached(office):
    channel = MemoryChannel(recipients=("bad", "good"), script=[FAILURES[Failure.ADDRESS]])
    office.alert(channel)
    courier = office.courier(channel)
    go(courier)
    assert [message.recipient for message in channel.sent] == ["good"]
    assert courier.trouble == "", "the channel itself is well"
    assert [(a.address, a.reason) for a in office.store.addresses.disabled()] == [("bad", "it is address")]


def test_each_recipient_has_a_delivery_of_its_own(office):
    channel = MemoryChannel(recipients=("one", "two"), script=[RETRY])
    alert = office.alert(channel)
    courier = office.courier(channel)
    office.clock.set(go(courier).next_at)
    go(courier)
    assert sorted(message.recipient for message in channel.sent) == ["one", "two"]
    assert office.states(alert) == [S.ACCEPTED, S.ACCEPTED]


def test_a_channel_that_was_told_of_as_down_is_asked_at_the_next_start(office):
    channel = MemoryChannel(script=[RETRY] * 50)
    put(office.store, T0, channels=(), reason=Reason.CHANNEL_DOWN, key="down")
    office.store.alerts.list()
    with office.store.transaction():
        office.store._database.engine.cursor().execute("UPDATE alerts SET subject = 'memory'")
    courier = office.courier(channel)
    assert not courier.heard
    go(courier)
    assert courier.heard
    assert courier.trouble == "it is retry", "one failure is enough where it was down before"
    channel.script.clear()
    office.clock.advance(20_000)
    go(courier)
    assert courier.trouble == ""
    assert channel.attempts == 0


def test_a_channel_that_nobody_complained_of_is_not_bothered_at_a_start(office):
    channel = MemoryChannel(script=[ACCOUNT])
    courier = office.courier(channel)
    go(courier)
    assert courier.trouble == ""
    assert not courier.heard
