"""SMS by Twilio's own library, over real TLS to its real host name; what the phone received decides."""

import gzip
import json
import threading
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.sms_text import sms_text
from hybridd.delivery.sms_twilio import TwilioChannel
from hybridd.delivery.twilio_failures import CODES, REMEDIES, classify, of_receipt
from hybridd.errors import ChannelError
from hybridd.model.delivery import ABSENT, Failure, Outcome
from tests.fakes import providers as play
from tests.fakes.twilio import HOST, SENDER, SID, TOKEN, FakeTwilio, refusal
from tests.unit.delivery.conftest import a_message

PHONE = "+4915112345678"
SPEC = Path(__file__).resolve().parents[4] / "shared" / "specs" / "twilio_api_v2010.json.gz"
NOW = 1_763_823_301_000
SHORT = "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00. 9 of 12 agree, confidence 71 %. 14:55 UTC"


def sms(**changes):
    made = a_message(key=f"17:{PHONE}:sms:1", recipient=PHONE, short=SHORT)
    return replace(made, **changes)


@pytest.fixture
def twilio(house):
    return FakeTwilio(house)


@pytest.fixture
def make(house):
    made = []

    def channel(**changes):
        settings = {"account_sid": SID, "auth_token": TOKEN, "sender": SENDER, "recipients": (PHONE,), "timeout": 5.0}
        made.append(TwilioChannel(clock=ManualClock(NOW), **(settings | changes)))
        return made[-1]

    yield channel
    for one in made:
        one.close()


@pytest.fixture
def channel(make, twilio):
    return make()


def refuses(code, status=400, words="no", **more):
    return play.status(status, refusal(status, code, words).json, **more)


def test_a_message_reaches_the_phone_once(channel, house, twilio):
    outcome = channel.send(sms())
    assert outcome == Outcome(provider_id=twilio.messages[0]["sid"], detail="Twilio took it: queued, 1 segment(s)")
    [shown] = house.phone
    assert (shown.to, shown.text) == (PHONE, SHORT)
    assert shown.data == {"To": PHONE, "From": SENDER, "Body": SHORT, "ValidityPeriod": "899"}
    assert len(house.requests) == 1


def test_what_is_sent_and_what_is_answered_fits_twilios_own_description(channel, house, twilio):
    if not SPEC.exists():
        pytest.skip(f"Twilio's description is not at {SPEC}")
    outcome = channel.send(sms())
    twilio.becomes(outcome.provider_id, "undelivered", 30003, "Unreachable destination handset")
    channel.receipts([outcome.provider_id])
    channel.find(sms(repeat=True))
    channel.check()
    document = _nullable(json.loads(gzip.decompress(SPEC.read_bytes())))
    paths = document["paths"]
    asked = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
    form = paths[asked]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    sent = house.phone[0].data
    numbers = {"ValidityPeriod": int(sent["ValidityPeriod"])}
    _fits(document, form, {**sent, **numbers})
    assert set(sent) <= set(form["properties"])
    known = {parameter["name"] for parameter in paths[asked]["get"]["parameters"]}
    [listed] = [request for request in house.asked(HOST, "GET") if request.path.endswith("/Messages.json")]
    assert set(listed.query) <= known
    assert listed.query["To"] == PHONE
    assert listed.query["From"] == SENDER
    assert listed.query["DateSent>"] == "2025-11-22T14:55:00Z"
    schemas = document["components"]["schemas"]
    for made in twilio.messages:
        _fits(document, schemas["api.v2010.account.message"], made)
    _fits(document, schemas["api.v2010.account"], twilio._account())
    _fits(
        document,
        paths[asked]["get"]["responses"]["200"]["content"]["application/json"]["schema"],
        twilio._list({}).json,
    )


def _fits(document, schema, value):
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def _nullable(node):
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _nullable(value) for key, value in node.items()}
    if made.pop("nullable", False) and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


TABLE = {
    Failure.RETRY: {20429: 429, 30001: 400, 30003: 400, 30008: 400},
    Failure.ADDRESS: {21211: 400, 21614: 400, 21610: 400, 21408: 403, 30005: 400, 30006: 400},
    Failure.MESSAGE: {21617: 400, 30007: 400},
    Failure.ACCOUNT: {20003: 401, 21606: 400, 21608: 400},
}
ROWS = [(code, status, failure) for failure, codes in TABLE.items() for code, status in codes.items()]


