"""The lanes of the self-test: every channel that is tried, with its settings, and what it owes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.delivery.channel import Channel
from hybridd.delivery.mail import message_id
from hybridd.delivery.push_text import collapse_key
from hybridd.delivery.sms_text import sms_text
from hybridd.delivery.sms_vonage import reference
from hybridd.delivery.telegram import TEXT_LENGTH, words
from hybridd.delivery.web_push import topic
from hybridd.delivery.webhook import idempotency_key
from hybridd.model.delivery import Delivery, DeliveryState, Message
from hybridd.selftest import names, props
from hybridd.selftest.props import Place
from hybridd.selftest.providers import seen

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One channel. `settings` switch it on; `kind` is the name that hybridd gives it, where two are of one kind.

    `takes_key`: copies under one key are one message to whoever gets them; else a second copy must be marked, and
    there may be no third. `askable`: the provider can be asked which messages it has. `key` makes of a message the key
    under which its copies lie in the ledger: its own, or, where the provider takes none, its words. `make` gives a
    channel that no settings could name.
    """

    name: str
    takes_key: bool
    key: Callable[[Message], str]
    settings: Callable[[Place], Values] = lambda _: {}
    kind: str = ""
    askable: bool = False
    make: Callable[[Place], Channel] | None = None

    def gives_up(self, delivery: Delivery) -> bool:
        """Whether a delivery stays what it is, of unknown fate: it was repeated once, and nobody can say more."""
        spent = delivery.state is DeliveryState.UNKNOWN and delivery.repeated
        return spent and not self.takes_key and not self.askable


def _email(_: Place) -> Values:
    return {
        "email": {
            "enabled": True,
            "smtp_server": names.MAIL,
            "username": props.MAIL_USER,
            "password": props.MAIL_PASSWORD,
            "sender_email": "hybridd@selftest.example",
            "recipient_email": "somebody@selftest.example",
        }
    }


def _sms(provider: str, account: str, secret: str) -> Callable[[Place], Values]:
    value = {
        "enabled": True,
        "provider": provider,
        "account_sid": account,
        "auth_token": secret,
        "from_number": props.SENDER,
        "to_number": props.PHONE,
    }
    return lambda _: {"sms": value}


def _firebase(place: Place) -> Values:
    device = {"device_tokens": (props.DEVICE,), "credentials_file": place["account"]}
    return {"push": {"enabled": True, "service": "firebase", **device}}


def _web_push(place: Place) -> Values:
    device = {"device_tokens": (place["subscription"],), "vapid_private_key": place["vapid"]}
    return {"push": {"enabled": True, "service": "web_push", "contact": "mailto:hybridd@selftest.example", **device}}


def _telegram(_: Place) -> Values:
    return {"telegram": {"enabled": True, "bot_token": props.BOT_TOKEN, "chat_id": props.CHAT}}


def _webhook(_: Place) -> Values:
    return {"channels": ({"name": "webhook", "url": f"https://{names.HOOKS}/in", "secret": props.HOOK_SECRET},)}


def _dashboard(_: Place) -> Values:
    return {"dashboard": {"enabled": True}}


LANES: tuple[Lane, ...] = (
    Lane(
        name="email",
        takes_key=True,
        settings=_email,
        key=lambda message: message_id("alert", message.key, "selftest.example"),
    ),
    Lane(
        name="sms",
        takes_key=False,
        settings=_sms("twilio", props.TWILIO_ACCOUNT, props.TWILIO_TOKEN),
        askable=True,
        key=sms_text,
    ),
    Lane(
        name="sms-vonage",
        kind="sms",
        takes_key=False,
        settings=_sms("vonage", props.VONAGE_KEY, props.VONAGE_SECRET),
        key=lambda message: reference(message.key),
    ),
    Lane(name="push", takes_key=True, settings=_firebase, key=lambda message: collapse_key(message.key)),
    Lane(
        name="push-web",
        kind="push",
        takes_key=True,
        settings=_web_push,
        key=lambda message: topic(message.key),
    ),
    Lane(
        name="telegram",
        takes_key=False,
        settings=_telegram,
        key=lambda message: seen(words(message, TEXT_LENGTH)),
    ),
    Lane(name="webhook", takes_key=True, settings=_webhook, key=lambda message: idempotency_key(message.key)),
    Lane(name="dashboard", takes_key=False, settings=_dashboard, key=lambda message: message.key),
)
