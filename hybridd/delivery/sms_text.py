"""What both SMS providers are given: the text of a message, and how long it is worth sending."""

import re

from hybridd.delivery.gsm import gsm, one_segment
from hybridd.model.delivery import Message

_REPEAT = re.compile(r"\s*\(repeat\)")
_ENOUGH = 12


def sms_text(message: Message) -> str:
    """The line to send: the message's short form, or its title where it has none; "" where there is nothing to say."""
    line = message.short or one_segment(message.title)
    return "".join(char if char.isprintable() or char == "\n" else " " for char in line).strip()


def is_gsm(text: str) -> bool:
    """Whether the text keeps to the GSM alphabet, so that 160 characters are one segment."""
    return gsm(text) == " ".join(text.split())


def ms_left(message: Message, now: int) -> int:
    """How long the message is still worth sending at `now` (ms UTC)."""
    return max(0, message.expires_at - now)


def same_news(one: str, other: str) -> bool:
    """Whether two texts are one message, of which either may be marked as a repeat and shortened for the mark."""
    a, b = (" ".join(_REPEAT.sub("", text).split()).partition(". ")[0].rstrip(".") for text in (one, other))
    if a == b:
        return bool(a)
    return min(len(a), len(b)) >= _ENOUGH and (a.startswith(b) or b.startswith(a))