@pytest.mark.parametrize(("code", "status", "failure"), ROWS)
def test_each_refusal_is_of_its_class_and_nothing_arrives(channel, house, code, status, failure):
    house.play(HOST, refuses(code, status, "these are Twilio's words"))
    outcome = channel.send(sms())
    assert outcome.failure is failure
    assert outcome.detail.startswith(f"Twilio: {code} these are Twilio's words")
    assert REMEDIES.get(code, "") in outcome.detail
    assert not house.phone
    assert len(house.requests) == 1


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (429, "retry"), (503, "retry"), (302, "retry"), (500, "unknown"), (502, "unknown"), (504, "unknown"),
        (401, "account"), (403, "account"), (404, "account"), (400, "message"),
    ],
)  # fmt: skip
def test_a_status_without_a_code_decides(channel, house, status, failure):
    house.play(HOST, play.status(status, body=b"<html>no</html>", headers={"Location": "https://hooks.example.org/"}))
    assert channel.send(sms()).failure == failure
    assert len(house.requests) == 1


def test_the_newer_form_of_an_error_is_read_too(channel, house):
    body = {"type": "https://x", "title": "Invalid To", "status": 400, "code": 21211, "detail": "no such number"}
    house.play(HOST, play.status(400, body))
    outcome = channel.send(sms())
    assert (outcome.failure, outcome.detail) == (Failure.ADDRESS, "Twilio: 21211 Invalid To no such number")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_goes_to_the_outbox_and_blocks_nobody(channel, house, status):
    house.play(HOST, play.status(status, headers={"Retry-After": "60"}))
    outcome = channel.send(sms())
    assert (outcome.failure, outcome.retry_after) == (Failure.RETRY, 60.0)
    assert len(house.requests) == 1


def test_a_daily_limit_waits_for_an_hour(channel, house):
    house.play(HOST, refuses(63038, 429))
    assert channel.send(sms()).retry_after == 3600


HASTE = 0.8
"""Seconds: long enough for a busy machine to come as far as the act wants it, short enough to wait for."""
NEVER_SENT = [
    play.no_name(), play.refused(), play.drop_handshake(), play.silent_handshake(), play.wrong_certificate(),
    play.unknown_authority(),
]  # fmt: skip
NOBODY_KNOWS = [
    (play.drop_before(), 0), (play.accept_then_drop(), 1), (play.accept_then_drop(taken=False), 0),
    (play.half_body(), 1), (play.slow(), 1), (play.slow(taken=False), 0), (play.drip(), 1), (play.garbage(), 1),
    (play.garbage(b"", 201), 1), (play.ok(201, {"sid": None}), 1), (play.ok(201, ["?"]), 1),
]  # fmt: skip


@pytest.mark.parametrize("act", NEVER_SENT, ids=lambda act: act.kind)
def test_trouble_before_the_request_is_tried_again(make, twilio, house, act):
    house.play(HOST, act)
    outcome = make(timeout=HASTE if "silent" in act.kind else 5.0).send(sms())
    assert outcome.failure is Failure.RETRY
    assert outcome.detail.startswith("api.twilio.com ")
    assert not house.phone
    assert make().send(sms()).failure is None


@pytest.mark.parametrize(("act", "taken"), NOBODY_KNOWS, ids=str)
def test_trouble_after_the_request_is_unknown(make, twilio, house, act, taken):
    house.play(HOST, act)
    outcome = make(timeout=HASTE if act.kind in ("slow", "drip") else 5.0).send(sms())
    assert outcome.failure is Failure.UNKNOWN
    assert len(house.phone) == taken
    assert len(house.requests) <= 1


def test_a_name_that_takes_too_long_to_look_up_is_given_up_for_good(make, twilio, house, monkeypatch):
    asked, goes_on, done = house.getaddrinfo, threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        goes_on.wait(5)
        try:
            return asked(*args, **kwargs)
        finally:
            done.set()

    monkeypatch.setattr("socket.getaddrinfo", slow)
    channel = make(timeout=0.1)
    outcome = channel.send(sms())
    assert outcome == Outcome(failure=Failure.RETRY, detail="api.twilio.com did not answer in time")
    goes_on.set()
    assert done.wait(5)
    for thread in threading.enumerate():
        if thread.name == "attempt":
            thread.join(5)
    assert not house.requests, "what was given up is not sent later"


