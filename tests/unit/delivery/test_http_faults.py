"""Every trouble that a network can make, for every channel that speaks HTTP: the class, and what the phone received."""

import pytest

from hybridd.model.delivery import Failure
from tests.fakes import providers as play
from tests.fakes.http_channels import (
    CHAT,
    HOOK_SECRET,
    HOOK_URL,
    HOOKS,
    KEYS,
    MOZILLA,
    TELEGRAM,
    TOKEN,
    Browser,
    Telegram,
    receiver,
    telegram,
    web_push,
    webhook,
)
from tests.unit.delivery.conftest import a_message

R, U = Failure.RETRY, Failure.UNKNOWN
BROWSER = Browser()
SECRETS = (TOKEN, HOOK_SECRET, "nobody-may-see", "nor-this", KEYS.private, "capability", 'p256dh": "B')


@pytest.fixture(params=["push", "telegram", "ops"])
def far(request, house):
    """A channel with a short temper, its host, and the address that it writes to."""
    if request.param == "push":
        house.serve(MOZILLA, BROWSER.service)
        channel = web_push(BROWSER, timeout=0.3)
        return channel, MOZILLA, channel.recipients[0]
    if request.param == "telegram":
        house.serve(TELEGRAM, Telegram().serve)
        return telegram(timeout=0.3), TELEGRAM, CHAT
    house.serve(HOOKS, receiver)
    channel = webhook(timeout=0.3)
    return channel, HOOKS, channel.recipients[0]


FAULTS = [
    (play.no_name(), R, 0),
    (play.refused(), R, 0),
    (play.drop_handshake(), R, 0),
    (play.silent_handshake(), R, 0),
    (play.wrong_certificate(), R, 0),
    (play.unknown_authority(), R, 0),
    (play.drop_before(), U, 0),
    (play.accept_then_drop(), U, 1),
    (play.accept_then_drop(taken=False), U, 0),
    (play.slow(), U, 1),
    (play.slow(taken=False), U, 0),
    (play.drip(), U, 1),
    (play.status(429, headers={"Retry-After": "17"}), R, 0),
    (play.status(503, headers={"Retry-After": "17"}), R, 0),
    (play.status(408), R, 0),
    (play.status(425), R, 0),
    (play.status(500), U, 0),
    (play.status(502, body=b"<html>bad gateway</html>"), U, 0),
    (play.status(504), U, 0),
]


def name_of(value):
    if isinstance(value, play.Act):
        return f"{value.kind} {value.reply.status if value.reply else value.taken}"
    return str(value)


@pytest.mark.parametrize(("act", "failure", "taken"), FAULTS, ids=name_of)
def test_a_trouble_has_its_class_and_the_ledger_says_what_was_received(house, far, act, failure, taken):
    channel, host, recipient = far
    house.play(host, act)
    outcome = channel.send(a_message(recipient=recipient))
    assert outcome.failure is failure, outcome
    assert len(house.phone) == taken
    assert outcome.retry_after == (17 if act.reply and act.reply.headers else 0)
    assert outcome.detail
    assert channel.send(a_message(recipient=recipient)).failure is None
    assert len(house.phone) == taken + 1


def test_half_an_answer_is_not_taken_for_one(house, far):
    channel, host, recipient = far
    house.play(host, play.Act(kind="half", reply=play.Reply(status=200, body=b'{"ok": true, ' * 50), taken=True))
    assert channel.send(a_message(recipient=recipient)).failure is U
    assert len(house.phone) == 1


@pytest.mark.parametrize("wait", ["9" * 400, "-5", "soon", "Wed, 99 Oct 2015 07:29:30 GMT", ""])
def test_no_wait_is_longer_than_a_week(house, far, wait):
    channel, host, recipient = far
    house.play(host, play.status(429, headers={"Retry-After": wait}))
    outcome = channel.send(a_message(recipient=recipient))
    assert outcome.failure is R
    assert outcome.retry_after in {0.0, 7 * 86_400.0}


ECHOES = {
    MOZILLA: f"{BROWSER.subscription} POST /wpush/v2/capability-1",
    TELEGRAM: f"https://{TELEGRAM}/bot{TOKEN}/sendMessage {TOKEN}",
    HOOKS: f"{HOOK_URL} POST /in/a-path-that-nobody-may-see {HOOK_SECRET} key=nor-this",
}


@pytest.mark.parametrize("code", [200, 307, 400, 401, 404, 413, 429, 500])
def test_no_secret_is_told_even_where_the_far_side_says_it_back(house, far, code, caplog):
    caplog.set_level("DEBUG", logger="hybridd")
    channel, host, recipient = far
    description = {"ok": False, "description": ECHOES[host]}
    house.play(host, play.status(code, description, headers={"Location": HOOK_URL}))
    outcome = channel.send(a_message(recipient=recipient))
    words = f"{outcome} {caplog.text} {channel.recipients} {channel!r} {channel.check()}"
    assert [secret for secret in SECRETS if secret in words] == []
    assert "\n" not in outcome.detail
    assert len(outcome.detail) < 500


def test_nobody_is_followed_to_another_place(house, far):
    channel, host, recipient = far
    house.play(host, play.status(307, headers={"Location": f"https://{HOOKS}/elsewhere"}))
    assert channel.send(a_message(recipient=recipient)).failure in {Failure.ACCOUNT, Failure.ADDRESS}
    assert len(house.asked(method="POST")) == 1
    assert not house.phone


@pytest.mark.parametrize("act", [play.no_name(), play.refused(), play.unknown_authority(), play.slow(taken=False)])
def test_a_check_says_what_is_wrong_and_sends_nothing(house, far, act):
    channel, host, _ = far
    house.play(host, act)
    assert channel.check().failure in {R, U}
    assert channel.check().failure is None
    assert not house.phone


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_account_counts_as_refused_until_a_message_is_taken(house, far, code):
    channel, host, recipient = far
    if host == TELEGRAM:
        pytest.skip("Telegram can be asked whether the token is good")
    house.play(host, play.status(code))
    assert channel.send(a_message(recipient=recipient)).failure is Failure.ACCOUNT
    assert channel.check().failure is Failure.ACCOUNT
    assert channel.send(a_message(recipient=recipient)).failure is None
    assert channel.check().failure is None
