"""SMS by Twilio, over its own library: one message a send, looked for before it is sent again, and followed."""

import base64
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hybridd.clock import Clock, as_datetime
from hybridd.delivery.attempt import Attempt, attempt, broken_off, masks_of, trouble_of
from hybridd.delivery.sms_text import ms_left, sms_text
from hybridd.delivery.twilio_failures import REMEDIES, classify, of_receipt
from hybridd.errors import ChannelError
from hybridd.model.delivery import ABSENT, Failure, Message, Outcome
from hybridd.model.inbound import Receipt

if TYPE_CHECKING:
    from twilio.rest import Client

T = TypeVar("T")
_HOST = "api.twilio.com"
_ARRIVED = frozenset({"delivered", "read"})
_LOST = frozenset({"failed", "undelivered", "canceled"})
_LONGEST_VALIDITY_S = 36_000
_ASKED_FOR = 1000
_TRIAL = "Sent from your Twilio trial account - "
_SERVICE = "MG"


class TwilioChannel:
    """Messages from `sender` (a number, a name, or a messaging service "MG…"). `timeout` (s) holds for a whole call.
    `report_to` is the address that Twilio calls with what becomes of a message, "" for none: it is asked all the same.

    Making a message is not idempotent: one whose fate is not known is looked for with Twilio first (`find`).
    """

    name = "sms"
    idempotent = False

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        recipients: tuple[str, ...],
        clock: Clock,
        report_to: str = "",
        timeout: float = 15.0,
    ) -> None:
        self._account_sid, self._auth_token, self._sender = account_sid, auth_token, sender
        self._recipients, self._report_to = recipients, report_to
        self._clock, self._timeout = clock, timeout
        basic = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._masks = masks_of((account_sid, auth_token, basic))
        self._made: Client | None = None
        self._lock = threading.Lock()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The numbers alerts go to."""
        return self._recipients

    def send(self, message: Message) -> Outcome:
        """Make one message."""
        text = sms_text(message)
        if not text:
            return Outcome(failure=Failure.MESSAGE, detail="there is nothing to send: the message is empty")
        validity = min(max(1, ms_left(message, self._clock.now()) // 1000), _LONGEST_VALIDITY_S)
        told = {"messaging_service_sid" if self._sender.startswith(_SERVICE) else "from_": self._sender}
        if self._report_to:
            told["status_callback"] = self._report_to
        tried = self._ask(
            lambda client: client.messages.create(to=message.recipient, body=text, validity_period=validity, **told)
        )
        if tried.value is None:
            return self._masks.clean(_refused(tried))
        return self._masks.clean(_of(tried.value, "Twilio took it"))

    def find(self, message: Message) -> Outcome | None:
        """The message, if Twilio has made it since the alert; ABSENT where it has not, None where it does not say."""
        since = message.created_at // 1000 * 1000
        sender = {} if self._sender.startswith(_SERVICE) else {"from_": self._sender}
        tried = self._ask(
            lambda client: client.messages.list(
                to=message.recipient, date_sent_after=as_datetime(since), limit=_ASKED_FOR, **sender
            )
        )
        if tried.value is None:
            return None
        found = [made for made in tried.value if _is(made, message, since)]
        if not found:
            return ABSENT if len(tried.value) < _ASKED_FOR else None
        best = min(found, key=lambda made: made.status in _LOST)
        return self._masks.clean(_of(best, "Twilio had it already"))

    def receipts(self, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        """What became of these; those on their way, and those that Twilio does not know, are left out."""
        asked = [self._receipt(provider_id) for provider_id in provider_ids]
        return [receipt for receipt in asked if receipt is not None]

    def check(self) -> Outcome:
        """Read the account: whether the credentials hold and it may send."""
        tried = self._ask(lambda client: client.api.v2010.accounts(self._account_sid).fetch())
        if tried.value is None:
            outcome = _refused(tried)
            # Nothing was sent, whatever became of the question.
            failure = Failure.RETRY if outcome.failure is Failure.UNKNOWN else outcome.failure
            return self._masks.clean(Outcome(failure=failure, detail=outcome.detail, retry_after=outcome.retry_after))
        status, kind = str(tried.value.status), str(tried.value.type)
        if status != "active":
            return Outcome(failure=Failure.ACCOUNT, detail=f"Twilio: the account is {status} → ask Twilio's support")
        return Outcome(detail=f"Twilio: the account is active ({kind})")

    def close(self) -> None:
        """Let go of the library's session; the next call makes another."""
        with self._lock:
            client, self._made = self._made, None
        if client is not None:
            client.http_client.session.close()

    def _receipt(self, provider_id: str) -> Receipt | None:
        tried = self._ask(lambda client: client.messages(provider_id).fetch())
        made = tried.value
        if made is None:
            answer = tried.call.answer
            if answer is not None and answer.status == 404:
                return None
            outcome = self._masks.clean(_refused(tried))
            raise ChannelError(f"Twilio cannot be asked what became of its messages: {outcome.detail}")
        if made.status not in _ARRIVED | _LOST:
            return None
        at = round(made.date_updated.timestamp() * 1000) if made.date_updated else self._clock.now()
        if made.status in _ARRIVED:
            return Receipt(provider_id=provider_id, at=at, detail=made.status)
        detail = self._masks.clean(Outcome(detail=_lost(made))).detail
        return Receipt(provider_id=provider_id, at=at, failure=of_receipt(made.error_code or 0), detail=detail)

    def _ask(self, work: "Callable[[Client], T]") -> Attempt[T]:
        client = self._client()
        return attempt(lambda: work(client), self._timeout)

    def _client(self) -> "Client":
        with self._lock:
            if self._made is None:
                self._made = _connect(self._account_sid, self._auth_token, self._timeout)
            return self._made


