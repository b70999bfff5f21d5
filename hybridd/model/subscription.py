"""A browser's push subscription: where its messages go, and the keys that they are sealed with (RFC 8030, RFC 8291)."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass

_ENDPOINT = re.compile(r"https://([A-Za-z0-9.-]+(?::\d{1,5})?)(/[\x21-\x7e]*)?")
_POINT_BYTES, _AUTH_BYTES = 65, 16


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Subscription:
    """What `PushManager.subscribe()` gave a page. The endpoint and the keys are for the sender's eyes only."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def origin(self) -> str:
        """Scheme and host of the push service."""
        found = _ENDPOINT.fullmatch(self.endpoint)
        return f"https://{found[1]}" if found else ""

    @property
    def name(self) -> str:
        """How it is called in the outbox and in logs: the service's host, and what tells it from others there."""
        digest = hashlib.sha256(self.endpoint.encode()).hexdigest()[:12]
        return f"{self.origin.removeprefix('https://')}#{digest}"

    def __repr__(self) -> str:
        return f"Subscription({self.name})"


def parse_subscription(text: str) -> Subscription:
    """The subscription of `JSON.stringify(subscription)`; raises ValueError, whose words hold nothing of it."""
    try:
        value = json.loads(text)
        endpoint, keys = value["endpoint"], value["keys"]
        found = Subscription(endpoint=endpoint, p256dh=keys["p256dh"], auth=keys["auth"])
        point, auth = _decoded(found.p256dh), _decoded(found.auth)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError('is no push subscription: {"endpoint": "https://…", "keys": {"p256dh", "auth"}}') from None
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
        raise ValueError("the endpoint of a push subscription is a https:// address")
    if len(point) != _POINT_BYTES or point[0] != 4:
        raise ValueError("p256dh of a push subscription is a point of P-256: 65 bytes in base64url")
    if len(auth) != _AUTH_BYTES:
        raise ValueError("auth of a push subscription is 16 bytes in base64url")
    return found


def _decoded(text: str) -> bytes:
    plain = text.rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("is not base64url") from None
