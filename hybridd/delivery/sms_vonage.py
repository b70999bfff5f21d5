"""SMS by Vonage, over its own library: one message a send, under a reference that is the same at every attempt.

Vonage cannot be asked by reference whether it has a message, nor what became of one: it calls a web address of the
account's owner. So a message whose fate is not known is sent again, marked as a repeat, and "accepted" is the most
that is known here of any.
"""

import base64
import hashlib
import json
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hybridd.clock import Clock
from hybridd.delivery.attempt import Attempt, attempt, broken_off, masks_of, trouble_of
from hybridd.delivery.sms_text import is_gsm, ms_left, sms_text
from hybridd.delivery.vonage_failures import REMEDIES, classify, of_http
from hybridd.model.delivery import Failure, Message, Outcome

if TYPE_CHECKING:
    from vonage_http_client import HttpClient
    from vonage_sms import SmsMessage

T = TypeVar("T")
_HOST = "rest.nexmo.com"
_SHORTEST_TTL_MS, _LONGEST_TTL_MS = 20_000, 604_800_000
_REFERENCE_LENGTH, _LONGEST_ADDRESS = 40, 100


class VonageChannel:
    """Messages from `sender` (a number or a name). `timeout` (s) holds for a whole call.

    `report_to` is the address that Vonage calls with what became of a message, "" for that of the account.
    """

    name = "sms"
    idempotent = False

    def __init__(
        self,
        *,
        api_key: str,
        api_secret: str,
        sender: str,
        recipients: tuple[str, ...],
        clock: Clock,
        report_to: str = "",
        timeout: float = 15.0,
    ) -> None:
        self._api_key, self._api_secret, self._sender = api_key, api_secret, sender
        self._recipients, self._report_to = recipients, report_to
        self._clock, self._timeout = clock, timeout
        basic = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
        self._masks = masks_of((api_key, api_secret, basic))
        self._made: HttpClient | None = None
        self._lock = threading.Lock()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The numbers alerts go to."""
        return self._recipients

    def send(self, message: Message) -> Outcome:
        """Send one message; whether it was taken stands in each segment's status, under HTTP 200 or not."""
        text = sms_text(message)
        if not text:
            return Outcome(failure=Failure.MESSAGE, detail="there is nothing to send: the message is empty")
        tried = self._ask(lambda client: _send(client, self._of(message, text)))
        return self._masks.clean(_outcome(tried))

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """Vonage knows messages by its own id alone, which is what got lost."""
        return None

    def check(self) -> Outcome:
        """Read the account's balance: whether the credentials hold, and what is left."""
        tried = self._ask(_balance)
        if tried.value is not None:
            return Outcome(detail=f"Vonage: the credentials hold, the balance is {tried.value:.2f} EUR")
        outcome = _refused(tried)
        # Nothing was sent, whatever became of the question.
        failure = Failure.RETRY if outcome.failure is Failure.UNKNOWN else outcome.failure
        return self._masks.clean(Outcome(failure=failure, detail=outcome.detail, retry_after=outcome.retry_after))

    def close(self) -> None:
        """Let go of the library's session; the next call makes another."""
        with self._lock:
            client, self._made = self._made, None
        if client is not None:
            client._session.close()

    def _of(self, message: Message, text: str) -> "SmsMessage":
        from vonage_sms import SmsMessage

        life = ms_left(message, self._clock.now())
        return SmsMessage(
            to=message.recipient.removeprefix("+"),
            from_=self._sender.removeprefix("+"),
            text=text,
            type="text" if is_gsm(text) else "unicode",
            ttl=min(max(_SHORTEST_TTL_MS, life), _LONGEST_TTL_MS),
            client_ref=reference(message.key),
            callback=self._report_to if 0 < len(self._report_to) <= _LONGEST_ADDRESS else None,
        )

    def _ask(self, work: "Callable[[HttpClient], T]") -> Attempt[T]:
        with self._lock:
            if self._made is None:
                self._made = _connect(self._api_key, self._api_secret, self._timeout)
            client = self._made
        return attempt(lambda: work(client), self._timeout)


def reference(key: str) -> str:
    """The key as Vonage takes a reference: 40 characters at most, the same for the same key."""
    plain = key.isascii() and key.isprintable() and len(key) <= _REFERENCE_LENGTH
    return key if plain else hashlib.sha256(key.encode(errors="replace")).hexdigest()[:_REFERENCE_LENGTH]


def _connect(api_key: str, api_secret: str, timeout: float) -> "HttpClient":
    # Imported with the first message, and these parts alone: the package's front door brings voice and video along.
    from vonage_http_client import Auth, HttpClient, HttpClientOptions

    from hybridd.delivery.wire import wire

    # pool_maxsize is also how often the library sends again when a connection breaks after the message was written.
    options = HttpClientOptions(timeout=math.ceil(timeout), pool_maxsize=1, max_retries=0)
    client = HttpClient(Auth(api_key=api_key, api_secret=api_secret), options, "hybridd")
    wire(client._session)
    return client


def _send(client: "HttpClient", message: "SmsMessage") -> None:
    from vonage_sms import Sms

    Sms(client).send(message)


def _balance(client: "HttpClient") -> float:
    from vonage_account import Account

    return float(Account(client).get_balance().value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """What Vonage says of one segment of a message."""

    status: int
    id: str
    words: str


def _outcome(tried: Attempt[None]) -> Outcome:
    """Read from the answer itself: the library raises the same error for all that is refused, and others by mistake."""
    answer = tried.call.answer
    if answer is None or not answer.ok:
        return _refused(tried)
    segments = _segments(answer.body)
    if not segments:
        return Outcome(failure=Failure.UNKNOWN, detail=f"{_HOST} answered something that cannot be read")
    failure = classify([segment.status for segment in segments])
    if failure is None:
        return Outcome(provider_id=segments[0].id, detail=f"Vonage took it: {len(segments)} segment(s)")
    bad = next(segment for segment in segments if segment.status)
    detail = f"Vonage: status {bad.status} {bad.words}".rstrip()
    detail = f"{detail} → {REMEDIES[bad.status]}" if bad.status in REMEDIES else detail
    return Outcome(failure=failure, provider_id=segments[0].id, detail=detail, retry_after=answer.retry_after)


def _refused(tried: Attempt[T]) -> Outcome:
    """The outcome of a call that gave nothing."""
    answer = tried.call.answer
    if answer is None:
        return broken_off(tried, _HOST)
    if answer.ok:
        return Outcome(failure=Failure.UNKNOWN, detail=f"{_HOST} {trouble_of(tried.error)}")
    failure = of_http(answer.status)
    remedy = f" → {REMEDIES[4]}" if answer.status == 401 else ""
    return Outcome(failure=failure, detail=f"Vonage: HTTP {answer.status}{remedy}", retry_after=answer.retry_after)


def _segments(body: bytes) -> Sequence[_Segment]:
    """The segments of an answer; none where it is not what Vonage answers."""
    try:
        rows = json.loads(body)["messages"]
        return [
            _Segment(status=int(row["status"]), id=str(row.get("message-id", "")), words=str(row.get("error-text", "")))
            for row in rows
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