def test_no_answer_shows_an_account_or_a_key(channel, house):
    words = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json {TOKEN}\n\x1b[31m"
    acts = [refuses(20404, 404, words), refuses(20003, 401, words), play.refused(), play.garbage(words.encode())]
    house.play(HOST, *acts, play.drop_handshake())
    details = [channel.send(sms()).detail for _ in range(5)]
    assert details[0].startswith("Twilio: 20404 https://api.twilio.com/2010-04-01/Accounts/***/Messages.json ***")
    assert not [detail for detail in details if SID in detail or TOKEN in detail or not detail.isprintable()]
    assert TOKEN not in repr(channel) + repr(channel._masks)


# A message whose fate is not known


def test_what_twilio_has_is_adopted_and_not_sent_again(make, twilio, house):
    house.play(HOST, play.accept_then_drop())
    channel = make()
    assert channel.send(sms()).failure is Failure.UNKNOWN
    found = make().find(sms(repeat=True, short=SHORT.replace("45,250.00", "45,250.00 (repeat)"), forms={SHORT}))
    assert found == Outcome(provider_id=twilio.messages[0]["sid"], detail="Twilio had it already: queued, 1 segment(s)")
    assert len(house.phone) == 1


def test_what_has_arrived_meanwhile_is_adopted_as_delivered(channel, twilio):
    sid = channel.send(sms()).provider_id
    twilio.becomes(sid, "delivered")
    found = channel.find(sms(repeat=True))
    assert found is not None
    assert found.delivered


def test_what_twilio_could_not_deliver_is_known_as_lost(channel, twilio):
    sid = channel.send(sms()).provider_id
    twilio.becomes(sid, "undelivered", 30005, "Unknown destination handset")
    found = channel.find(sms(repeat=True))
    assert found is not None
    assert found.failure is Failure.ADDRESS


def test_what_twilio_has_not_is_not_adopted(channel, house):
    house.play(HOST, play.accept_then_drop(taken=False))
    assert channel.send(sms()).failure is Failure.UNKNOWN
    assert channel.find(sms(repeat=True)) is ABSENT


@pytest.mark.parametrize(
    "other",
    [
        {"short": SHORT.replace("LONG 78", "SHORT 21")},
        {"short": SHORT + " Reply ACK 16"},
        {"short": SHORT[:-20]},
        {"recipient": "+4915100000000"},
    ],
    ids=["other words", "longer", "shorter", "other phone"],
)
def test_another_message_is_not_mistaken_for_it(channel, other):
    assert channel.send(sms(**other)).failure is None
    assert channel.find(sms(repeat=True)) is ABSENT


def test_the_same_words_of_another_step_are_known_by_their_id(channel, make):
    sid = channel.send(sms(key=f"17:{PHONE}:sms:2")).provider_id
    assert make().find(sms(repeat=True, others=frozenset({sid}))) is ABSENT
    assert make().find(sms(repeat=True)).provider_id == sid


def test_what_a_trial_account_writes_before_each_message_does_not_hide_it(channel, twilio):
    sid = channel.send(sms()).provider_id
    twilio.messages[0]["body"] = f"Sent from your Twilio trial account - {SHORT}"
    assert channel.find(sms(repeat=True)).provider_id == sid


def test_where_twilio_shows_no_more_than_was_asked_for_nothing_is_certain(channel, monkeypatch):
    monkeypatch.setattr("hybridd.delivery.sms_twilio._ASKED_FOR", 3)
    for number in range(3):
        channel.send(sms(short=f"{SHORT} {number}"))
    assert channel.find(sms(repeat=True)) is None


def test_the_same_words_from_before_this_alert_are_another_message(channel, twilio):
    assert channel.send(sms()).failure is None
    later = sms(repeat=True, key=f"18:{PHONE}:sms:1", created_at=round(twilio.now * 1000) + 60_000)
    assert channel.find(later) is ABSENT


@pytest.mark.parametrize("act", [play.refused(), play.status(503), play.garbage(), play.accept_then_drop()], ids=str)
def test_who_cannot_be_asked_has_nothing(channel, house, act):
    house.play(HOST, act)
    assert channel.find(sms(repeat=True)) is None


# What becomes of a message


def test_receipts_tell_what_arrived_what_was_lost_and_nothing_of_the_rest(channel, twilio):
    ids = [channel.send(sms(short=f"news {n}")).provider_id for n in range(5)]
    twilio.becomes(ids[0], "delivered")
    twilio.becomes(ids[1], "undelivered", 30003, "Unreachable destination handset")
    twilio.becomes(ids[2], "failed", 30007, "Message filtered")
    twilio.becomes(ids[3], "sent")
    told = {receipt.provider_id: receipt for receipt in channel.receipts([*ids, "SM" + "f" * 32])}
    assert set(told) == set(ids[:3])
    assert told[ids[0]].failure is None
    assert told[ids[0]].at == round(twilio.now) * 1000
    assert told[ids[1]].failure is Failure.RETRY
    assert told[ids[1]].detail == "Twilio: undelivered, 30003 Unreachable destination handset"
    assert told[ids[2]].failure is Failure.MESSAGE


@pytest.mark.parametrize(("code", "failure"), [(c, f) for c, _, f in ROWS if c > 30000] + [(None, Failure.RETRY)])
def test_each_code_of_a_lost_message_is_of_its_class(channel, twilio, code, failure):
    sid = channel.send(sms()).provider_id
    twilio.becomes(sid, "undelivered", code)
    [receipt] = channel.receipts([sid])
    assert receipt.failure is failure


@pytest.mark.parametrize("act", [play.refused(), play.status(503), refuses(20003, 401), play.garbage()], ids=str)
def test_receipts_that_cannot_be_had_are_an_error(channel, house, act):
    sid = channel.send(sms()).provider_id
    house.play(HOST, act)
    with pytest.raises(ChannelError, match="cannot be asked") as caught:
        channel.receipts([sid])
    assert SID not in str(caught.value)


# Being asked whether it works


def test_a_check_reads_the_account_and_sends_nothing(channel, house):
    assert channel.check() == Outcome(detail="Twilio: the account is active (Full)")
    assert [(request.method, request.path[-8:]) for request in house.requests] == [("GET", "def.json")]
    assert not house.phone


@pytest.mark.parametrize(
    ("changes", "act", "failure"),
    [
        ({"auth_token": "wrong-token"}, None, Failure.ACCOUNT),
        ({}, play.refused(), Failure.RETRY),
        ({}, play.accept_then_drop(), Failure.RETRY),
        ({}, play.status(500), Failure.RETRY),
        ({}, play.garbage(), Failure.RETRY),
    ],
    ids=str,
)
def test_a_check_says_what_is_wrong(make, twilio, house, changes, act, failure):
    if act is not None:
        house.play(HOST, act)
    outcome = make(**changes).check()
    assert outcome.failure is failure
    assert outcome.detail


def test_a_suspended_account_is_the_accounts_trouble(channel, twilio):
    twilio.status = "suspended"
    assert channel.check().failure is Failure.ACCOUNT


# Details of what is sent


def test_a_messaging_service_takes_the_senders_place(make, twilio, house):
    service = "MG" + "0" * 32
    channel = make(sender=service)
    sid = channel.send(sms()).provider_id
    assert house.phone[0].data["MessagingServiceSid"] == service
    assert "From" not in house.phone[0].data
    found = channel.find(sms(repeat=True))
    assert found is not None
    assert found.provider_id == sid


@pytest.mark.parametrize(("left", "seconds"), [(899_900, "899"), (400, "1"), (-5, "1"), (10**9, "36000")])
def test_the_time_to_live_is_passed_on(channel, house, left, seconds):
    channel.send(sms(expires_at=NOW + left))
    assert house.phone[0].data["ValidityPeriod"] == seconds


def test_each_message_has_a_connection_of_its_own(channel, house):
    for _ in range(2):
        channel.send(sms())
    assert [request.headers["connection"] for request in house.requests] == ["close", "close"]


def test_another_programs_environment_does_not_send_it_elsewhere(make, twilio, house, monkeypatch):
    for name in ("TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.setenv(name, "ashburn")
    assert make().send(sms()).failure is None
    assert not house.strangers


def test_without_a_short_form_the_title_is_sent_on_one_line():
    assert sms_text(a_message(title="BTC → LONG")) == "BTC -> LONG"
    assert sms_text(a_message(title="x" * 500)) == "x" * 157 + "..."
    assert sms_text(a_message(title="", short="")) == ""


def test_nothing_is_not_sent(channel, house):
    assert channel.send(sms(short="", title="")).failure is Failure.MESSAGE
    assert not house.requests


def test_it_works_again_after_it_was_closed(channel, house):
    channel.send(sms())
    channel.close()
    channel.close()
    assert channel.send(sms()).failure is None
    assert len(house.phone) == 2


def test_the_tables_do_not_contradict_themselves():
    codes = [code for codes in CODES.values() for code in codes]
    assert len(codes) == len(set(codes))
    assert set(REMEDIES) <= set(codes)
    assert {of_receipt(code) for code in CODES[Failure.ADDRESS]} == {Failure.ADDRESS}
    assert classify(99_999, 400)[0] is Failure.MESSAGE
