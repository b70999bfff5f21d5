"""The words by which a person answers an alert: made here, and read here."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from hybridd.model.delivery import Action


class Answer(StrEnum):
    """What an answer says. ACK means "I have seen it" and approves nothing; YES and NO decide a proposal."""

    ACK = "ACK"
    YES = "YES"
    NO = "NO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """An answer to the alert or proposal `id`; `code` is the proposal's short code, "" for an ACK."""

    answer: Answer
    id: int
    code: str = ""


_LABELS = {Answer.ACK: "I have seen it", Answer.YES: "Yes", Answer.NO: "No"}
_MOST_ID = 2**63 - 1
# An ACK has no code; a decision always has one: a bare YES is a carrier's word for opting in.
_GRAMMAR = re.compile(r"(?:(ACK)\s*([0-9]{1,19})|(YES|NO)\s*([0-9]{1,19})\s+([0-9A-F]{2}))")


def make(words: Words) -> str:
    """ "ACK 42", "YES 42 7F": the words that `parse` reads. Raises ValueError for what it would not read."""
    text = " ".join(part for part in (words.answer.value, str(words.id), words.code) if part)
    if parse(text) != words:
        raise ValueError(f'"{text}" is no answer: an ACK has an id, YES and NO an id and two hexadecimal digits')
    return text


def parse(text: str) -> Words | None:
    """What the first line of `text` answers, whatever its case, spaces and punctuation; None if it is no answer.

    A lone word is none: YES, STOP, CANCEL, END and QUIT are the carriers' own, and an ACK must say of what.
    """
    lines = [line for line in unicodedata.normalize("NFKC", text).splitlines() if line.strip()]
    if not lines:
        return None
    plain = " ".join(re.sub(r"[\W_]+", " ", lines[0]).split()).upper()
    found = _GRAMMAR.fullmatch(plain)
    if found is None:
        return None
    ack, ack_id, decision, decision_id, code = found.groups()
    number = int(ack_id or decision_id)
    if not 1 <= number <= _MOST_ID:
        return None
    return Words(answer=Answer(ack or decision), id=number, code=code or "")


def action(words: Words) -> Action:
    """The button that sends these words."""
    return Action(label=_LABELS[words.answer], data=make(words))


def ack(alert_id: int) -> Action:
    """The button that says that an alert was seen."""
    return action(Words(answer=Answer.ACK, id=alert_id))
