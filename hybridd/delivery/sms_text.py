"""What both SMS providers are given: the text of a message, and how long it is worth sending."""

from hybridd.delivery.gsm import gsm, one_segment
from hybridd.model.delivery import Message


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
