"""What comes back: kept as it came, worked on once, obeyed only if it comes from somebody who may answer."""

import sqlite3
import threading

import pytest

from hybridd.delivery.answer_words import parse
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import ChannelError, StoreBusy
from hybridd.model.alert import AlertEvent, AlertState
from hybridd.model.change import Reason
from hybridd.model.delivery import DeliveryState, Failure, Outcome
from hybridd.model.inbound import Inbound, Receipt
from hybridd.model.state import IllegalTransition
from hybridd.pipeline.acknowledge import acknowledge, see
from hybridd.pipeline.answers import PATIENCE_MS, keep, same_address, work
from hybridd.pipeline.auditor import LEASE_MS, OVERDUE_MS, audit
from hybridd.pipeline.hooks import HookBox, HookKeys
from hybridd.pipeline.listen import LONGEST_PAUSE_S, Listener
from hybridd.pipeline.receipts import GIVE_UP_MS, ask, next_ask
from hybridd.store.inbox import EntryState
from tests.fakes.twilio import signed_by_twilio
from tests.fakes.vonage import signed_by_vonage
from tests.makers import T0
from tests.unit.pipeline.test_aftermath import MINUTE, Office

S = DeliveryState
PHONE = "+491701234567"
KEYS = HookKeys(twilio="a token that both know", vonage="a secret that both know")
URL = "https://hybridd.example.org/hooks/twilio/status"


@pytest.fixture
def office(tmp_path):
    made = Office(f"sqlite:///{tmp_path}/state.db")
    yield made
    assert made.store.verify() == []
    made.store.close()


def said(text, *, channel="telegram", sender="somebody", number="1"):
    return Inbound(channel=channel, sender=sender, text=text, id=number, at=T0)


def outcomes(office):
    return [(e.state.value, e.outcome) for e in reversed(office.store.inbox.list())]


def answer(office, *inbounds):
    for inbound in inbounds:
        keep(office.store, inbound, office.clock.now())
    return work(office.store, office.addresses, office.clock.now(), keys=KEYS)


# Acknowledging.


def test_an_answer_acknowledges_and_nothing_more_is_sent(office):
    telegram, sms = office.hire(MemoryChannel("telegram"), MemoryChannel("sms"))
    alert = office.alert(("telegram",), ("sms",), repeat=MINUTE, times=5)
    office.go()
    assert answer(office, said(f"ack {alert}")).obeyed == 1
    for _ in range(12):
        office.clock.advance(MINUTE)
        office.go()
    assert (len(telegram.sent), sms.sent) == (1, [])
    assert office.store.alerts.get(alert).state is AlertState.ACKED
    assert [e.actor for e in office.store.audit.list(99) if e.action == "alert.ack"] == ["telegram:somebody"]
    assert outcomes(office) == [("done", f"alert {alert} is acknowledged")]


def test_an_answer_that_comes_twice_is_kept_once_and_a_second_one_changes_nothing(office):
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    assert keep(office.store, said(f"ACK {alert}"), T0)
    assert not keep(office.store, said(f"ACK {alert}"), T0)
    answer(office, said(f"ACK {alert}", number="2"))
    answer(office)
    assert outcomes(office) == [
        ("done", f"alert {alert} is acknowledged"),
        ("ignored", f"alert {alert} is acked already"),
    ]
    assert len([e for e in office.store.audit.list(99) if e.action == "alert.ack"]) == 1


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("hello", "not understood"),
        ("ACK 99", "there is no alert 99"),
        ("YES 42 7F", "proposal 42, refused: from somebody who was not asked"),
    ],
)
def test_what_cannot_be_obeyed_is_ignored_with_its_reason(office, text, outcome):
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    assert answer(office, said(text)).obeyed == 0
    assert outcomes(office) == [("ignored", outcome)]
    assert office.store.alerts.get(alert).state is AlertState.FIRING


def test_a_stranger_is_written_down_and_ignored(office):
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    answer(office, said(f"ACK {alert}", sender="mallory"), said(f"ACK {alert}", channel="sms", number="9"))
    assert office.store.alerts.get(alert).state is AlertState.FIRING
    assert outcomes(office) == [("ignored", "from a stranger")] * 2
    assert [e.actor for e in office.store.audit.list(99) if e.action == "answer.stranger"] == ["somebody", "mallory"]


