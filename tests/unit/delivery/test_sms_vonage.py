"""SMS by Vonage's own library, over real TLS to its real host name; what the phone received decides."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from hybridd.clock import ManualClock
from hybridd.delivery.channel import Reports
from hybridd.delivery.sms_vonage import VonageChannel, reference
from hybridd.delivery.vonage_failures import REMEDIES, STATUSES, classify
from hybridd.model.delivery import Failure, Outcome
from tests.fakes import providers as play
from tests.fakes.vonage import HOST, KEY, SECRET, FakeVonage, half_taken, refuses
from tests.unit.delivery.conftest import a_message

PHONE = "+4915112345678"
SPEC = Path(__file__).resolve().parents[4] / "shared" / "specs" / "vonage_sms.yml.gz"
NOW = 1_763_823_301_000
SHORT = "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00. 9 of 12 agree, confidence 71 %. 14:55 UTC"


def sms(**changes):
    made = a_message(key=f"17:{PHONE}:sms:1", recipient=PHONE, short=SHORT)
    return replace(made, **changes)


@pytest.fixture
def make(house):
    FakeVonage(house)
    made = []

    def channel(**changes):
        settings = {"api_key": KEY, "api_secret": SECRET, "sender": "+4915199999999", "recipients": (PHONE,)}
        made.append(VonageChannel(clock=ManualClock(NOW), timeout=changes.pop("timeout", 5.0), **(settings | changes)))
        return made[-1]

    yield channel
    for one in made:
        one.close()


@pytest.fixture
def channel(make):
    return make()


def test_a_message_reaches_the_phone_once(channel, house):
    outcome = channel.send(sms())
    assert outcome == Outcome(provider_id="0A00000000000001", detail="Vonage took it: 1 segment(s)")
    [shown] = house.phone
    assert (shown.to, shown.text, shown.key) == ("4915112345678", SHORT, f"17:{PHONE}:sms:1")
    wanted = {"to": "4915112345678", "from": "4915199999999", "text": SHORT, "type": "text", "ttl": "899000"}
    assert shown.data == {**wanted, "client-ref": f"17:{PHONE}:sms:1"}
    assert len(house.requests) == 1


def test_what_is_sent_and_what_is_answered_fits_vonages_own_description(channel, house):
    if not SPEC.exists():
        pytest.skip(f"Vonage's description is not at {SPEC}")
    channel.send(sms())
    document = yaml.safe_load(gzip.decompress(SPEC.read_bytes()))
    schemas = document["components"]["schemas"]
    form = house.phone[0].data
    assert set(form) <= set(schemas["NewMessage"]["properties"])
    # Key and secret travel in a header, which is younger than the description.
    wanted = {**schemas["NewMessage"], "required": ["from", "to"]}
    jsonschema.Draft202012Validator(wanted).validate({**form, "ttl": int(form["ttl"])})
    answered = FakeVonage(house).answer(house.requests[0]).json
    for kind, answer in (("SMS", answered), ("Error", json.loads(refuses(4).reply.content))):
        jsonschema.Draft202012Validator({**schemas[kind], "components": {"schemas": schemas}}).validate(answer)


TABLE = {
    Failure.RETRY: (1, 5),
    Failure.ADDRESS: (6, 7),
    Failure.ACCOUNT: (4, 8, 9),
    Failure.MESSAGE: (2, 3, 12),
}


@pytest.mark.parametrize(("code", "failure"), [(code, f) for f, codes in TABLE.items() for code in codes])
def test_each_status_under_http_200_is_of_its_class_and_nothing_arrives(channel, house, code, failure):
    house.play(HOST, refuses(code, "these are Vonage's words"))
    outcome = channel.send(sms())
    assert outcome.failure is failure
    assert outcome.detail.startswith(f"Vonage: status {code} these are Vonage's words")
    assert REMEDIES.get(code, "") in outcome.detail
    assert not house.phone
    assert len(house.requests) == 1


def test_a_refusal_without_words_is_understood(channel, house):
    house.play(HOST, play.status(200, {"message-count": "1", "messages": [{"status": "9"}]}))
    assert channel.send(sms()).failure is Failure.ACCOUNT


def test_half_a_message_is_neither_sent_nor_refused(channel, house):
    house.play(HOST, half_taken(9))
    outcome = channel.send(sms())
    assert (outcome.failure, outcome.provider_id) == (Failure.UNKNOWN, "0A1")


@pytest.mark.parametrize(
    ("status", "failure"),
    [(429, "retry"), (503, "retry"), (302, "retry"), (500, "unknown"), (502, "unknown"), (401, "account")],
)
def test_a_status_of_http_decides_where_there_is_no_other(channel, house, status, failure):
    house.play(HOST, play.status(status, body=b"no", headers={"Retry-After": "60", "Location": "/x"}))
    outcome = channel.send(sms())
    assert (outcome.failure, outcome.retry_after) == (failure, 60.0)
    assert len(house.requests) == 1


HASTE = 0.8
"""Seconds: long enough for a busy machine to come as far as the act wants it, short enough to wait for."""
NEVER_SENT = [play.no_name(), play.refused(), play.drop_handshake(), play.silent_handshake(), play.wrong_certificate()]
NOBODY_KNOWS = [
    (play.drop_before(), 0), (play.accept_then_drop(), 1), (play.accept_then_drop(taken=False), 0),
    (play.half_body(), 1), (play.slow(), 1), (play.drip(), 1), (play.garbage(), 1), (play.ok(200, {}), 1),
    (play.ok(200, {"message-count": "0", "messages": []}), 1), (play.ok(200, [1]), 1),
    (play.ok(200, {"message-count": "1", "messages": [{"status": "fine"}]}), 1),
]  # fmt: skip


@pytest.mark.parametrize("act", NEVER_SENT, ids=lambda act: act.kind)
def test_trouble_before_the_request_is_tried_again(make, house, act):
    house.play(HOST, act)
    outcome = make(timeout=HASTE if "silent" in act.kind else 5.0).send(sms())
    assert outcome.failure is Failure.RETRY
    assert outcome.detail.startswith("rest.nexmo.com ")
    assert not house.phone
    assert make().send(sms()).failure is None


@pytest.mark.parametrize(("act", "taken"), NOBODY_KNOWS, ids=str)
def test_trouble_after_the_request_is_unknown_and_is_not_sent_again(make, house, act, taken):
    house.play(HOST, act)
    outcome = make(timeout=HASTE if act.kind in ("slow", "drip") else 5.0).send(sms())
    assert outcome.failure is Failure.UNKNOWN
    assert len(house.phone) == taken
    assert len(house.requests) <= 1


def test_a_message_that_was_lost_sight_of_cannot_be_asked_for(channel, house):
    house.play(HOST, play.accept_then_drop())
    channel.send(sms())
    assert channel.find(sms(repeat=True)) is None
    assert not isinstance(channel, Reports), "Vonage tells what became of a message to a web address only"


def test_no_answer_shows_a_key_or_a_secret(channel, house):
    house.play(HOST, refuses(4, f"{KEY} {SECRET}\n"), play.refused(), play.status(401, {"x": SECRET}))
    details = [channel.send(sms()).detail for _ in range(3)]
    assert "*** ***" in details[0]
    assert not [detail for detail in details if KEY in detail or SECRET in detail or not detail.isprintable()]


def test_a_check_reads_the_balance_and_sends_nothing(channel, house):
    assert channel.check() == Outcome(detail="Vonage: the credentials hold, the balance is 12.50 EUR")
    assert [(request.method, request.path) for request in house.requests] == [("GET", "/account/get-balance")]
    assert not house.phone


@pytest.mark.parametrize(
    ("changes", "act", "failure"),
    [
        ({"api_secret": "wrong-secret"}, None, Failure.ACCOUNT),
        ({}, play.refused(), Failure.RETRY),
        ({}, play.accept_then_drop(), Failure.RETRY),
        ({}, play.garbage(), Failure.RETRY),
    ],
    ids=str,
)
def test_a_check_says_what_is_wrong(make, house, changes, act, failure):
    if act is not None:
        house.play(HOST, act)
    assert make(**changes).check().failure is failure


@pytest.mark.parametrize(("left", "ttl"), [(899_900, "899900"), (400, "20000"), (-5, "20000"), (10**10, "604800000")])
def test_the_time_to_live_is_passed_on_within_what_vonage_takes(channel, house, left, ttl):
    channel.send(sms(expires_at=NOW + left))
    assert house.phone[0].data["ttl"] == ttl


@pytest.mark.parametrize(("text", "kind"), [("BTC @ 1,200 (EUR)", "text"), ("BTC ≥ 5 → LONG", "unicode")])
def test_text_beyond_the_gsm_alphabet_is_declared_so(channel, house, text, kind):
    channel.send(sms(short=text))
    assert (house.phone[0].data["type"], house.phone[0].text) == (kind, text)


def test_the_reference_is_the_same_at_each_attempt_and_never_too_long(channel, house):
    key = "17:" + "x" * 200
    for _ in range(2):
        channel.send(sms(key=key))
    assert {shown.key for shown in house.phone} == {reference(key)}
    assert len(reference(key)) == 40
    assert reference("17:ü") != reference("17:u")


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
    statuses = [status for some in STATUSES.values() for status in some]
    assert len(statuses) == len(set(statuses))
    assert set(REMEDIES) <= set(statuses)
    assert classify([0, 0]) is None
    assert classify([777]) is Failure.MESSAGE
