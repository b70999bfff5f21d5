"""Web Push: what the browser reads, what the push service is told, and what its answers mean."""

import base64
import json
import time

import pytest
from py_vapid import Vapid02

from hybridd.clock import ManualClock
from hybridd.delivery.vapid import new_keys, public_key, read_key
from hybridd.delivery.web_push import PAYLOAD_BYTES, payload, topic
from hybridd.model.delivery import Action, Failure
from hybridd.model.subscription import parse_subscription
from tests.fakes import providers as play
from tests.fakes.http_channels import APPLE, CONTACT, KEYS, MOZILLA, NOW, Browser, web_push
from tests.unit.delivery.conftest import a_message

ACTIONS = (Action(label="Seen", data="ACK 17"),)


@pytest.fixture
def browser(house):
    made = Browser()
    house.serve(MOZILLA, made.service)
    return made


def sent(browser, **changes):
    channel = web_push(browser)
    outcome = channel.send(a_message(recipient=channel.recipients[0], **changes))
    assert outcome.failure is None, outcome
    return outcome


def test_the_browser_reads_title_body_link_and_buttons(house, browser):
    sent(browser, body="LONG 78, was 62", link="https://hybridd.example.org/alerts/17", actions=ACTIONS)
    [shown] = house.phone
    assert shown.data == {
        "title": "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00",
        "body": "LONG 78, was 62",
        "link": "https://hybridd.example.org/alerts/17",
        "actions": [{"title": "Seen", "action": "ACK 17"}],
        "tag": topic("17:night@example.org:email:0"),
        "severity": "warning",
        "at": 1_763_823_300_000,
    }


def test_the_push_service_cannot_read_it(house, browser):
    sent(browser, title="a secret of ours", body="no one but us")
    [request] = house.asked(MOZILLA, "POST")
    assert b"secret" not in request.body
    assert b"no one" not in request.body
    assert request.headers["content-encoding"] == "aes128gcm"


