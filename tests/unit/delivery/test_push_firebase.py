"""Push by Firebase's own library, with a real service account over real TLS; what the device shows decides."""

import json
from dataclasses import replace

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.firebase_failures import CODES, classify
from hybridd.delivery.push_firebase import FirebaseChannel
from hybridd.delivery.push_text import collapse_key, name_of, target_of
from hybridd.model.delivery import Action, Failure, Outcome
from tests.fakes import providers as play
from tests.fakes.firebase import HOST, LOGIN, FakeFirebase, refuses, service_account, settle
from tests.unit.delivery.conftest import a_message

DEVICE = "dGhlLWRldmljZQ:APA91b-the-registration-token"
NOW = 1_763_823_301_000
NAME = name_of(target_of(DEVICE))
KEY = f"17:{NAME}:push:0"


def push(**changes):
    made = a_message(key=KEY, recipient=NAME, body="The signal went from NEUTRAL to LONG.\nConfidence 71 %.")
    return replace(made, **changes)


@pytest.fixture
def firebase(house):
    return FakeFirebase(house, {DEVICE})


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    return service_account(tmp_path_factory.mktemp("account") / "service-account.json")


@pytest.fixture
def make(house, account):
    made = []

    def channel(**changes):
        settings = {"credentials_file": account, "devices": (DEVICE,), "timeout": 5.0}
        made.append(FirebaseChannel(clock=ManualClock(NOW), **(settings | changes)))
        return made[-1]

    yield channel
    for one in made:
        one.close()
    settle()


@pytest.fixture
def channel(make, firebase):
    return make()


def test_a_message_reaches_the_device_with_words_facts_and_link(channel, house, firebase):
    link = "https://hybridd.example.org/alerts/17"
    actions = (Action(label="Seen", data="ACK 17"),)
    outcome = channel.send(push(link=link, actions=actions))
    assert outcome == Outcome(provider_id="projects/night-watch/messages/1", detail="Firebase took it")
    [shown] = house.phone
    message = shown.data
    assert message["token"] == DEVICE
    assert message["notification"] == {"title": push().title, "body": push().body}
    assert message["data"]["SYMBOL"] == "BTC/USDT"
    assert (message["data"]["link"], message["data"]["action_0"]) == (link, "Seen|ACK 17")
    assert message["webpush"]["fcm_options"]["link"] == link
    assert not house.strangers


def test_one_key_is_one_message_on_every_platform(channel, house):
    channel.send(push())
    message, key = house.phone[0].data, collapse_key(KEY)
    assert message["android"]["collapse_key"] == message["android"]["notification"]["tag"] == key
    assert message["apns"]["headers"]["apns-collapse-id"] == key
    assert message["webpush"]["headers"]["Topic"] == message["webpush"]["notification"]["tag"] == key
    assert len(key) <= 32


def test_a_second_copy_takes_the_first_ones_place(channel, house, firebase):
    house.play(HOST, play.accept_then_drop())
    assert channel.send(push()).failure is Failure.UNKNOWN
    assert channel.send(push()).failure is None
    assert len(house.phone) == 2
    assert len(firebase.screen) == 1


