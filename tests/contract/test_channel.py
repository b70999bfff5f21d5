"""What every channel owes: it sends once, says honestly what came of it, and never raises for what the world does."""

import pytest

from hybridd.delivery.channel import Channel
from hybridd.delivery.journal import JournalChannel
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.delivery import Failure, Outcome
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
]


@pytest.fixture(params=["email", "journal", "memory", "memory that doubles"])
def channel(request):
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
    assert outcome.failure is None
    assert outcome.provider_id


def test_the_same_key_has_the_same_id_with_the_provider(channel):
    message = a_message(recipient=channel.recipients[0])
    assert channel.send(message).provider_id == channel.send(message).provider_id
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


def test_asking_for_a_message_gives_an_answer_or_nothing(channel):
    found = channel.find(a_message(recipient=channel.recipients[0]))
    assert found is None or isinstance(found, Outcome)


def test_it_can_be_closed_twice(channel):
    channel.close()
    channel.close()


def test_trouble_is_an_outcome_not_an_exception(channel):
    if not hasattr(channel, "server"):
        pytest.skip("it has nobody to be in trouble with")
    acts = [Act(phase, drop=True) for phase in ("connect", "ehlo", "mail", "rcpt", "data", "content")]
    channel.server.next(*acts)
    assert all(channel.send(a_message()).failure is not None for _ in acts)
    assert channel.send(a_message()).failure is None