def test_the_push_service_is_told_how_long_how_urgent_and_which_it_replaces(house, browser):
    outcome = sent(browser, expires_at=NOW + 900_500)
    headers = house.requests[-1].headers
    assert (headers["ttl"], headers["urgency"], headers["topic"]) == ("900", "high", outcome.provider_id)
    assert len(headers["topic"]) == 32
    assert set(headers["topic"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    sent(browser, severity="info", expires_at=NOW - 1)
    assert (house.requests[-1].headers["ttl"], house.requests[-1].headers["urgency"]) == ("0", "normal")


def test_the_push_service_is_told_who_sends_by_a_signature(house, browser):
    # Its library compares the end of the word with the machine's clock.
    channel = web_push(browser, clock=ManualClock(int(time.time() * 1000)))
    assert channel.send(a_message(recipient=channel.recipients[0])).failure is None
    word = house.requests[-1].headers["authorization"]
    assert Vapid02.verify(word)
    assert word.startswith("vapid t=")
    assert word.endswith(f",k={KEYS.public}")
    claims = json.loads(_decoded(word.split("t=")[1].split(".")[1]))
    assert (claims["aud"], claims["sub"]) == (f"https://{MOZILLA}", CONTACT)
    assert 0 < claims["exp"] - time.time() <= 86_400


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


ANSWERS = [
    (400, Failure.MESSAGE),
    (401, Failure.ACCOUNT),
    (403, Failure.ACCOUNT),
    (404, Failure.ADDRESS),
    (410, Failure.ADDRESS),
    (413, Failure.MESSAGE),
    (301, Failure.ADDRESS),
    (429, Failure.RETRY),
    (503, Failure.RETRY),
    (500, Failure.UNKNOWN),
    (201, None),
    (202, None),
]


@pytest.mark.parametrize(("code", "failure"), ANSWERS)
def test_an_answer_is_filed_under_what_must_be_done_about_it(house, browser, code, failure):
    channel = web_push(browser)
    words = {"message": "this is why"}
    house.play(MOZILLA, play.status(code, words) if failure else play.ok(code, words))
    outcome = channel.send(a_message(recipient=channel.recipients[0]))
    assert outcome.failure is failure
    assert len(house.phone) == (failure is None)
    assert failure is None or "this is why" in outcome.detail


def test_a_copy_replaces_the_first_in_the_service_and_on_the_screen(house, browser):
    house.play(MOZILLA, play.accept_then_drop())
    channel = web_push(browser)
    message = a_message(recipient=channel.recipients[0])
    assert channel.send(message).failure is Failure.UNKNOWN
    assert channel.send(message).failure is None
    assert len({request.headers["topic"] for request in house.requests}) == 1
    assert len({shown.key for shown in house.phone}) == 1


def test_each_device_is_written_to_under_a_name_that_gives_nothing_away(house):
    browsers = Browser(MOZILLA, 1), Browser(APPLE, 2)
    for browser, host in zip(browsers, (MOZILLA, APPLE), strict=True):
        house.serve(host, browser.service)
    channel = web_push(*browsers)
    assert [name.split("#")[0] for name in channel.recipients] == [MOZILLA, APPLE]
    assert not any("capability" in name for name in channel.recipients)
    for recipient in channel.recipients:
        assert channel.send(a_message(recipient=recipient)).failure is None
    assert [shown.host for shown in house.phone] == [MOZILLA, APPLE]


def test_devices_come_and_go_while_it_runs(house, browser):
    registered = [browser.subscription]
    channel = web_push(subscriptions=lambda: registered)
    (name,) = channel.recipients
    registered.clear()
    assert channel.recipients == ()
    outcome = channel.send(a_message(recipient=name))
    assert (outcome.failure, house.requests) == (Failure.ADDRESS, [])
    assert channel.check().failure is Failure.ACCOUNT


def test_a_device_whose_key_is_no_point_of_the_curve_is_a_bad_address(house):
    value = json.loads(Browser().subscription)
    value["keys"]["p256dh"] = value["keys"]["p256dh"][:40] + "A" * 47
    channel = web_push(subscriptions=lambda: [json.dumps(value)])
    outcome = channel.send(a_message(recipient=channel.recipients[0]))
    assert (outcome.failure, house.requests) == (Failure.ADDRESS, [])
    assert "register it again" in outcome.detail


@pytest.mark.parametrize("key", ["", "x", "AAAA", "A" * 43, "-----BEGIN PRIVATE KEY-----", "ä" * 43, "\n"])
def test_a_key_that_is_none_is_the_accounts_trouble_and_is_not_said(house, browser, key):
    channel = web_push(browser, private_key=key)
    for outcome in (channel.send(a_message(recipient=channel.recipients[0])), channel.check()):
        assert outcome.failure is Failure.ACCOUNT
        assert "hybridd push keys" in outcome.detail
        assert not key.strip() or key not in outcome.detail
    assert house.asked(MOZILLA, "POST") == []


def test_a_contact_that_is_none_is_the_accounts_trouble(house, browser):
    channel = web_push(browser, contact="somebody")
    outcome = channel.send(a_message(recipient=channel.recipients[0]))
    assert (outcome.failure, house.requests) == (Failure.ACCOUNT, [])
    assert "mailto:" in outcome.detail


def test_a_key_is_read_in_every_form_that_tools_write():
    keys = new_keys()
    pem = read_key(keys.private).private_pem().decode()
    assert public_key(pem) == public_key(keys.private) == keys.public
    assert len(keys.private) == 43
    assert len(keys.public) == 87
    assert keys.private not in repr(keys)
    assert new_keys().private != keys.private


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "x" * 100_000},
        {"body": "→ 😀" * 10_000, "title": "日本" * 5_000},
        {"body": '"\\\n' * 5_000},
        {"title": "\x00\ud800" * 5_000, "body": "\x01" * 5_000},
        {
            "actions": tuple(Action(label="😀" * 500, data="A" * 500) for _ in range(9)),
            "link": "https://x/" + "y" * 9_000,
        },
    ],
)
def test_what_is_too_long_is_cut_and_keeps_its_tag(changes):
    message = a_message(**changes)
    content = payload(message)
    assert len(content) <= PAYLOAD_BYTES
    value = json.loads(content)
    assert value["tag"] == topic(message.key)
    assert value["title"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        '{"endpoint": "https://a.b/", "keys": {}}',
        '{"endpoint": 5, "keys": {"p256dh": "", "auth": ""}}',
        '{"endpoint": "https://a.b/", "keys": {"p256dh": 5, "auth": ""}}',
        Browser().subscription.replace("https:", "http:"),
        Browser().subscription.replace("https://", "https://user:pass@"),
        Browser().subscription.replace('"auth": "', '"auth": "AAAA'),
        Browser().subscription.replace('"p256dh": "', '"p256dh": "!'),
    ],
)
def test_what_is_no_subscription_is_refused_in_words_that_hold_nothing_of_it(text):
    with pytest.raises(ValueError, match="push subscription") as caught:
        parse_subscription(text)
    assert "capability" not in str(caught.value)


def test_a_subscription_is_not_shown():
    assert "capability" not in repr(parse_subscription(Browser().subscription))
