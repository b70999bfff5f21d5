"""A message as Firebase takes it: what a lock screen shows, what an app is given, and how each platform treats it."""

import hashlib
import math
from typing import TYPE_CHECKING

from hybridd.delivery.http_answers import whole
from hybridd.model.delivery import Message

if TYPE_CHECKING:
    from firebase_admin import messaging

# Firebase takes 4,096 bytes in all. A message cut short is better than one refused.
_TITLE, _BODY, _VALUE, _LINK, _ROOM = 200, 1200, 200, 600, 1400
_TOLD = (
    "ALERT_ID", "SUBJECT", "REASON", "SEVERITY", "SYMBOL", "TIMEFRAME", "CANDLE_CLOSE", "PRICE", "SCORE", "SIGNAL",
    "CONFIDENCE", "SIMULATED", "EXPIRES_AT",
)  # fmt: skip
_LOUD = frozenset({"warning", "critical"})
_FID = "fid:"
_TOKEN = "token:"  # noqa: S105 - the mark of an address


def collapse_key(key: str) -> str:
    """The same for the same key: a second copy takes the first one's place. 32 characters suit every platform."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]


Target = tuple[str, str]
"""Kind ("token" or "fid") and value of a device's address."""


def target_of(device: str) -> Target:
    """What the settings name: "fid:…" is an installation, "token:…" or anything else a registration token."""
    if device.startswith(_FID):
        return "fid", device.removeprefix(_FID)
    return "token", device.removeprefix(_TOKEN)


def name_of(target: Target) -> str:
    """How a device is called in the state and on screens: its kind, and a digest in place of its long address."""
    kind, value = target
    return f"{kind}:{hashlib.sha256(value.encode(errors='replace')).hexdigest()[:12]}"


def push_message(message: Message, target: Target, left_ms: int) -> "messaging.Message":
    """The message for the device `target`, worth delivering for `left_ms` more."""
    from firebase_admin import messaging

    title, body = _cut(message.title, _TITLE), _cut(message.body or message.text, _BODY)
    tag = collapse_key(message.key)
    link = message.link if message.link.startswith("https://") and len(message.link) <= _LINK else ""
    made = messaging.Message(
        data=_data(message, tag),
        notification=messaging.Notification(title=title, body=body),
        android=_android(message, tag, left_ms),
        apns=_apns(message, tag, left_ms),
        webpush=_webpush(message, tag, link, left_ms),
    )
    # Set, not given: the library warns of each token that it is given, now that it prefers installations.
    setattr(made, *target)
    return made


def _data(message: Message, tag: str) -> dict[str, str]:
    """What an app is given beside the words, as long as there is room."""
    facts = {name: message.fields[name] for name in _TOLD if message.fields.get(name)}
    answers = {f"action_{n}": f"{action.label}|{action.data}" for n, action in enumerate(message.actions[:4])}
    data, room = {}, _ROOM
    for name, value in {"key": tag, "link": message.link, **answers, **facts}.items():
        size = len(value.encode(errors="replace"))
        if value and size <= min(_LINK if name == "link" else _VALUE, room - len(name)):
            data[name] = whole(value)  # or not at all: a link or an answer cut short leads nowhere
            room -= len(name) + size
    return data


def _android(message: Message, tag: str, left_ms: int) -> "messaging.AndroidConfig":
    from firebase_admin import messaging

    loud = message.severity in _LOUD
    return messaging.AndroidConfig(
        collapse_key=tag,
        priority="high" if loud else "normal",
        ttl=math.ceil(left_ms / 1000),
        notification=messaging.AndroidNotification(tag=tag, priority="high" if loud else "default", default_sound=loud),
    )


def _apns(message: Message, tag: str, left_ms: int) -> "messaging.APNSConfig":
    from firebase_admin import messaging

    loud = message.severity in _LOUD
    expires = math.ceil((message.expires_at if left_ms else 0) / 1000)
    return messaging.APNSConfig(
        headers={"apns-collapse-id": tag, "apns-expiration": str(expires), "apns-priority": "10" if loud else "5"},
        payload=messaging.APNSPayload(
            messaging.Aps(sound="default" if loud else None, thread_id=_cut(message.thread, 60) or None)
        ),
    )


def _webpush(message: Message, tag: str, link: str, left_ms: int) -> "messaging.WebpushConfig":
    from firebase_admin import messaging

    loud = message.severity in _LOUD
    return messaging.WebpushConfig(
        headers={"TTL": str(math.ceil(left_ms / 1000)), "Topic": tag, "Urgency": "high" if loud else "normal"},
        notification=messaging.WebpushNotification(tag=tag),
        fcm_options=messaging.WebpushFCMOptions(link=whole(link)) if link else None,
    )


def _cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, whole characters, with dots where something is missing."""
    clean = whole(text).strip()
    raw = clean.encode()
    return clean if len(raw) <= most else raw[: most - 3].decode(errors="ignore").rstrip() + "..."
