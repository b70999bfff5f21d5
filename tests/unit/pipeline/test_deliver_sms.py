"""An SMS whose answer is lost: the courier looks for it with the real library, and the phone gets what it must."""

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.sms_twilio import TwilioChannel
from hybridd.delivery.sms_vonage import VonageChannel
from hybridd.model.delivery import DeliveryState
from hybridd.pipeline.deliver import Courier
from hybridd.store.store import open_store
from tests.fakes import providers as play
from tests.fakes import twilio, vonage
from tests.makers import T0
from tests.unit.pipeline.house import put

PHONE = "+4915112345678"


@pytest.fixture
def clock():
    return ManualClock(T0)


@pytest.fixture
def store(clock):
    made = open_store("sqlite://:memory:", clock=clock)
    yield made
    made.close()


@pytest.fixture
def by_twilio(house, clock):
    account = twilio.FakeTwilio(house, now=T0 / 1000 + 1)
    made = TwilioChannel(
        account_sid=twilio.SID, auth_token=twilio.TOKEN, sender=twilio.SENDER, recipients=(PHONE,), clock=clock
    )
    made.account = account
    yield made
    made.close()


@pytest.fixture
def by_vonage(house, clock):
    vonage.FakeVonage(house)
    made = VonageChannel(
        api_key=vonage.KEY, api_secret=vonage.SECRET, sender="hybridd", recipients=(PHONE,), clock=clock
    )
    yield made
    made.close()


def deliver(store, clock, channel, rounds=4):
    alert = put(store, clock.now(), channels=[channel])
    courier = Courier(store=store, channel=channel, clock=clock, zone="UTC")
    for _ in range(rounds):
        courier.round(lambda: False)
        clock.advance(61_000)
    [delivery] = store.outbox.of_alert(alert)
    return delivery


def test_what_twilio_took_is_adopted_and_the_phone_gets_one(store, clock, by_twilio, house):
    house.play(twilio.HOST, play.accept_then_drop())
    delivery = deliver(store, clock, by_twilio)
    assert delivery.state is DeliveryState.ACCEPTED
    assert delivery.provider_id == by_twilio.account.messages[0]["sid"]
    assert len(house.phone) == 1


def test_what_twilio_never_got_is_sent_again_once_and_says_so(store, clock, by_twilio, house):
    house.play(twilio.HOST, play.accept_then_drop(taken=False))
    assert deliver(store, clock, by_twilio).state is DeliveryState.ACCEPTED
    [shown] = house.phone
    assert "(repeat)" in shown.text


def test_what_certainly_was_not_sent_goes_out_later_without_a_mark(store, clock, by_twilio, house):
    house.play(twilio.HOST, play.status(503), play.drop_handshake())
    assert deliver(store, clock, by_twilio).state is DeliveryState.ACCEPTED
    [shown] = house.phone
    assert "(repeat)" not in shown.text


def test_vonage_cannot_be_asked_so_the_copy_says_what_it_is(store, clock, by_vonage, house):
    house.play(vonage.HOST, play.accept_then_drop())
    assert deliver(store, clock, by_vonage).state is DeliveryState.ACCEPTED
    assert ["(repeat)" in shown.text for shown in house.phone] == [False, True]
    assert len({shown.key for shown in house.phone}) == 1


def test_a_number_that_is_none_is_given_up_at_once(store, clock, by_twilio, house):
    house.play(twilio.HOST, play.status(400, twilio.refusal(400, 21211, "no").json))
    assert deliver(store, clock, by_twilio).state is DeliveryState.FAILED_PERMANENT
    assert len(house.requests) == 1