@pytest.mark.parametrize("event", [AlertEvent.RESOLVE, AlertEvent.EXPIRE])
def test_what_is_over_cannot_be_acknowledged(office, event):
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    office.store.alerts.advance(alert, event, now=T0, actor="x")
    with pytest.raises(IllegalTransition):
        acknowledge(office.store, alert, "x", T0)
    answer(office, said(f"ACK {alert}"))
    assert outcomes(office)[0][0] == "ignored"


def test_an_answer_is_obeyed_whole_or_not_at_all(office, monkeypatch):
    """A crash between the acknowledgement and the note of it must not leave one without the other."""
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    keep(office.store, said(f"ACK {alert}"), T0)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(office.store.inbox, "settle", killed)
    with pytest.raises(KeyboardInterrupt):
        answer(office)
    assert office.store.alerts.get(alert).state is AlertState.FIRING
    monkeypatch.undo()
    assert answer(office).obeyed == 1


def test_an_entry_that_breaks_the_work_does_not_keep_back_the_others(office, monkeypatch):
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    monkeypatch.setattr("hybridd.pipeline.answers.parse", lambda text: 1 / 0 if text == "boom" else parse(text))
    assert answer(office, said("boom"), said(f"ACK {alert}", number="2")).obeyed == 1
    assert outcomes(office)[0] == ("ignored", "a defect of hybridd: ZeroDivisionError")


def test_reports_that_wait_keep_no_answer_waiting_and_a_long_text_is_cut(office):
    office.hire(MemoryChannel("telegram"))
    alert = office.alert(("telegram",))
    for number in range(120):
        take_hook(office.store, "twilio_status", form(MessageSid=f"SM{number}", MessageStatus="delivered"), T0)
    assert answer(office, said(f"ACK {alert}\n" + "x" * 5000)).obeyed == 1
    assert len(office.store.inbox.list(1)[0].text) == 1_000


def test_who_looks_at_it_needs_no_further_steps_and_has_not_answered(office):
    _, sms = office.hire(MemoryChannel("dashboard"), MemoryChannel("sms"))
    alert = office.alert(("dashboard",), ("sms",))
    office.go()
    see(office.store, alert, "dashboard", "web:me", T0)
    see(office.store, alert, "dashboard", "web:me", T0)
    office.clock.advance(5 * MINUTE)
    office.go()
    assert sms.sent == []
    assert office.fates(alert) == {"dashboard0": "seen", "sms1": "cancelled"}
    assert office.store.alerts.get(alert).state is AlertState.FIRING
    assert len([e for e in office.store.audit.list(99) if e.action == "alert.see"]) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+49 170 123-4567", "491701234567", True),
        ("0049 170 1234567", PHONE, True),
        ("+491701234567", "+491701234568", False),
        ("Me@Example.org", "me@example.org", True),
        ("-1001234567", "1001234567", False),
        ("12345", "+12345", False),
        ("", "", True),
    ],
)
def test_the_same_address_in_other_words(one, other, same):
    assert same_address(one, other) is same


# Hooks.


def take_hook(store, kind, fields, now, *, keys=KEYS, method="sha256"):
    """As the web process keeps it, signed as its provider signs."""
    if kind.startswith("vonage"):
        return HookBox(store).take(kind, signed_by_vonage(fields, keys.vonage, method), "", URL, now)
    return HookBox(store).take(kind, fields, signed_by_twilio(URL, fields, keys.twilio), URL, now)


def form(**fields):
    return {"MessageSid": "SM1", "From": PHONE, "To": "+1555", "Body": "ACK 1", "FromCity": "", **fields}


def test_an_sms_from_the_provider_acknowledges_once(office):
    office.hire(MemoryChannel("sms", recipients=("+49 170 1234567",)))
    alert = office.alert(("sms",))
    assert take_hook(office.store, "twilio_sms", form(Body=f"Ack {alert}"), T0)
    assert not take_hook(office.store, "twilio_sms", form(Body=f"Ack {alert}"), T0), "replayed"
    assert answer(office).obeyed == 1
    entry = office.store.inbox.list()[0]
    assert entry.provider_id.startswith("SM1:")
    assert (entry.sender, entry.data["fields"]["FromCity"]) == (PHONE, "")


