"""What became of an SMS, told by its provider to the address that was given with it: web, state and watcher."""

from urllib.parse import urlsplit

import pytest

from hybridd.delivery.callbacks import PATHS
from hybridd.delivery.links import hook_address
from hybridd.delivery.sms_twilio import TwilioChannel
from hybridd.delivery.sms_vonage import VonageChannel
from hybridd.model.delivery import DeliveryState
from hybridd.pipeline.answers import work
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.hooks import HookBox, HookKeys
from tests.fakes import twilio as twilios
from tests.fakes import vonage as vonages
from tests.unit.dashboard.web import Web
from tests.unit.pipeline.house import put

PHONE, PUBLIC = "+4915112345678", "https://hybridd.example.org/"
KEYS = HookKeys(twilio=twilios.TOKEN, vonage="the signature secret")
COMMON = {"sender": "+15005550006", "recipients": (PHONE,)}


def twilio(clock):
    told = hook_address(PUBLIC, PATHS["twilio_status"])
    return TwilioChannel(
        account_sid=twilios.SID, auth_token=twilios.TOKEN, clock=clock, report_to=told, timeout=5.0, **COMMON
    )


def vonage(clock):
    told = hook_address(PUBLIC, PATHS["vonage_dlr"])
    return VonageChannel(
        api_key=vonages.KEY, api_secret=vonages.SECRET, clock=clock, report_to=told, timeout=5.0, **COMMON
    )


class Told(Web):
    """The web over a state in which an SMS has been taken by its provider."""

    def __init__(self, folder, channel_of):
        super().__init__(folder, hooks=Late(), public_url=PUBLIC)
        self.desk.hooks = HookBox(self.store)
        clock = self.house.clock
        self.channel = channel_of(clock)
        self.alert = put(self.house.store, clock.now(), channels=[self.channel])
        Courier(store=self.house.store, channel=self.channel, clock=clock, zone="UTC").drain()
        self.given = self.delivery.provider_id

    @property
    def delivery(self):
        [found] = [d for d in self.house.store.outbox.of_alert(self.alert) if d.channel == "sms"]
        return found

    def call(self, address, form, signature=""):
        """As the provider calls the address that it was given."""
        headers = {"X-Twilio-Signature": signature} if signature else {}
        assert self.client.post(urlsplit(address).path, data=form, headers=headers).status_code == 200
        work(self.house.store, {"sms": (PHONE,)}, self.house.clock.now(), keys=KEYS)


class Late:
    """Who takes the calls is there a moment after the routes."""


@pytest.fixture
def told(tmp_path, house):
    made = []
    twilios.FakeTwilio(house)
    vonages.FakeVonage(house)

    def make(channel_of):
        made.append(Told(tmp_path, channel_of))
        return made[-1]

    yield make
    for one in made:
        one.channel.close()
        one.close()


def test_twilio_is_told_where_to_report_and_is_believed(told, house):
    web = told(twilio)
    address = house.phone[0].data["StatusCallback"]
    assert address == "https://hybridd.example.org/hooks/twilio/status"
    form = {"MessageSid": web.given, "MessageStatus": "sent", "ErrorCode": "", "To": PHONE}
    web.call(address, form, twilios.signed_by_twilio(address, form))
    assert web.delivery.state is DeliveryState.ACCEPTED
    forged = {**form, "MessageStatus": "delivered"}
    web.call(address, forged, twilios.signed_by_twilio(address, forged, "a guess"))
    assert web.delivery.state is DeliveryState.ACCEPTED
    web.call(address, forged, twilios.signed_by_twilio(address, forged))
    assert web.delivery.state is DeliveryState.DELIVERED


def test_vonage_is_told_where_to_report_and_is_believed(told, house):
    web = told(vonage)
    address = house.phone[0].data["callback"]
    assert address == "https://hybridd.example.org/hooks/vonage/dlr"
    report = {"messageId": web.given, "msisdn": PHONE[1:], "status": "delivered", "err-code": "0", "scts": "2511221430"}
    web.call(address, vonages.signed_by_vonage(report, "a guess"))
    assert web.delivery.state is DeliveryState.ACCEPTED
    web.call(address, vonages.signed_by_vonage(report, KEYS.vonage))
    assert web.delivery.state is DeliveryState.DELIVERED


def test_an_address_of_this_machine_or_one_that_is_too_long_is_told_to_nobody(tmp_path, house, told):
    assert hook_address("http://localhost:8787", PATHS["twilio_status"]) == ""
    assert hook_address("", PATHS["twilio_status"]) == ""

    def long(clock):
        return VonageChannel(
            api_key=vonages.KEY, api_secret=vonages.SECRET, clock=clock, report_to=f"https://{'x' * 100}/", **COMMON
        )

    assert told(long).delivery.state is DeliveryState.ACCEPTED
    assert "callback" not in house.phone[0].data
