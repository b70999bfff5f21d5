"""Telegram: a bot that writes to one chat, and hears what is answered there (core.telegram.org/bots/api)."""

import html
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from hybridd.clock import Clock
from hybridd.delivery.http_answers import clean, failure_of, lost, whole
from hybridd.delivery.telegram_updates import Bookmark, heard, in_mind
from hybridd.errors import ChannelError, HttpFailed
from hybridd.model.delivery import Failure, Message, Outcome
from hybridd.model.inbound import Inbound

log = logging.getLogger("hybridd.telegram")

API = "https://api.telegram.org"
TEXT_LENGTH, CAPTION_LENGTH = 4_000, 1_000  # Telegram takes 4,096 and 1,024
_LONGEST_WAIT_S, _BATCH = 7 * 86_400, 20
_TITLE_LENGTH, _LABEL_LENGTH, _DATA_BYTES = 300, 60, 64
_ANSWERS: Mapping[int, Failure] = {
    401: Failure.ACCOUNT,  # the token was revoked
    404: Failure.ACCOUNT,  # there never was such a token
    403: Failure.ADDRESS,  # blocked, or thrown out of the group
}
# Where 400 says more than that the message is bad.
_NO_CHAT = ("chat not found", "chat_id is empty", "upgraded to a supergroup", "PEER_ID_INVALID", "group chat was")
_REMEDY = {
    Failure.ACCOUNT: " → telegram.bot_token must be the token that @BotFather gave you",
    Failure.ADDRESS: " → open the chat with the bot and press Start, and compare telegram.chat_id",
}


class TelegramChannel:
    """Writes to `chat_id` as the bot of `bot_token`; a chart comes as a photo, actions as buttons below.

    Telegram takes no key, so a message whose fate is not known is sent again and marked. `bookmark` remembers up to
    which update was read; `listen_s` is how long Telegram may keep a question open until somebody says something.
    """

    name = "telegram"
    idempotent = False
    wants_image = True

    def __init__(
        self,
        *,
        bot_token: str,
        chat_id: str,
        clock: Clock,
        bookmark: Bookmark | None = None,
        timeout: float = 10.0,
        listen_s: int = 25,
    ) -> None:
        self._token, self._chat, self._clock = bot_token, chat_id, clock
        self._bookmark = bookmark or in_mind()
        self._timeout, self._listen_s = timeout, listen_s
        self._read_up_to: int | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """The chat."""
        return (self._chat,)

    def send(self, message: Message) -> Outcome:
        """Send one message; where its picture is refused, the words go without it."""
        if message.image:
            outcome = self._send(message, "sendPhoto", "caption", CAPTION_LENGTH)
            if outcome.failure is not Failure.MESSAGE:
                return outcome
            log.warning("Telegram does not take the picture, the words go without it: %s", outcome.detail)
        return self._send(message, "sendMessage", "text", TEXT_LENGTH)

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """A bot cannot read what it has written."""
        return None

    def check(self) -> Outcome:
        """Whether the token is a bot's and the bot sees the chat."""
        for method, values in (("getMe", {}), ("getChat", {"chat_id": self._chat})):
            outcome, _ = self._ask(method, values)
            if outcome.failure is not None:
                # A question has no effect: whatever kept its answer away, it can be asked again.
                again = outcome.failure is Failure.UNKNOWN
                return Outcome(failure=Failure.RETRY, detail=outcome.detail) if again else outcome
        return Outcome(detail="the bot is known and sees the chat")

    def poll(self) -> Sequence[Inbound]:
        """What was said in the chat since the last call, buttons too, oldest first; raises ChannelError.

        Calling again says that what the last call gave is dealt with: only then is it never given again.
        """
        if self._read_up_to is not None:
            self._bookmark.save(self._read_up_to)
            self._read_up_to = None
        question = {
            "offset": self._bookmark.load(),
            "timeout": self._listen_s,
            "limit": _BATCH,
            "allowed_updates": ["message", "callback_query"],
        }
        outcome, answer = self._ask("getUpdates", question, self._timeout + self._listen_s)
        if outcome.failure is not None:
            raise ChannelError(f"Telegram was not heard: {outcome.detail}", remedy=_conflict(outcome.detail))
        news = heard(answer, self._chat, self._clock.now())
        for button in news.buttons:
            # Without an answer the button goes on turning; that it was heard is all that is known here.
            self._ask("answerCallbackQuery", {"callback_query_id": button, "text": "Received."})
        self._read_up_to = news.next_offset
        return news.said

    def close(self) -> None:
        """Holds no connection between messages."""

    def _send(self, message: Message, method: str, field: str, length: int) -> Outcome:
        values: dict[str, object] = {
            "chat_id": message.recipient,
            field: words(message, length),
            "parse_mode": "HTML",
            "disable_notification": message.severity == "info",
        }
        if field == "text":
            values["link_preview_options"] = {"is_disabled": True}
        if buttons := _buttons(message):
            values["reply_markup"] = {"inline_keyboard": [buttons]}
        outcome, answer = self._ask(method, values, photo=message.image if method == "sendPhoto" else b"")
        if outcome.failure is not None:
            return outcome
        number = answer.get("message_id") if isinstance(answer, dict) else None
        if number is None:
            return Outcome(failure=Failure.UNKNOWN, detail="Telegram said yes, but not to which message")
        return Outcome(provider_id=f"{self._chat}/{number}", detail=outcome.detail)

    def _ask(
        self, method: str, values: Mapping[str, object], timeout: float = 0.0, photo: bytes = b""
    ) -> tuple[Outcome, Any]:
        """One call of the API: what came of it, and the `result`."""
        # Imported with the first call: who waits for READY does not wait for it.
        from hybridd.http_client import fetch

        kind, content = _form(values, photo) if photo else ("application/json", _json(values).encode())
        try:
            response = fetch(
                "POST",
                f"{API}/bot{self._token}/{method}",
                timeout=timeout or self._timeout,
                headers={"Content-Type": kind},
                content=content,
            )
        except HttpFailed as error:
            return lost(error, [self._token]), None
        return self._judged(response.status, response.body, response.retry_after)

    def _judged(self, status: int, body: bytes, retry_after: float) -> tuple[Outcome, Any]:
        failure = failure_of(status, _ANSWERS)
        answer = _object(body)
        if failure is None and answer.get("ok") is True:
            return Outcome(detail="Telegram took it"), answer.get("result")
        said = str(answer.get("description", "without words that can be read"))
        if failure is Failure.MESSAGE and any(word in said for word in _NO_CHAT):
            failure = Failure.ADDRESS
        failure = failure or Failure.UNKNOWN
        more = answer.get("parameters")
        more = more if isinstance(more, dict) else {}
        if moved := more.get("migrate_to_chat_id"):
            said += f" (its chat_id is now {moved})"
        wait = more.get("retry_after")
        wait = float(wait) if isinstance(wait, int) and 0 < wait < _LONGEST_WAIT_S else retry_after
        detail = clean(f"Telegram answered {status} {said}", [self._token])
        return Outcome(failure=failure, detail=detail + _REMEDY.get(failure, ""), retry_after=wait), None