@pytest.mark.parametrize("kind", ["twilio_sms", "vonage_sms"])
def test_a_call_that_the_provider_did_not_sign_is_kept_and_has_no_effect(office, kind, caplog):
    office.hire(MemoryChannel("sms", recipients=(PHONE,)))
    alert = office.alert(("sms",))
    forger = HookKeys(twilio="a guess", vonage="a guess")
    fields = form(Body=f"ACK {alert}", text=f"ACK {alert}", messageId="M1", msisdn=PHONE)
    assert take_hook(office.store, kind, fields, T0, keys=forger)
    assert HookBox(office.store).take(kind, fields, "", URL, T0)
    assert answer(office).obeyed == 0
    assert office.store.alerts.get(alert).state is AlertState.FIRING
    name = kind.partition("_")[0].capitalize()
    assert outcomes(office) == [("ignored", f"refused: {name} did not sign it")] * 2
    refused = [entry for entry in office.store.audit.list(99) if entry.action == "hook.refused"]
    assert [entry.actor for entry in refused] == ["stranger"] * 2
    assert take_hook(office.store, kind, fields, T0), "a forger has not taken its place"
    assert answer(office).obeyed == 1


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_of_vonages_signatures_only_those_that_hold_are_believed(office, method):
    office.hire(MemoryChannel("sms", recipients=(PHONE,)))
    alert = office.alert(("sms",))
    fields = {"messageId": "M1", "msisdn": PHONE.lstrip("+"), "text": f"ACK {alert} & =", "nonce": "x"}
    take_hook(office.store, "vonage_sms", fields, T0, method=method)
    assert answer(office).obeyed == (method in {"sha256", "sha512"})


def test_without_a_key_nothing_is_believed(office):
    office.hire(MemoryChannel("sms", recipients=(PHONE,)))
    alert = office.alert(("sms",))
    take_hook(office.store, "twilio_sms", form(Body=f"ACK {alert}"), T0)
    take_hook(office.store, "vonage_sms", {"messageId": "1", "msisdn": PHONE, "text": f"ACK {alert}"}, T0)
    assert work(office.store, office.addresses, T0).obeyed == 0
    assert [outcome for _, outcome in outcomes(office)] == [
        "refused: there is no auth_token of Twilio's to check it by",
        "refused: there is no [sms] signature_secret to check it by",
    ]
    assert "both know" not in repr(KEYS)


def test_a_signature_for_another_address_is_none(office):
    office.hire(MemoryChannel("sms", recipients=(PHONE,)))
    alert = office.alert(("sms",))
    fields = form(Body=f"ACK {alert}")
    signature = signed_by_twilio("https://elsewhere.example.org/", fields, KEYS.twilio)
    HookBox(office.store).take("twilio_sms", fields, signature, URL, T0)
    assert answer(office).obeyed == 0


def test_a_hook_without_its_id_is_not_taken(office):
    assert not HookBox(office.store).take("twilio_sms", {"Body": "ACK 1"}, "", URL, T0)
    assert office.store.inbox.list() == []


def test_a_status_is_applied_and_one_that_comes_before_the_acceptance_waits(office):
    office.hire(MemoryChannel("sms"))
    alert = office.alert(("sms",))
    delivery = office.store.outbox.of_alert(alert)[0]
    take_hook(office.store, "twilio_status", form(MessageSid=f"memory:{delivery.key}", MessageStatus="delivered"), T0)
    answer(office)
    assert outcomes(office) == [("new", "")]
    office.go()
    answer(office)
    assert office.fates(alert) == {"sms0": "delivered"}
    assert outcomes(office) == [("done", "delivered")]


def test_a_status_of_a_message_that_nobody_knows_is_let_go_after_a_while(office):
    take_hook(office.store, "twilio_status", form(MessageStatus="delivered"), T0)
    answer(office)
    assert outcomes(office) == [("new", "")]
    office.clock.advance(PATIENCE_MS)
    answer(office)
    assert outcomes(office) == [("ignored", "no message of this name")]


def test_a_status_of_a_message_under_way_says_nothing(office):
    take_hook(office.store, "twilio_status", form(MessageStatus="sent"), T0)
    answer(office)
    assert outcomes(office) == [("ignored", "nothing certain")]


