"""A webhook: the alert as JSON to an address of the person's own, signed so that the receiver knows who wrote it."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from hybridd.clock import Clock, iso
from hybridd.delivery.http_answers import clean, failure_of, lost, parts_of, whole
from hybridd.errors import HttpFailed
from hybridd.model.delivery import Failure, Message, Outcome

VERSION = 1
"""Of the body: rises when a field changes its meaning or goes; new fields come without."""
_LOCAL = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/|\?|$)", re.IGNORECASE)
_ANSWERS: Mapping[int, Failure] = {
    401: Failure.ACCOUNT,
    403: Failure.ACCOUNT,
    407: Failure.ACCOUNT,
    404: Failure.ADDRESS,
    410: Failure.ADDRESS,
    409: Failure.RETRY,  # the receiver still works on an earlier copy
}


class WebhookChannel:
    """POSTs each alert to one address. The receiver sees from `Idempotency-Key` that a copy is one.

    With a `secret`, `X-Hybridd-Signature` is the HMAC-SHA256 of "timestamp.body". Nothing is sent in the clear beyond
    this machine unless `allow_http` says so, and no redirect is followed.
    """

    idempotent = True

    def __init__(
        self, *, name: str, url: str, secret: str, clock: Clock, allow_http: bool = False, timeout: float = 10.0
    ) -> None:
        self.name = name
        self._url, self._secret, self._clock, self._timeout = url, secret, clock, timeout
        self._allow_http = allow_http
        self._refused: Outcome | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """The address's host alone: whoever knows the rest may write there."""
        return (self._place,)

    def send(self, message: Message) -> Outcome:
        """POST the message's facts."""
        body = content(message)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key(message.key),
            **signed_headers(self._secret, self._clock.now() // 1000, body),
        }
        outcome = self._ask("POST", headers, body)
        if outcome.failure in {None, Failure.ACCOUNT}:
            self._refused = outcome if outcome.failure else None
        return outcome if outcome.failure else Outcome(provider_id=idempotency_key(message.key), detail=outcome.detail)

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """There is no way to ask; a second copy has the same Idempotency-Key."""
        return None

    def check(self) -> Outcome:
        """Whether the address answers at all. Whether it takes messages only a message shows: a refusal lasts."""
        outcome = self._ask("OPTIONS", {}, b"")
        return outcome if outcome.failure is not None else self._refused or outcome

    def close(self) -> None:
        """Holds no connection between messages."""

    def _ask(self, method: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        # Imported with the first message: who waits for READY does not wait for it.
        from hybridd.http_client import fetch

        if not self._allow_http and not is_private(self._url):
            words = "nothing is sent in the clear → use https://, or set allow_http = true"
            return Outcome(failure=Failure.ACCOUNT, detail=words)
        try:
            response = fetch(method, self._url, timeout=self._timeout, headers=headers, content=body or None)
        except HttpFailed as error:
            return lost(error)
        words = f"{self._place} answered HTTP {response.status}"
        failure = failure_of(response.status, _ANSWERS)
        if method == "OPTIONS" and (response.status < 500 or response.status == HTTPStatus.NOT_IMPLEMENTED):
            failure = None  # that it knows no OPTIONS says nothing against it
        if failure is None:
            return Outcome(detail=words)
        if failure is Failure.ACCOUNT and 300 <= response.status < 400:
            words = f"{words}: a redirect, and none is followed → put the final address into url"
        words = f"{words} {clean(response.text, self._secrets)}"
        return Outcome(failure=failure, detail=clean(words), retry_after=response.retry_after)

    @property
    def _place(self) -> str:
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def _secrets(self) -> list[str]:
        return [self._secret, *parts_of(self._url)]


def is_private(url: str) -> bool:
    """Whether what is sent there can be read by the receiver alone: TLS, or this very machine."""
    return url.lower().startswith("https://") or _LOCAL.match(url) is not None


def content(message: Message) -> bytes:
    """The body: the same bytes for the same message at every attempt."""
    value = {
        "version": VERSION,
        "key": message.key,
        "created_at": iso(message.created_at),
        "expires_at": iso(message.expires_at),
        "severity": message.severity,
        "title": whole(message.title),
        "body": whole(message.body),
        "text": whole(message.text),
        "link": message.link,
        "actions": [{"label": whole(action.label), "data": whole(action.data)} for action in message.actions],
        "thread": message.thread,
        "facts": {name.lower(): value for name, value in message.fields.items()},
    }
    # In ASCII: no program between here and there can read it otherwise than it was signed.
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def idempotency_key(key: str) -> str:
    """The message's key where it can stand in a header, else its digest."""
    if re.fullmatch(r"[\x21-\x7e]{1,200}", key):
        return key
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def signed_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """When it was sent (Unix seconds), and the word that only who knows the secret can make of that and the body."""
    stamp = str(timestamp)
    headers = {"X-Hybridd-Timestamp": stamp}
    if secret:
        mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers["X-Hybridd-Signature"] = mark
    return headers