def _connect(account_sid: str, auth_token: str, timeout: float) -> "Client":
    # Imported with the first message: who waits for READY does not wait for them.
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    from hybridd.delivery.wire import wire

    http = TwilioHttpClient(timeout=timeout, max_retries=0)
    wire(http.session)
    # Its own environment: TWILIO_EDGE and its like, set for another program, would send our messages elsewhere.
    return Client(account_sid, auth_token, http_client=http, environment={"TWILIO_EDGE": ""})


def _of(made: Any, words: str) -> Outcome:  # noqa: ANN401 - Twilio's untyped Message
    """The outcome of a message that Twilio made."""
    if not made.sid:
        return Outcome(failure=Failure.UNKNOWN, detail=f"{_HOST} answered, but named no message")
    if made.status in _LOST:
        return Outcome(failure=of_receipt(made.error_code or 0), provider_id=made.sid, detail=_lost(made))
    detail = f"{words}: {made.status}, {made.num_segments or '?'} segment(s)"
    return Outcome(provider_id=made.sid, detail=detail, delivered=made.status in _ARRIVED)


def _is(made: Any, message: Message, since: int) -> bool:  # noqa: ANN401 - Twilio's untyped Message
    """Whether what Twilio made is this message, word for word, marked or not: not that of another step, which the
    state knows by its id, nor one from before this alert."""
    fresh = made.date_created is None or made.date_created.timestamp() * 1000 >= since
    words = {sms_text(replace(message, short=short)) for short in (message.short, *message.forms)}
    return fresh and made.sid not in message.others and (made.body or "").removeprefix(_TRIAL).strip() in words


def _refused(tried: Attempt[T]) -> Outcome:
    """The outcome of a call that gave nothing. Read from the answer itself: the library has three ways to say no."""
    answer = tried.call.answer
    if answer is None:
        return broken_off(tried, _HOST)
    if answer.ok:
        return Outcome(failure=Failure.UNKNOWN, detail=f"{_HOST} {trouble_of(tried.error)}")
    code, words = _error_in(answer.body)
    failure, pause = classify(code, answer.status)
    detail = _with_remedy(f"Twilio: {code or f'HTTP {answer.status}'} {words}", code)
    return Outcome(failure=failure, detail=detail, retry_after=answer.retry_after or pause)


def _error_in(body: bytes) -> tuple[int, str]:
    """Code and words of an error, in Twilio's older form (code, message) or that of RFC 9457 (code, title, detail)."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return 0, ""
    if not isinstance(parsed, dict):
        return 0, ""
    code = parsed.get("code")
    words = [str(parsed[name]) for name in ("message", "title", "detail") if parsed.get(name)]
    return code if isinstance(code, int) else 0, " ".join(words)


def _lost(made: Any) -> str:  # noqa: ANN401 - Twilio's untyped Message
    """What Twilio says of a message that does not arrive."""
    code = made.error_code or 0
    return _with_remedy(f"Twilio: {made.status}, {code or 'no reason given'} {made.error_message or ''}".rstrip(), code)


def _with_remedy(detail: str, code: int) -> str:
    return f"{detail} → {REMEDIES[code]}" if code in REMEDIES else detail