def words(message: Message, length: int) -> str:
    """The message in Telegram's HTML: as it was written for a chat, else title and body, cut before they are marked up
    where they are longer than `length`."""
    if message.chat:  # never longer than what may stand below a picture, marks included
        return message.chat + _link(message)
    title = _cut(whole(message.title).strip() or "hybridd", _TITLE_LENGTH)
    body = _cut(whole(message.body or message.text).strip(), length - _units(title) - len("\nOpen\n"))
    return f"<b>{html.escape(title)}</b>\n{html.escape(body)}".strip() + _link(message)


def _link(message: Message) -> str:
    return f'\n<a href="{html.escape(message.link)}">Open</a>' if message.link else ""


def _cut(text: str, length: int) -> str:
    """At most `length` units of UTF-16, which is how Telegram counts."""
    if _units(text) <= length:
        return text
    return text.encode("utf-16-le")[: 2 * (length - 1)].decode("utf-16-le", errors="ignore").rstrip() + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _buttons(message: Message) -> list[dict[str, str]]:
    """What can be pressed; Telegram carries 64 bytes back, and half an answer is none."""
    return [
        {"text": _cut(whole(action.label), _LABEL_LENGTH), "callback_data": action.data}
        for action in message.actions
        if action.label.strip() and 0 < len(action.data.encode(errors="replace")) <= _DATA_BYTES
    ]


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer, an empty one where there is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _form(values: Mapping[str, object], photo: bytes) -> tuple[str, bytes]:
    """A form with a file in it: its type and its bytes."""
    import httpx

    plain = {name: value if isinstance(value, str) else _json(value) for name, value in values.items()}
    request = httpx.Request("POST", API, data=plain, files={"photo": ("chart.png", photo, "image/png")})
    return request.headers["Content-Type"], request.read()


def _conflict(detail: str) -> str:
    if "answered 409" not in detail:
        return ""
    return "only one program may listen to a bot: end the other, delete the bot's webhook, or make a bot for hybridd"