@pytest.mark.parametrize(
    ("code", "disabled"), [("30005", True), ("30006", True), ("21610", True), ("30007", False), ("30010", False)]
)
def test_a_failed_status_hands_over_and_gives_a_bad_address_up(office, code, disabled):
    office.hire(MemoryChannel("sms"), MemoryChannel("email"))
    alert = office.alert(("sms",), ("email",))
    office.go()
    key = office.store.outbox.of_alert(alert)[0].provider_id
    take_hook(office.store, "twilio_status", form(MessageSid=key, MessageStatus="undelivered", ErrorCode=code), T0)
    assert answer(office).hurried
    office.go()
    assert office.fates(alert) == {"sms0": "failed_permanent", "email1": "accepted"}
    assert office.store.addresses.is_disabled("sms", "somebody") is disabled


def test_a_phone_that_is_off_for_a_moment_is_tried_again(office):
    office.hire(MemoryChannel("sms"))
    alert = office.alert(("sms",))
    office.go()
    key = office.store.outbox.of_alert(alert)[0].provider_id
    report = {"messageId": key, "status": "failed", "err-code": "2", "msisdn": "49170"}
    take_hook(office.store, "vonage_dlr", report, T0)
    answer(office)
    assert office.fates(alert) == {"sms0": "retry_wait"}
    office.clock.advance(MINUTE)
    office.go()
    assert office.fates(alert) == {"sms0": "accepted"}


# Receipts that are asked for.


class Reporting(MemoryChannel):
    """A channel whose provider can be asked; `knows` maps its ids to what became of them."""

    def __init__(self, name="sms", **more):
        super().__init__(name, **more)
        self.knows, self.asked, self.down = {}, [], False

    def receipts(self, provider_ids):
        self.asked.append(tuple(provider_ids))
        if self.down:
            raise ChannelError("503")
        return [self.knows[i] for i in provider_ids if i in self.knows]


def test_what_was_accepted_is_asked_for_until_it_is_delivered(office):
    (sms,) = office.hire(Reporting())
    alert = office.alert(("sms",))
    office.go()
    assert not ask(office.store, "sms", sms, office.clock.now())
    assert sms.asked == [], "not yet"
    office.clock.advance(5_000)
    ask(office.store, "sms", sms, office.clock.now())
    office.clock.advance(5_000)
    key = office.store.outbox.of_alert(alert)[0].provider_id
    sms.knows[key] = Receipt(provider_id=key, at=office.clock.now())
    ask(office.store, "sms", sms, office.clock.now())
    assert office.fates(alert) == {"sms0": "delivered"}
    office.clock.advance(GIVE_UP_MS)
    ask(office.store, "sms", sms, office.clock.now())
    assert len(sms.asked) == 2


def test_asking_grows_rare_and_ends_after_a_day(office):
    (sms,) = office.hire(Reporting())
    alert = office.alert(("sms",))
    office.go()
    sms.down = True
    for _ in range(26 * 60):
        office.clock.advance(MINUTE)
        ask(office.store, "sms", sms, office.clock.now())
    assert 40 < len(sms.asked) < 60
    assert office.fates(alert) == {"sms0": "accepted"}, "that is all that is known"
    assert next_ask(T0, T0) == T0 + 5_000
    assert next_ask(T0, T0 - GIVE_UP_MS) == T0 + 1_800_000


def test_a_failure_by_receipt_after_nobody_was_reached_is_missed(office):
    (sms,) = office.hire(Reporting())
    alert = office.alert(("sms",))
    office.go()
    key = office.store.outbox.of_alert(alert)[0].provider_id
    sms.knows[key] = Receipt(provider_id=key, at=T0, failure=Failure.ADDRESS, detail="30005")
    office.clock.advance(5_000)
    ask(office.store, "sms", sms, office.clock.now())
    assert [m.alert.id for m in office.store.missed.untold()] == [alert]
    assert office.store.addresses.is_disabled("sms", "somebody")


def test_a_channel_that_cannot_report_stays_truthful(office):
    office.hire(MemoryChannel("sms"))
    alert = office.alert(("sms",))
    office.go()
    (delivery,) = office.store.outbox.of_alert(alert)
    assert (delivery.state, delivery.next_at) == (S.ACCEPTED, T0)


# Listening.


class Talking(MemoryChannel):
    """A channel by which people answer: each question gets the next of `answers`, an error is raised."""

    def __init__(self, *answers):
        super().__init__("telegram")
        self.answers, self.questions = list(answers), 0

    def poll(self):
        self.questions += 1
        found = self.answers.pop(0) if self.answers else []
        if isinstance(found, Exception):
            raise found
        return found


