"""The channels that the settings name: one maker each, in the order in which they are listed. Part of the root."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hybridd.clock import Clock, SystemClock
from hybridd.config.schema import Settings
from hybridd.delivery.apprise_channel import AppriseChannel
from hybridd.delivery.callbacks import PATHS
from hybridd.delivery.channel import Channel
from hybridd.delivery.dashboard import DashboardChannel
from hybridd.delivery.email import EmailChannel
from hybridd.delivery.journal import JournalChannel
from hybridd.delivery.links import hook_address
from hybridd.delivery.push_firebase import FirebaseChannel
from hybridd.delivery.sms_twilio import TwilioChannel
from hybridd.delivery.sms_vonage import VonageChannel
from hybridd.delivery.telegram import TelegramChannel
from hybridd.delivery.telegram_updates import Bookmark, bot_of
from hybridd.delivery.vapid import public_key
from hybridd.delivery.web_push import WebPushChannel
from hybridd.delivery.webhook import WebhookChannel
from hybridd.pipeline import push_devices
from hybridd.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a channel may need besides its settings; `store` is None where there is no daemon's state at hand."""

    clock: Clock
    store: Store | None = None


def channels_of(settings: Settings, store: Store | None = None, clock: Clock | None = None) -> list[Channel]:
    """The channels that are switched on; the journal always is. No provider is asked yet."""
    around = Around(clock=clock or SystemClock(), store=store)
    return [channel for make in MAKERS for channel in make(settings, around)]


def _journal(_settings: Settings, _around: Around) -> Iterator[Channel]:
    yield JournalChannel()


def _email(settings: Settings, _around: Around) -> Iterator[Channel]:
    email = settings.email
    if email.enabled:
        yield EmailChannel(
            host=email.smtp_server,
            port=email.smtp_port,
            security=email.security,
            username=email.username,
            password=email.password.get_secret_value(),
            sender=email.sender_email,
            recipients=email.recipients,
        )


def _push(settings: Settings, around: Around) -> Iterator[Channel]:
    push, store = settings.push, around.store
    if store is not None:
        push_devices.tell_offer(store, _offer(settings))
    if push.enabled and push.service == "web_push":
        yield WebPushChannel(
            private_key=push.vapid_private_key.get_secret_value(),
            contact=push.contact,
            subscriptions=lambda: (*push.device_tokens, *push_devices.registered(store, "web_push")),
            clock=around.clock,
        )
    elif push.enabled:
        yield FirebaseChannel(
            credentials_file=Path(push.credentials_file),
            devices=(*push.device_tokens, *push_devices.registered(store, "firebase")),
            clock=around.clock,
        )


def _offer(settings: Settings) -> push_devices.Offer:
    """What browsers that want messages need to know; the private key stays with the watch."""
    push = settings.push
    if not push.enabled or push.service != "web_push":
        return push_devices.Offer(service=push.service if push.enabled else "")
    try:
        return push_devices.Offer(service="web_push", public_key=public_key(push.vapid_private_key.get_secret_value()))
    except ValueError:  # told by the check of the channel
        return push_devices.Offer()


def _sms(settings: Settings, around: Around) -> Iterator[Channel]:
    sms = settings.sms
    if not sms.enabled:
        return
    account, secret, sender = sms.account_sid, sms.auth_token.get_secret_value(), sms.from_number
    public_url, clock = settings.dashboard.public_url, around.clock
    if sms.provider == "vonage":
        # Without the secret its reports could not be told from anybody's.
        told = hook_address(public_url, PATHS["vonage_dlr"]) if sms.signature_secret.get_secret_value() else ""
        yield VonageChannel(
            api_key=account, api_secret=secret, sender=sender, recipients=sms.recipients, clock=clock, report_to=told
        )
    else:
        told = hook_address(public_url, PATHS["twilio_status"])
        yield TwilioChannel(
            account_sid=account, auth_token=secret, sender=sender, recipients=sms.recipients, clock=clock,
            report_to=told,
        )  # fmt: skip


def _telegram(settings: Settings, around: Around) -> Iterator[Channel]:
    telegram = settings.telegram
    if telegram.enabled:
        token = telegram.bot_token.get_secret_value()
        yield TelegramChannel(
            bot_token=token,
            chat_id=telegram.chat_id,
            clock=around.clock,
            bookmark=_bookmark(around.store, token),
        )


def _bookmark(store: Store | None, token: str) -> Bookmark | None:
    if store is None:
        return None
    state, key = store.bot_state, f"telegram.offset.{bot_of(token)}"
    return Bookmark(load=lambda: int(state.get(key, 0)), save=lambda offset: state.set(key, offset))


def _dashboard(settings: Settings, around: Around) -> Iterator[Channel]:
    # Only the daemon's couriers write it down: whoever has no state at hand cannot reach anybody by it.
    if settings.dashboard.enabled and around.store is not None:
        yield DashboardChannel()


def _further(settings: Settings, around: Around) -> Iterator[Channel]:
    for extra in settings.channels:
        url = extra.url.get_secret_value()
        if extra.is_webhook:
            yield WebhookChannel(
                name=extra.name,
                url=url,
                secret=extra.secret.get_secret_value(),
                allow_http=extra.allow_http,
                clock=around.clock,
            )
        else:
            yield AppriseChannel(name=extra.name, url=url)


MAKERS: tuple[Callable[[Settings, Around], Iterator[Channel]], ...] = (
    _journal,
    _email,
    _push,
    _sms,
    _telegram,
    _dashboard,
    _further,
)
