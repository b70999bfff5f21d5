"""What every channel owes: it sends once, says honestly what came of it, and never raises for what the world does."""

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.apprise_channel import AppriseChannel
from hybridd.delivery.channel import Channel
from hybridd.delivery.dashboard import DashboardChannel
from hybridd.delivery.journal import JournalChannel
from hybridd.delivery.memory import MemoryChannel
from hybridd.delivery.push_firebase import FirebaseChannel
from hybridd.delivery.sms_twilio import TwilioChannel
from hybridd.delivery.sms_vonage import VonageChannel
from hybridd.model.delivery import Failure, Outcome
from tests.fakes import firebase, twilio, vonage
from tests.fakes import providers as play
from tests.fakes.http_channels import HOOKS, MOZILLA, TELEGRAM, Browser, Telegram, receiver, telegram, web_push, webhook
from tests.fakes.smtp import Act, FakeSmtp
from tests.unit.delivery.conftest import a_message, channel_to

HOSTILE = [
    {"title": "a\r\nBcc: x@y.z"},
    {"title": "\x00\x1b[2J\u202e\ud800"},
    {"title": "", "text": "", "html": ""},
    {"text": ".\r\n.\r\n..\r\nQUIT\r\n", "html": "<p>.</p>"},
    {"text": "x" * 100_000},
    {"text": "日本 → 😀" * 500, "title": "日本 → 😀" * 100},
    {"fields": {"lower": "x", "A B": "x", "PRIORITY": "x", "OK": "a\nb\x00"}},
    {"thread": "a\r\nX: y", "severity": "unheard of"},
    {"key": "\n" * 50 + "ü"},
    {"short": "\x00\ud800 → 😀\n" * 50, "body": "\x00\ud800 → 😀\n" * 500, "link": "javascript:\x00"},
]


def _push():
    browser = Browser()
    return web_push(browser), MOZILLA, browser.service


HTTP = {
    "push": _push,
    "telegram": lambda: (telegram(), TELEGRAM, Telegram().serve),
    "webhook": lambda: (webhook(), HOOKS, receiver),
}
WITHOUT_PROOF = {"apprise"}
CLOCK = ManualClock(a_message().created_at)


def _twilio(house, _folder):
    twilio.FakeTwilio(house)
    number = ("+4915112345678",)
    made = TwilioChannel(
        account_sid=twilio.SID, auth_token=twilio.TOKEN, sender=twilio.SENDER, recipients=number, clock=CLOCK
    )
    return made, twilio.HOST


def _vonage(house, _folder):
    vonage.FakeVonage(house)
    number = ("+4915112345678",)
    made = VonageChannel(api_key=vonage.KEY, api_secret=vonage.SECRET, sender="hybridd", recipients=number, clock=CLOCK)
    return made, vonage.HOST


def _firebase(house, folder):
    google = firebase.FakeFirebase(house, {"device-token"})
    key = firebase.service_account(folder / "key.json")
    made = FirebaseChannel(credentials_file=key, devices=("device-token",), clock=CLOCK)
    made.screen = lambda: google.screen
    return made, firebase.HOST


LIBRARIES = {"sms by Twilio": _twilio, "sms by Vonage": _vonage, "push by Firebase": _firebase}


@pytest.fixture(
    params=["email", "journal", "memory", "memory that doubles", *HTTP, *LIBRARIES, "dashboard", *WITHOUT_PROOF]
)
def channel(request):
    if request.param == "dashboard":
        yield DashboardChannel()
        return
    if request.param in LIBRARIES:
        house = request.getfixturevalue("house")
        made, host = LIBRARIES[request.param](house, request.getfixturevalue("tmp_path"))
        made.house, made.host = house, host
        yield made
        made.close()
        firebase.settle()
        return
    if request.param in HTTP:
        made, host, answer = HTTP[request.param]()
        made.house, made.host = request.getfixturevalue("house"), host
        made.house.serve(host, answer)
        yield made
        return
    if request.param == "apprise":
        house = request.getfixturevalue("house")
        house.serve("localhost", lambda _: play.Reply(json={}))
        made = AppriseChannel(name="apprise", url=f"jsons://localhost:{house.port}/x")
        made.house, made.host = house, "localhost"
        yield made
        return
    if request.param == "journal":
        yield JournalChannel()
        return
    if request.param.startswith("memory"):
        yield MemoryChannel(idempotent=request.param == "memory")
        return
    with FakeSmtp() as server:
        made = channel_to(server)
        made.server = server
        yield made


def test_it_names_itself_and_its_recipients(channel: Channel):
    assert channel.name
    assert isinstance(channel.idempotent, bool)
    assert isinstance(channel.recipients, tuple)
    assert channel.recipients


def test_a_message_is_taken(channel):
    outcome = channel.send(a_message(recipient=channel.recipients[0]))
    assert outcome.failure is None, outcome
    assert bool(outcome.provider_id) is (channel.name not in WITHOUT_PROOF)
    assert channel.name not in WITHOUT_PROOF or "unproven" in outcome.detail


def test_the_same_key_has_the_same_id_with_the_provider(channel):
    message = a_message(recipient=channel.recipients[0])
    first, second = (channel.send(message).provider_id for _ in range(2))
    if hasattr(channel, "screen"):
        assert len(channel.screen()) == 1
    elif channel.idempotent or not hasattr(channel, "house"):
        assert first == second
    if isinstance(channel, MemoryChannel):
        assert len(channel.sent) == (1 if channel.idempotent else 2)


@pytest.mark.parametrize("changes", HOSTILE, ids=[str(c)[:40].encode("ascii", "replace").decode() for c in HOSTILE])
def test_no_message_breaks_it(channel, changes):
    outcome = channel.send(a_message(recipient=channel.recipients[0], **changes))
    assert outcome.failure in {None, Failure.MESSAGE}
    assert "\n" not in outcome.detail


def test_it_can_be_checked_without_sending(channel, caplog):
    assert channel.check().failure is None
    assert not [record for record in caplog.records if record.name == "hybridd.alert"]
    if hasattr(channel, "server"):
        assert not channel.server.mails
    if hasattr(channel, "house"):
        assert not channel.house.phone


def test_asking_for_a_message_gives_an_answer_or_nothing(channel):
    found = channel.find(a_message(recipient=channel.recipients[0]))
    assert found is None or isinstance(found, Outcome)


def test_it_can_be_closed_twice(channel):
    channel.close()
    channel.close()


def test_trouble_is_an_outcome_not_an_exception(channel):
    if hasattr(channel, "house"):
        acts = [play.drop_handshake(), play.wrong_certificate(), play.drop_before(), play.accept_then_drop()]
        channel.house.play(channel.host, *acts)
        message = a_message(recipient=channel.recipients[0])
        assert all(channel.send(message).failure is not None for _ in acts)
        assert channel.send(message).failure is None
        return
    if not hasattr(channel, "server"):
        pytest.skip("it has nobody to be in trouble with")
    acts = [Act(phase, drop=True) for phase in ("connect", "ehlo", "mail", "rcpt", "data", "content")]
    channel.server.next(*acts)
    assert all(channel.send(a_message()).failure is not None for _ in acts)
    assert channel.send(a_message()).failure is None