def listener(office, channel, heard=lambda: None):
    return Listener(store=office.store, name="telegram", channel=channel, clock=office.clock, heard=heard)


def test_what_was_heard_is_kept_and_somebody_is_woken(office):
    woken = []
    ear = listener(
        office, Talking([said("ACK 1"), said("ACK 2", number="2")], [said("ACK 1")]), lambda: woken.append(1)
    )
    assert [ear.round(), ear.round(), ear.round()] == [2, 0, 0]
    assert woken == [1]
    assert [e.text for e in office.store.inbox.new()] == ["ACK 1", "ACK 2"]


def test_a_state_that_is_locked_loses_no_answer(office):
    channel = Talking([said("ACK 1")])
    ear = listener(office, channel)
    other = sqlite3.connect(office.url.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        ear.round()
    other.close()
    assert ear.round() == 1
    assert channel.questions == 1, "what it holds comes before another question"


def test_a_channel_in_trouble_is_asked_more_rarely_and_then_as_before(office):
    ear = listener(office, Talking(*[ChannelError("down")] * 8, ZeroDivisionError("a defect")))
    pauses = [ear.pause() for _ in range(10)]
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses[8] == LONGEST_PAUSE_S
    assert pauses[9] == 1.0


def test_a_question_that_hangs_delays_neither_couriers_nor_the_end(office):
    asked, release = threading.Event(), threading.Event()

    class Hanging(Talking):
        def poll(self):
            asked.set()
            release.wait(10)
            return []

    (channel,) = office.hire(Hanging())
    alert = office.alert(("telegram",))
    ear = listener(office, channel)
    ear.start()
    assert asked.wait(5)
    office.go()
    assert office.fates(alert) == {"telegram0": "accepted"}
    ear.stop()
    assert ear._thread.daemon
    release.set()
    ear._thread.join(5)
    assert not ear._thread.is_alive()


# The auditor.


def couriers(office):
    return list(office.couriers.values())


def test_a_healthy_office_has_nothing_to_complain_of(office):
    office.hire(MemoryChannel("email", script=[Outcome(failure=Failure.RETRY)]))
    office.alert(("email",))
    office.go()
    office.clock.advance(MINUTE)
    office.go()
    office.clock.advance(OVERDUE_MS)
    assert audit(office.store, couriers(office), office.clock.now()) == ()


def test_what_nobody_sends_is_found(office):
    office.hire(MemoryChannel("email"))
    office.alert(("email",))
    office.clock.advance(OVERDUE_MS + 1)
    (line,) = audit(office.store, couriers(office), office.clock.now())
    assert line.endswith("is not taken by email")
    (line,) = audit(office.store, [], office.clock.now())
    assert line.endswith("nobody works on email")


def test_what_waits_for_a_channel_in_trouble_is_told_as_that_trouble(office):
    office.hire(MemoryChannel("email", script=[Outcome(failure=Failure.ACCOUNT, detail="535")] * 9))
    office.alert(("email",))
    office.go()
    office.clock.advance(OVERDUE_MS * 2)
    assert audit(office.store, couriers(office), office.clock.now()) == ()


def test_an_alert_that_goes_to_nobody_is_found(office):
    alert = office.alert(())
    office.clock.advance(OVERDUE_MS)
    assert audit(office.store, [], office.clock.now()) == (f"alert {alert} goes to nobody",)


def test_a_lease_that_somebody_left_is_taken_back_after_longer_than_any_send(office):
    office.hire(MemoryChannel("email"))
    alert = office.alert(("email",), reason=Reason.TRADE_STOP)
    office.store.outbox.lease(office.store.outbox.of_alert(alert)[0].id, T0)
    office.clock.advance(LEASE_MS)
    audit(office.store, couriers(office), office.clock.now())
    assert office.fates(alert) == {"email0": "leased"}
    office.clock.advance(1)
    audit(office.store, couriers(office), office.clock.now())
    assert office.fates(alert) == {"email0": "unknown"}
    office.go()
    assert office.fates(alert) == {"email0": "accepted"}


def test_an_entry_of_a_kind_that_nobody_knows_is_let_go(office):
    take = said("x")
    keep(office.store, take, T0)
    with office.store.transaction():
        office.store._database.engine.cursor().execute("UPDATE inbox SET kind = 'pigeon'")
    answer(office)
    assert office.store.inbox.list()[0].state is EntryState.IGNORED
