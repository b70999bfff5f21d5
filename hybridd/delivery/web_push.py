"""Web Push: sealed messages to the browsers that subscribed, by the push services that their makers run (RFC 8030)."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from hybridd.clock import Clock
from hybridd.delivery.http_answers import clean, failure_of, lost, parts_of, whole
from hybridd.delivery.vapid import read_key, sign
from hybridd.errors import HttpFailed
from hybridd.model.delivery import Failure, Message, Outcome
from hybridd.model.subscription import Subscription, parse_subscription

if TYPE_CHECKING:
    from hybridd.http_client import Response

PAYLOAD_BYTES = 3_000
"""A push service must take 4,096 bytes; sealing adds about a hundred, and some services a little of their own."""
_LONGEST_TTL_S = 28 * 86_400
_SIGNED_FOR_S = 12 * 3_600  # RFC 8292 allows a day; clocks differ
_TITLE_LENGTH, _BODY_LENGTH, _ACTIONS = 200, 2_000, 4
_ANSWERS: Mapping[int, Failure] = {
    401: Failure.ACCOUNT,
    403: Failure.ACCOUNT,
    404: Failure.ADDRESS,
    410: Failure.ADDRESS,
    413: Failure.MESSAGE,
    # One device's service has moved: no reason to stop writing to the others.
    **dict.fromkeys((301, 302, 303, 307, 308), Failure.ADDRESS),
}


class WebPushChannel:
    """Push messages to subscribed browsers, signed with a VAPID key (`hybridd push keys`), sealed for each of them.

    `subscriptions` is asked at each use, so that devices may come and go: JSON texts as browsers give them. `contact`
    is a mailto: or https: address that a push service can turn to. Two copies of a message have one Topic for the
    service and one tag for the browser: the second replaces the first.
    """

    name = "push"
    idempotent = True

    def __init__(
        self,
        *,
        private_key: str,
        contact: str,
        subscriptions: Callable[[], Iterable[str]],
        clock: Clock,
        timeout: float = 10.0,
    ) -> None:
        self._private_key, self._contact = private_key, contact
        self._subscriptions, self._clock, self._timeout = subscriptions, clock, timeout
        self._refused: Outcome | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """The devices, by names that give nothing away."""
        return tuple(self._devices())

    def send(self, message: Message) -> Outcome:
        """Seal the message for its device and hand it to the device's push service."""
        device = self._devices().get(message.recipient)
        if device is None:
            return Outcome(failure=Failure.ADDRESS, detail="this device is no longer registered")
        try:
            sealed = _seal(device, payload(message))
        except (ValueError, TypeError):
            return Outcome(failure=Failure.ADDRESS, detail="the keys of this device cannot be used: register it again")
        try:
            headers = self._headers(device, message)
        except ValueError as error:
            return self._noted(Outcome(failure=Failure.ACCOUNT, detail=clean(str(error))))
        return self._noted(self._post(device, headers, sealed, topic(message.key)))

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """A push service cannot be asked; a second copy replaces the first."""
        return None

    def check(self) -> Outcome:
        """Whether the key can be read, there is a device, and the push services answer.

        None of them can be asked whether it takes the key: one that refused it counts as doing so until it takes one.
        """
        origins = sorted({device.origin for device in self._devices().values()})
        if not origins:
            return Outcome(
                failure=Failure.ACCOUNT,
                detail="no device is registered → the dashboard's page /devices, or push.device_tokens",
            )
        try:
            read_key(self._private_key)
            for origin in origins:
                self._fetch("GET", f"{origin}/")
        except ValueError as error:
            return Outcome(failure=Failure.ACCOUNT, detail=clean(str(error)))
        except HttpFailed as error:
            return Outcome(failure=Failure.RETRY, detail=clean(str(error)))
        return self._refused or Outcome(detail=f"the key is good, {', '.join(origins)} can be reached")

    def close(self) -> None:
        """Holds no connection between messages."""

    def _devices(self) -> dict[str, Subscription]:
        found = {}
        for text in self._subscriptions():
            try:
                subscription = parse_subscription(text)
            except ValueError:  # told where it was written: by the check of the settings
                continue
            found[subscription.name] = subscription
        return found

    def _headers(self, device: Subscription, message: Message) -> dict[str, str]:
        now_s = self._clock.now() // 1000
        return {
            "Authorization": sign(
                self._private_key, audience=device.origin, contact=self._contact, expires_s=now_s + _SIGNED_FOR_S
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(min(max(message.expires_at // 1000 - now_s, 0), _LONGEST_TTL_S)),
            "Topic": topic(message.key),
            # Less than high, and a phone that sleeps may show it at its next convenient moment.
            "Urgency": "normal" if message.severity == "info" else "high",
        }

    def _post(self, device: Subscription, headers: Mapping[str, str], content: bytes, provider_id: str) -> Outcome:
        try:
            response = self._fetch("POST", device.endpoint, headers, content)
        except HttpFailed as error:
            return lost(error)
        failure = failure_of(response.status, _ANSWERS)
        words = f"{device.origin} answered HTTP {response.status}"
        if failure is None:
            return Outcome(provider_id=provider_id, detail=words)
        said = clean(response.text, [*parts_of(device.endpoint), device.auth, device.p256dh])
        detail = clean(f"{words} {said}")
        return Outcome(failure=failure, detail=detail, retry_after=response.retry_after)

    def _fetch(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> "Response":
        # Imported with the first message: who waits for READY does not wait for it.
        from hybridd.http_client import fetch

        return fetch(method, url, timeout=self._timeout, headers=headers, content=content or None)

    def _noted(self, outcome: Outcome) -> Outcome:
        if outcome.failure in {None, Failure.ACCOUNT}:
            self._refused = outcome if outcome.failure else None
        return outcome


def topic(key: str) -> str:
    """32 letters that are the same for the same key: all that a push service takes (RFC 8030, 5.4)."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode(errors="replace")).digest()[:24]).decode()


def payload(message: Message) -> bytes:
    """What the page's service worker is given, as JSON of at most PAYLOAD_BYTES: long words are cut, never the tag."""
    title, body = whole(message.title)[:_TITLE_LENGTH], whole(message.body or message.text)[:_BODY_LENGTH]
    while len(content := _json(message, title, body)) > PAYLOAD_BYTES and (title or body):
        body, title = body[: len(body) * 3 // 4], title if body else title[: len(title) // 2]
    return content


def _json(message: Message, title: str, body: str) -> bytes:
    value = {
        "title": title,
        "body": body,
        "link": message.link[:500],
        "actions": [
            {"title": whole(action.label)[:40], "action": whole(action.data)[:64]}
            for action in message.actions[:_ACTIONS]
        ],
        "tag": topic(message.key),
        "severity": whole(message.severity)[:20],
        "at": message.created_at,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _seal(device: Subscription, content: bytes) -> bytes:
    """Encrypted for this browser alone (RFC 8291); raises ValueError or TypeError for keys that are none."""
    from pywebpush import WebPusher

    keys = {"p256dh": device.p256dh, "auth": device.auth}
    sealed = WebPusher({"endpoint": device.endpoint, "keys": keys}).encode(content)
    return bytes(sealed["body"])
