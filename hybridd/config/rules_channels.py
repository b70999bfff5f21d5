"""What must hold of the channels beyond e-mail: complete, of the right form, not overheard, led to by a route."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from hybridd.config.keys import KeyPath
from hybridd.config.problems import Kind, Level
from hybridd.config.rules import Finding, Rule
from hybridd.config.schema import Settings
from hybridd.config.values import is_web
from hybridd.model.subscription import parse_subscription

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{20,}")
_CHAT = re.compile(r"-?\d{1,20}|@[A-Za-z]\w{3,}")
_CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://\S+")
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_DEVICE = re.compile(r"(?!(fid|token):$)[A-Za-z0-9_-][A-Za-z0-9_:.%-]*")
_LONGEST_NAME = 11
_NUMBERS = {"from_number": "write the sender: +49…", "to_number": "write your number: +49…, several with commas"}
_SMS_NEEDS = {
    "twilio": {"account_sid": "copy the account SID: AC…", "auth_token": "copy the auth token", **_NUMBERS},
    "vonage": {"account_sid": "copy the API key", "auth_token": "copy the API secret", **_NUMBERS},
}
_LOCAL = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/|\?|$)", re.IGNORECASE)


def _rule(findings: Callable[[Settings], Iterator[Finding]], *reads: str) -> Rule:
    return Rule(reads=frozenset(reads), findings=findings)


def _incomplete(path: KeyPath, switch: str, remedy: str) -> Finding:
    return Finding(path=path, kind=Kind.INCOMPLETE, message=f"is empty, but {switch}", remedy=remedy)


def _firebase(settings: Settings) -> Iterator[Finding]:
    push = settings.push
    if not push.enabled or push.service != "firebase":
        return
    switch = 'push.service is "firebase"'
    if not push.credentials_file:
        yield _incomplete(("push", "credentials_file"), switch, "name the key file of a service account")
    elif trouble := key_file_trouble(Path(push.credentials_file)):
        # A warning: not everybody who asks may read it, and the watch goes on without push.
        path, message = ("push", "credentials_file"), f"{push.credentials_file} {trouble}"
        remedy = "download a key in Firebase's console, for the service's user to read"
        yield Finding(path=path, kind=Kind.UNREADABLE_FILE, message=message, remedy=remedy, level=Level.WARNING)
    if _nobody_can_register(settings):
        yield _incomplete(("push", "device_tokens"), switch, "add the token of a device, or its fid:…")
    for index, device in enumerate(push.device_tokens):
        if not _DEVICE.fullmatch(device):
            place = ("push", "device_tokens", index)
            message, remedy = "is no token", "copy it whole from the app, or write fid:… for an installation"
            yield Finding(path=place, kind=Kind.BAD_VALUE, message=message, remedy=remedy)


def _nobody_can_register(settings: Settings) -> bool:
    """Whether no device is named, and no page is there on which one could register itself."""
    return not settings.push.device_tokens and not settings.dashboard.enabled


def key_file_trouble(path: Path) -> str:
    """Why the file is no service account's key, as the end of a sentence; "" when it is one."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError:
        return "is no JSON"
    wanted = {"type", "project_id", "private_key", "client_email", "token_uri"}
    if not isinstance(found, dict) or found.get("type") != "service_account" or wanted - found.keys():
        return "is no key of a service account"
    return ""


