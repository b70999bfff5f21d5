"""What Telegram says was said: the updates of a bot, from one chat alone, and the place up to which they are read."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.delivery.http_answers import clean
from hybridd.model.inbound import Inbound

log = logging.getLogger("hybridd.telegram")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """Where to read on: the id of the first update that is not dealt with. What is saved survives a restart."""

    load: Callable[[], int]
    save: Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an answer held: the words, the buttons to be answered, and where to read on (None: nothing new)."""

    said: tuple[Inbound, ...]
    buttons: tuple[str, ...]
    next_offset: int | None


def in_mind() -> Bookmark:
    """A bookmark that nobody keeps."""
    kept = [0]
    return Bookmark(load=lambda: kept[0], save=lambda offset: kept.__setitem__(0, offset))


def bot_of(token: str) -> str:
    """The bot's number, the part of its token that is no secret. Each bot counts its updates for itself."""
    return token.partition(":")[0]


def heard(updates: object, chat: str, now: int) -> News:
    """Read the updates; what is not from `chat`, or not in words, is passed over. `now` in ms UTC."""
    known = [u for u in updates if isinstance(u, dict)] if isinstance(updates, list) else []
    numbers = [u["update_id"] for u in known if isinstance(u.get("update_id"), int)]
    pairs = [pair for update in known if (pair := _one(update, chat, now)) is not None]
    return News(
        said=tuple(said for said, _ in pairs),
        buttons=tuple(button for _, button in pairs if button),
        next_offset=max(numbers) + 1 if numbers else None,
    )


def _one(update: Mapping[str, Any], chat: str, now: int) -> tuple[Inbound, str] | None:
    """A person's words and, where a button said them, its id."""
    pressed = update.get("callback_query")
    said: object = pressed if pressed is not None else update.get("message")
    if not isinstance(said, dict):
        return None
    place = said.get("message") if pressed is not None else said
    if not _is_from(chat, place):
        log.warning("words from another chat than telegram.chat_id were passed over")
        return None
    text = said.get("data" if pressed is not None else "text")
    number = update.get("update_id")
    if not isinstance(text, str) or not isinstance(number, int):
        return None
    # A button's update tells when its message was sent, not when it was pressed.
    date = said.get("date")
    at = date * 1000 if isinstance(date, int) else now
    inbound = Inbound(channel="telegram", sender=chat, text=clean(text), id=str(number), at=at)
    return inbound, str(said.get("id", "")) if pressed is not None else ""


def _is_from(chat: str, place: object) -> bool:
    found = place.get("chat") if isinstance(place, dict) else None
    if not isinstance(found, dict):
        return False
    return chat in {str(found.get("id")), f"@{found.get('username')}"}
