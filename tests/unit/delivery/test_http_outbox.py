"""The HTTP channels in a courier's hands: what stands in the outbox in the end, and what the phone received."""

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.apprise_channel import AppriseChannel
from hybridd.model.change import Reason
from hybridd.model.delivery import DeliveryState as State
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.proof import unproven
from hybridd.pipeline.trial import post_test
from hybridd.store.store import open_store
from tests.fakes import providers as play
from tests.fakes.http_channels import (
    HOOKS,
    MOZILLA,
    NOW,
    TELEGRAM,
    Browser,
    Telegram,
    problem,
    receiver,
    telegram,
    web_push,
    webhook,
)

MINUTE = 60_000


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def store(tmp_path, clock):
    opened = open_store(f"sqlite:///{tmp_path / 'state.db'}", clock=clock)
    yield opened
    opened.close()


def posted(store, clock, channel):
    courier = Courier(store=store, channel=channel, clock=clock, zone="UTC")
    alert = post_test(store, {channel.name: channel.recipients}, [channel.name], clock.now())

    def delivery():
        [found] = [d for d in store.outbox.of_alert(alert) if d.channel == channel.name]
        return found

    return courier, delivery


@pytest.fixture(params=["push", "telegram", "ops"])
def far(request, house, clock):
    if request.param == "push":
        browser = Browser()
        house.serve(MOZILLA, browser.service)
        return web_push(browser, clock=clock, timeout=0.5), MOZILLA
    if request.param == "telegram":
        house.serve(TELEGRAM, Telegram().serve)
        return telegram(clock=clock, timeout=0.5), TELEGRAM
    house.serve(HOOKS, receiver)
    return webhook(clock=clock, timeout=0.5), HOOKS


def test_a_message_that_is_taken_is_accepted_with_the_providers_id(store, clock, far, house):
    courier, delivery = posted(store, clock, far[0])
    courier.drain()
    assert (delivery().state, delivery().attempts) == (State.ACCEPTED, 1)
    assert delivery().provider_id
    assert len(house.phone) == 1


def test_what_was_certainly_not_sent_is_sent_once_later(store, clock, far, house):
    channel, host = far
    house.play(host, play.refused(), play.status(429, headers={"Retry-After": "40"}))
    courier, delivery = posted(store, clock, channel)
    courier.drain()
    assert delivery().state is State.RETRY_WAIT
    clock.advance(2_000)
    courier.drain()
    assert delivery().next_at == clock.now() + 40_000
    clock.advance(39_000)
    courier.drain()
    assert not house.phone
    clock.advance(1_000)
    courier.drain()
    assert (delivery().state, delivery().attempts, len(house.phone)) == (State.ACCEPTED, 3, 1)
    assert "(repeat)" not in house.phone[0].text


def test_what_may_have_arrived_is_sent_again_and_a_copy_is_known_as_one(store, clock, far, house):
    channel, host = far
    house.play(host, play.accept_then_drop())
    courier, delivery = posted(store, clock, channel)
    courier.drain()
    assert delivery().state is State.UNKNOWN
    clock.advance(MINUTE)
    courier.drain()
    assert delivery().state is State.ACCEPTED
    first, second = house.phone
    if channel.idempotent:
        assert first.key == second.key != ""
        assert "(repeat)" not in second.text
    else:
        assert "(repeat)" not in first.text
        assert "(repeat)" in second.text


@pytest.mark.parametrize(
    ("channel", "host", "code"),
    [("push", MOZILLA, 410), ("push", MOZILLA, 413), ("telegram", TELEGRAM, 403), ("ops", HOOKS, 404)],
)
def test_a_bad_address_or_message_is_given_up_and_somebody_is_told_why(store, clock, house, channel, host, code):
    made = {"push": lambda: web_push(Browser(), clock=clock), "telegram": telegram, "ops": webhook}[channel]()
    house.play(host, play.status(code, problem(code, "no more")))
    courier, delivery = posted(store, clock, made)
    courier.drain()
    assert delivery().state is State.FAILED_PERMANENT
    assert "no more" in delivery().reason
    given_up = [address.reason for address in store.addresses.disabled()]
    assert "no more" in courier.trouble if code == 413 else "no more" in given_up[0]
    assert not house.phone


def test_a_bad_account_waits_behind_the_breaker_until_it_is_mended(store, clock, far, house):
    channel, host = far
    house.play(host, play.status(401, problem(401, "Unauthorized")))
    courier, delivery = posted(store, clock, channel)
    courier.drain()
    assert delivery().state is State.RETRY_WAIT
    assert "401" in courier.trouble
    clock.advance(30_000)
    courier.drain()
    assert len(house.asked(host, "POST")) == 1
    clock.advance(40_000)
    courier.drain()
    assert (delivery().state, len(house.phone), courier.trouble) == (State.ACCEPTED, 1, "")


def test_what_comes_too_late_is_not_sent_and_says_so(store, clock, far, house):
    channel, host = far
    house.play(host, play.status(503, headers={"Retry-After": "3600"}))
    courier, delivery = posted(store, clock, channel)
    courier.drain()
    clock.advance(3_600_000)
    courier.drain()
    assert (delivery().state, len(house.phone)) == (State.EXPIRED, 0)


def test_what_apprise_says_is_accepted_and_called_unproven(store, clock, house):
    house.serve("localhost", lambda _: play.Reply(json={}))
    channel = AppriseChannel(name="phone", url=f"jsons://localhost:{house.port}/x")
    courier, delivery = posted(store, clock, channel)
    courier.drain()
    assert delivery().state is State.ACCEPTED
    assert delivery().provider_id == ""
    assert delivery().reason.startswith("unproven:")
    assert unproven(store, [courier], clock.now(), 86_400_000) == {"phone": "nobody says what becomes of its messages"}
    assert store.alerts.open_of(Reason.CHANNEL_DOWN, "phone") is None