def _sms(settings: Settings) -> Iterator[Finding]:
    sms = settings.sms
    if not sms.enabled:
        return
    for name, remedy in _SMS_NEEDS[sms.provider].items():
        if not getattr(sms, name):
            yield _incomplete(("sms", name), "sms.enabled is true", remedy)
    if sms.provider == "twilio" and sms.account_sid and not _ACCOUNT_SID.fullmatch(sms.account_sid):
        message, remedy = "is no account SID of Twilio's", "copy it from the console: AC and 32 more"
        yield Finding(path=("sms", "account_sid"), kind=Kind.BAD_VALUE, message=message, remedy=remedy)
    if sms.provider == "vonage" and sms.from_number.startswith("MG") and len(sms.from_number) > _LONGEST_NAME:
        message, remedy = "is a messaging service of Twilio's", "write a number or a name"
        yield Finding(path=("sms", "from_number"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)


def _web_push(settings: Settings) -> Iterator[Finding]:
    push = settings.push
    if not push.enabled or push.service != "web_push":
        return
    switch = 'push.service is "web_push"'
    if not push.vapid_private_key:
        yield _incomplete(("push", "vapid_private_key"), switch, "make one: hybridd push keys")
    if _nobody_can_register(settings):
        yield _incomplete(("push", "device_tokens"), switch, "add the subscription of a browser, as JSON")
    if not push.contact:
        yield _incomplete(("push", "contact"), switch, 'write contact = "mailto:you@example.org"')
    elif not _CONTACT.fullmatch(push.contact):
        message, remedy = "must be a mailto: or https: address", 'write "mailto:you@example.org"'
        yield Finding(path=("push", "contact"), kind=Kind.BAD_VALUE, message=message, remedy=remedy)
    for index, text in enumerate(push.device_tokens):
        try:
            parse_subscription(text)
        except ValueError as error:
            remedy = "copy it whole, in single quotes, as the browser gives it"
            path = ("push", "device_tokens", index)
            yield Finding(path=path, kind=Kind.BAD_VALUE, message=str(error), remedy=remedy)


def _telegram(settings: Settings) -> Iterator[Finding]:
    telegram = settings.telegram
    if not telegram.enabled:
        return
    for name, value, form, remedy in (
        ("bot_token", telegram.bot_token.get_secret_value(), _TOKEN, "copy it from @BotFather: 123456:ABC…"),
        ("chat_id", telegram.chat_id, _CHAT, "a number such as 123456 or -100123456, or @name of a public group"),
    ):
        path = ("telegram", name)
        if not value:
            yield _incomplete(path, "telegram.enabled is true", remedy)
        elif not form.fullmatch(value):
            yield Finding(path=path, kind=Kind.BAD_VALUE, message="has not the form that Telegram uses", remedy=remedy)


def _further(settings: Settings) -> Iterator[Finding]:
    for index, channel in enumerate(settings.channels):
        path = ("channels", index)
        url = channel.url.get_secret_value()
        if channel.is_webhook and not is_web(url):
            message, remedy = "must be a web address", "it begins with https:// and has a host"
            yield Finding(path=(*path, "url"), kind=Kind.BAD_VALUE, message=message, remedy=remedy)
        elif channel.is_webhook and url.lower().startswith("http:") and not (channel.allow_http or _LOCAL.match(url)):
            message, remedy = "would be read by everybody on its way", "use https://, or set allow_http = true"
            yield Finding(path=(*path, "url"), kind=Kind.EXPOSED, message=message, remedy=remedy)
        if channel.secret and not channel.is_webhook:
            message, remedy = "only webhooks are signed, and this is a URL for Apprise", "remove it"
            yield Finding(path=(*path, "secret"), kind=Kind.INCONSISTENT, message=message, remedy=remedy)


def _unrouted(settings: Settings) -> Iterator[Finding]:
    used = {channel for route in settings.alerts.route for step in route.steps for channel in step.channels}
    switched: list[tuple[str, KeyPath]] = [(c.name, ("channels", i, "name")) for i, c in enumerate(settings.channels)]
    switched += [("telegram", ("telegram", "enabled"))] if settings.telegram.enabled else []
    switched += [("push", ("push", "enabled"))] if settings.push.enabled else []
    switched += [("sms", ("sms", "enabled"))] if settings.sms.enabled else []
    for name, path in switched:
        if name not in used:
            message, remedy = f"no route leads to {name}", f'add "{name}" to a step of alerts.route'
            yield Finding(path=path, kind=Kind.INCONSISTENT, message=message, remedy=remedy, level=Level.WARNING)


_PUSH = ("push.enabled", "push.service")
CHANNEL_RULES = (
    _rule(_sms, *(f"sms.{name}" for name in ("enabled", "provider", *_NUMBERS, "account_sid", "auth_token"))),
    _rule(_firebase, *_PUSH, "push.credentials_file", "push.device_tokens", "dashboard.enabled"),
    _rule(_web_push, *_PUSH, "push.vapid_private_key", "push.device_tokens", "push.contact", "dashboard.enabled"),
    _rule(_telegram, "telegram.enabled", "telegram.bot_token", "telegram.chat_id"),
    _rule(_further, "channels"),
    _rule(_unrouted, "channels", "telegram.enabled", "push.enabled", "sms.enabled", "alerts.route"),
)
