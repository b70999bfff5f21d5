"""Which channels the settings make, and what they are given of the state."""

import pytest

from hybridd.channels import channels_of
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.delivery.channel import Listens
from hybridd.store.store import open_store
from tests.fakes.http_channels import CHAT, KEYS, NOW, TELEGRAM, TOKEN, Browser, Telegram

ALL = {
    "email": {"enabled": True, "smtp_server": "m", "sender_email": "a@b.c", "recipient_email": "d@e.f"},
    "push": {
        "enabled": True,
        "service": "web_push",
        "vapid_private_key": KEYS.private,
        "contact": "mailto:a@b.c",
        "device_tokens": [Browser().subscription],
    },
    "telegram": {"enabled": True, "bot_token": TOKEN, "chat_id": CHAT},
    "channels": [
        {"name": "ops", "url": "https://hooks.example.org/x"},
        {"name": "phone", "url": "ntfys://ntfy.sh/x"},
    ],
}


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'state.db'}", clock=ManualClock(NOW))
    yield opened
    opened.close()


def names(settings, *around):
    return [channel.name for channel in channels_of(Settings.model_validate(settings), *around)]


def test_only_what_is_switched_on_is_made():
    assert names({}) == ["journal"]
    assert names(ALL) == ["journal", "email", "push", "telegram", "ops", "phone"]
    off = {name: {**ALL[name], "enabled": False} for name in ("email", "push", "telegram")}
    assert names(off) == ["journal"]


def test_no_recipient_gives_a_secret_away():
    made = channels_of(Settings.model_validate(ALL))
    told = {channel.name: channel.recipients for channel in made}
    assert told["telegram"] == (CHAT,)
    assert told["ops"] == ("https://hooks.example.org",)
    assert told["phone"] == ("ntfys://***",)
    assert told["push"][0].startswith("updates.push.services.mozilla.com#")


def test_the_dashboard_is_a_channel_where_there_is_a_page_and_a_state(store):
    assert "dashboard" in names({}, store)
    assert "dashboard" not in names({})
    assert "dashboard" not in names({"dashboard": {"enabled": False}}, store)


def test_what_telegram_said_is_read_once_also_after_a_restart(store, house):
    api = Telegram()
    house.serve(TELEGRAM, api.serve)
    text = {"message_id": 1, "date": NOW // 1000, "chat": {"id": int(CHAT)}, "text": "ACK 17"}
    api.updates = [{"update_id": 41, "message": text}]
    first, second = _telegram(store), _telegram(store)
    assert [one.text for one in first.poll()] == ["ACK 17"]
    assert first.poll() == ()
    assert store.bot_state.items("telegram.") == {"telegram.offset.123456": 42}
    assert second.poll() == ()


def _telegram(store):
    [made] = [c for c in channels_of(Settings.model_validate(ALL), store) if c.name == "telegram"]
    assert isinstance(made, Listens)
    made._listen_s = 0
    return made


SMS = {
    "enabled": True,
    "account_sid": "AC1",
    "auth_token": "t",
    "from_number": "+4915199999999",
    "to_number": "+4915112345678",
}
PUBLIC = {"public_url": "https://hybridd.example.org"}


@pytest.mark.parametrize(
    ("sms", "dashboard", "address"),
    [
        ({"provider": "twilio"}, PUBLIC, "https://hybridd.example.org/hooks/twilio/status"),
        ({"provider": "vonage", "signature_secret": "s"}, PUBLIC, "https://hybridd.example.org/hooks/vonage/dlr"),
        ({"provider": "vonage"}, PUBLIC, ""),
        ({"provider": "twilio"}, {"public_url": "http://localhost:8787"}, ""),
        ({"provider": "twilio"}, {}, ""),
    ],
)
def test_a_provider_is_told_where_to_report_if_it_can_and_will_be_believed(sms, dashboard, address):
    settings = Settings.model_validate({"sms": {**SMS, **sms}, "dashboard": dashboard})
    [channel] = [made for made in channels_of(settings) if made.name == "sms"]
    assert channel._report_to == address