def test_the_time_to_live_is_passed_on(channel, house):
    channel.send(push())
    message = house.phone[0].data
    assert message["android"]["ttl"] == "899s"
    assert message["webpush"]["headers"]["TTL"] == "899"
    assert message["apns"]["headers"]["apns-expiration"] == str(push().expires_at // 1000)


@pytest.mark.parametrize(("severity", "priority", "apns"), [("critical", "high", "10"), ("info", "normal", "5")])
def test_what_matters_wakes_the_device(channel, house, severity, priority, apns):
    channel.send(push(severity=severity))
    message = house.phone[0].data
    assert (message["android"]["priority"], message["apns"]["headers"]["apns-priority"]) == (priority, apns)


@pytest.mark.parametrize(
    ("device", "kind", "value"),
    [(DEVICE, "token", DEVICE), (f"token:{DEVICE}", "token", DEVICE), ("fid:fXy", "fid", "fXy")],
)
def test_an_address_is_kept_with_its_kind(make, firebase, house, device, kind, value):
    firebase.devices.add("fXy")
    channel = make(devices=(device, device))
    [name] = channel.recipients
    assert channel.send(push(recipient=name)).failure is None
    assert house.phone[0].data[kind] == value
    assert name.startswith(f"{kind}:")
    assert value not in name


def test_a_device_that_left_the_settings_is_a_bad_address(channel, house):
    outcome = channel.send(push(recipient="token:0123456789ab"))
    assert (outcome.failure, outcome.detail) == (
        Failure.ADDRESS,
        "[push] device_tokens has no token:0123456789ab any more",
    )
    assert not house.requests


@pytest.mark.parametrize(
    "changes", [{"body": "ü" * 9000}, {"text": "x" * 9000, "body": ""}, {"link": "https://x/" + "y" * 9000}]
)
def test_a_long_message_is_cut_not_refused(channel, house, changes):
    fields = dict.fromkeys(("ALERT_ID", "SYMBOL", "SCORE", "SIGNAL", "REASON", "PRICE", "SUBJECT"), "x" * 150)
    assert channel.send(push(title="→" * 500, fields=fields, **changes)).failure is None
    assert len(json.dumps(house.phone[0].data, ensure_ascii=False).encode()) <= 4096
    assert house.phone[0].data["notification"]["title"].endswith("→...")
    assert {"key", "SYMBOL", "SCORE"} <= house.phone[0].data["data"].keys()


def test_a_link_that_is_not_https_is_for_the_app_alone(channel, house):
    channel.send(push(link="http://192.168.1.5:8787/alerts/17"))
    message = house.phone[0].data
    assert "fcm_options" not in message["webpush"]
    assert message["data"]["link"].startswith("http://192")


TABLE = [
    (503, "UNAVAILABLE", "UNAVAILABLE", Failure.RETRY),
    (500, "INTERNAL", "INTERNAL", Failure.RETRY),
    (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", Failure.RETRY),
    (404, "NOT_FOUND", "UNREGISTERED", Failure.ADDRESS),
    (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", Failure.ADDRESS),
    (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", Failure.MESSAGE),
    (400, "INVALID_ARGUMENT", "", Failure.MESSAGE),
    (403, "PERMISSION_DENIED", "", Failure.ACCOUNT),
    (429, "RESOURCE_EXHAUSTED", "", Failure.RETRY),
    (404, "NOT_FOUND", "", Failure.ACCOUNT),
    (302, "MOVED", "", Failure.RETRY),
]


@pytest.mark.parametrize(("status", "name", "code", "failure"), TABLE)
def test_each_refusal_is_of_its_class_and_is_not_sent_again(channel, house, status, name, code, failure):
    house.play(HOST, refuses(status, name, code, words="Google's words"))
    outcome = channel.send(push())
    assert outcome.failure is failure
    assert outcome.detail.startswith(f"Firebase: {code or name} Google's words")
    assert not house.phone
    assert len(house.asked(HOST)) == 1


def test_trouble_between_google_and_apple_is_the_accounts(channel, house):
    # The library takes a 401 for a stale token and asks twice more with new ones: none of these is a message.
    house.play(HOST, *[refuses(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")] * 3)
    outcome = channel.send(push())
    assert outcome.failure is Failure.ACCOUNT
    assert "APNs key" in outcome.detail
    assert not house.phone


def test_a_token_that_is_no_token_is_a_bad_address(channel, house):
    house.play(HOST, refuses(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field_name="message.token"))
    assert channel.send(push()).failure is Failure.ADDRESS


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_goes_to_the_outbox_and_blocks_nobody(channel, house, status, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    house.play(HOST, play.status(status, {}, headers={"Retry-After": "60"}))
    outcome = channel.send(push())
    assert (outcome.failure, outcome.retry_after) == (Failure.RETRY, 60.0)
    assert (len(house.asked(HOST)), slept) == (1, [])


HASTE = 0.8
"""Seconds: long enough for a busy machine to come as far as the act wants it, short enough to wait for."""
NEVER_SENT = [play.no_name(), play.refused(), play.drop_handshake(), play.silent_handshake(), play.unknown_authority()]
NOBODY_KNOWS = [
    (play.drop_before(), 0), (play.accept_then_drop(), 1), (play.half_body(), 1), (play.slow(), 1), (play.drip(), 1),
    (play.garbage(), 1), (play.ok(200, {}), 1), (play.status(502, body=b"<html>"), 0),
]  # fmt: skip


@pytest.mark.parametrize("act", NEVER_SENT, ids=lambda act: act.kind)
def test_trouble_before_the_request_is_tried_again(make, firebase, house, act):
    channel = make(timeout=HASTE if "silent" in act.kind else 5.0)
    channel.check()
    house.play(HOST, act)
    assert channel.send(push()).failure is Failure.RETRY
    assert not house.phone
    assert make().send(push()).failure is None


@pytest.mark.parametrize(("act", "taken"), NOBODY_KNOWS, ids=str)
def test_trouble_after_the_request_is_unknown(make, firebase, house, act, taken):
    channel = make(timeout=HASTE if act.kind in ("slow", "drip") else 5.0)
    channel.check()
    house.play(HOST, act)
    before = len(house.asked(HOST))
    assert channel.send(push()).failure is Failure.UNKNOWN
    assert len(house.phone) == taken
    assert len(house.asked(HOST)) - before <= 1


# Logging in


def test_one_login_serves_many_messages(channel, house):
    for _ in range(3):
        channel.send(push())
    assert len(house.asked(LOGIN)) == 1


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        (play.refused(), Failure.RETRY), (play.accept_then_drop(), Failure.RETRY), (play.slow(), Failure.RETRY),
        (play.status(503, headers={"Retry-After": "60"}), Failure.RETRY), (play.status(429), Failure.RETRY),
        (play.garbage(), Failure.RETRY),
        (play.status(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}), Failure.ACCOUNT),
        (play.status(401, {"error": "invalid_client"}), Failure.ACCOUNT),
    ],
    ids=str,
)  # fmt: skip
def test_a_login_that_fails_sends_nothing_and_sleeps_for_nobody(make, firebase, house, act, failure, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    house.play(LOGIN, act)
    outcome = make(timeout=HASTE if act.kind == "slow" else 5.0).send(push())
    assert outcome.failure is failure
    assert outcome.detail.startswith("Google's login")
    assert outcome.retry_after == (60.0 if act.reply and act.reply.headers else 0.0)
    assert not house.asked(HOST)
    assert len(house.asked(LOGIN)) <= 1


def test_a_token_that_was_called_back_is_fetched_anew(channel, house, firebase):
    channel.send(push())
    firebase._valid.clear()
    assert channel.send(push()).failure is None
    assert len(house.asked(LOGIN)) == 2
    assert len(house.phone) == 2


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"type": "service_account"}', "not json"])
def test_a_file_that_is_no_key_is_the_accounts_trouble(make, house, tmp_path, text):
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    outcome = make(credentials_file=path).send(push())
    assert outcome.failure is Failure.ACCOUNT
    assert str(path) in outcome.detail
    assert not house.requests


def test_no_answer_shows_a_device_or_a_key(make, house, firebase, account):
    house.play(HOST, refuses(400, "INVALID_ARGUMENT", words=f"no device {DEVICE}"))
    channel = make()
    assert channel.send(push()).detail.startswith("Firebase: INVALID_ARGUMENT no device ***")
    assert DEVICE not in repr(channel._masks)


# Being asked whether it works


def test_a_check_lets_firebase_look_at_a_message_and_sends_none(channel, house):
    assert channel.check() == Outcome(detail="Firebase: logged in, 1 of 1 devices can be reached")
    assert house.asked(HOST)[0].json["validate_only"] is True
    assert not house.phone


def test_a_device_that_is_gone_is_told_but_leaves_the_channel_well(make, firebase, house):
    outcome = make(devices=("gone-device-token", DEVICE)).check()
    assert outcome.failure is None
    assert "1 of 2 devices can be reached; Firebase: UNREGISTERED" in outcome.detail.replace(
        "NOT_FOUND", "UNREGISTERED"
    )


def test_without_any_device_it_cannot_work(make, firebase, house):
    house.play(HOST, refuses(404, "NOT_FOUND", "UNREGISTERED"))
    assert make().check().failure is Failure.ADDRESS


@pytest.mark.parametrize("act", [play.refused(), play.accept_then_drop(), play.status(503)], ids=str)
def test_a_check_without_an_answer_is_tried_again(channel, house, act):
    house.play(HOST, act)
    assert channel.check().failure is Failure.RETRY


def test_it_works_again_after_it_was_closed(channel, house):
    channel.send(push())
    channel.close()
    channel.close()
    assert channel.send(push()).failure is None


def test_two_channels_live_side_by_side_through_a_reload(make, firebase):
    old, new = make(), make()
    assert old.send(push()).failure is new.send(push()).failure is None
    old.close()
    assert new.send(push()).failure is None


def test_a_refusal_of_no_known_shape_is_still_of_a_class():
    for body in (b"", b"[]", b'{"error": "x"}', b'{"error": {"details": [1, {"fieldViolations": 7}]}}'):
        assert classify(418, body).failure is Failure.MESSAGE
        assert classify(599, body).failure is Failure.UNKNOWN
    assert set(CODES.values()) == {Failure.RETRY, Failure.ADDRESS, Failure.MESSAGE, Failure.ACCOUNT}
