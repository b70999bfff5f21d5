"""The webhook: what the receiver gets, how it knows who wrote it, and what its answers mean."""

import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.webhook import VERSION, content, is_private
from hybridd.model.delivery import Action, Failure
from tests.fakes import providers as play
from tests.fakes.http_channels import HOOK_SECRET, HOOK_URL, HOOKS, NOW, receiver, webhook
from tests.unit.delivery.conftest import a_message

ROOT = Path(__file__).resolve().parents[3]
ACTIONS = (Action(label="Seen", data="ACK 17"),)


@pytest.fixture
def hook(house):
    house.serve(HOOKS, receiver)
    return house


def test_the_receiver_gets_the_facts_as_json(hook):
    message = a_message(body="LONG 78", actions=ACTIONS, link="https://h.example.org/alerts/17")
    assert webhook().send(message).failure is None
    [request] = hook.requests
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "version": VERSION,
        "key": "17:night@example.org:email:0",
        "created_at": "2025-11-22T14:55:00Z",
        "expires_at": "2025-11-22T15:10:00Z",
        "severity": "warning",
        "title": "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00",
        "body": "LONG 78",
        "text": "The signal went from NEUTRAL to LONG.\n",
        "link": "https://h.example.org/alerts/17",
        "actions": [{"label": "Seen", "data": "ACK 17"}],
        "thread": "BTC/USDT",
        "facts": {"alert_id": "17", "symbol": "BTC/USDT"},
    }


def test_it_is_signed_over_the_time_and_the_very_bytes(hook):
    webhook().send(a_message())
    [request] = hook.requests
    stamp = request.headers["x-hybridd-timestamp"]
    assert stamp == str(NOW // 1000)
    expected = hmac.new(HOOK_SECRET.encode(), stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-hybridd-signature"] == expected


def test_without_a_secret_nothing_pretends_to_be_signed(hook):
    webhook(secret="").send(a_message())
    assert "x-hybridd-signature" not in hook.requests[0].headers


def test_a_copy_has_the_same_key_and_body_and_a_time_of_its_own(hook):
    hook.play(HOOKS, play.accept_then_drop())
    clock = ManualClock(NOW)
    channel = webhook(clock=clock)
    assert channel.send(a_message()).failure is Failure.UNKNOWN
    clock.advance(5_000)
    assert channel.send(a_message()).failure is None
    first, second = hook.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "17:night@example.org:email:0"
    assert first.body == second.body
    assert first.headers["x-hybridd-timestamp"] != second.headers["x-hybridd-timestamp"]
    assert first.headers["x-hybridd-signature"] != second.headers["x-hybridd-signature"]
    assert len({shown.key for shown in hook.phone}) == 1


ANSWERS = [
    (200, None),
    (202, None),
    (204, None),
    (301, Failure.ACCOUNT),
    (307, Failure.ACCOUNT),
    (400, Failure.MESSAGE),
    (401, Failure.ACCOUNT),
    (403, Failure.ACCOUNT),
    (404, Failure.ADDRESS),
    (409, Failure.RETRY),
    (410, Failure.ADDRESS),
    (413, Failure.MESSAGE),
    (422, Failure.MESSAGE),
    (429, Failure.RETRY),
    (500, Failure.UNKNOWN),
    (503, Failure.RETRY),
]


@pytest.mark.parametrize(("code", "failure"), ANSWERS)
def test_an_answer_is_filed_under_what_must_be_done_about_it(hook, code, failure):
    hook.play(HOOKS, play.ok(code, {}) if failure is None else play.status(code, {"why": "because"}))
    outcome = webhook().send(a_message())
    assert outcome.failure is failure
    assert f"HTTP {code}" in outcome.detail
    assert len(hook.phone) == (failure is None)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://hooks.example.org/x", True),
        ("HTTPS://hooks.example.org/x", True),
        ("http://localhost:8080/x", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:80/x", True),
        ("http://hooks.example.org/x", False),
        ("http://localhost.example.org/x", False),
        ("http://127.0.0.1.example.org/x", False),
        ("http://localhost@hooks.example.org/x", False),
    ],
)
def test_nothing_is_sent_in_the_clear_beyond_this_machine(house, url, private):
    assert is_private(url) is private
    if not private:
        outcome = webhook(url=url).send(a_message())
        assert (outcome.failure, house.requests, house.strangers) == (Failure.ACCOUNT, [], [])
        assert webhook(url=url).check().failure is Failure.ACCOUNT
        assert "https://" in outcome.detail


@pytest.mark.parametrize(
    "act", [play.status(405), play.status(404), play.status(401), play.status(501), play.ok(204, {})]
)
def test_a_check_needs_an_answer_and_no_more(hook, act):
    hook.play(HOOKS, act)
    assert webhook().check().failure is None
    assert [request.method for request in hook.requests] == ["OPTIONS"]
    assert not hook.phone


def test_a_check_sees_that_nobody_stands_behind_the_proxy(hook):
    hook.play(HOOKS, play.status(502))
    assert webhook().check().failure is not None


def test_the_recipient_is_the_host_alone():
    assert webhook(url="https://user:word@hooks.example.org:8443/in/x?key=1").recipients == (
        "https://hooks.example.org:8443",
    )


def test_the_body_is_ascii_whatever_is_in_it():
    body = content(a_message(title="日本 → 😀\ud800", body="ä\x00", key="ü\n"))
    assert body.isascii()
    assert json.loads(body)["title"].startswith("日本 → 😀")


def test_the_receiver_in_the_documentation_believes_what_is_signed_and_nothing_else(hook):
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?def is_genuine.*?)```", page, re.DOTALL)
    spoken = {}
    exec(code, spoken)
    is_genuine = spoken["is_genuine"]
    webhook().send(a_message())
    [request] = hook.requests
    headers = {"X-Hybridd-Timestamp": request.headers["x-hybridd-timestamp"]}
    headers["X-Hybridd-Signature"] = request.headers["x-hybridd-signature"]
    now = NOW / 1000
    assert is_genuine(HOOK_SECRET, headers, request.body, now)
    assert not is_genuine("another", headers, request.body, now)
    assert not is_genuine(HOOK_SECRET, headers, request.body + b" ", now)
    assert not is_genuine(HOOK_SECRET, headers, request.body, now + 301)
    assert not is_genuine(HOOK_SECRET, {**headers, "X-Hybridd-Timestamp": str(NOW // 1000 - 1)}, request.body, now)
    assert not is_genuine(HOOK_SECRET, {}, request.body, now)


def test_the_body_in_the_documentation_has_the_fields_that_are_sent():
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    missing = [name for name in json.loads(content(a_message())) if f"`{name}`" not in page]
    assert missing == []


def test_the_address_stands_in_no_representation():
    assert HOOK_URL not in repr(webhook())
