"""What an SMTP server's refusal means: a table, read from the top; the first line that fits decides."""

import re
from dataclasses import dataclass
from enum import StrEnum

from hybridd.model.delivery import Failure


class Phase(StrEnum):
    """How far a mail had come: what the server may have and what it can be complaining of."""

    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    CONTENT = "content"  # the mail itself has been, or is being, written


ANY = frozenset(Phase)
BEFORE_MAIL = frozenset({Phase.CONNECT, Phase.HELLO, Phase.TLS, Phase.LOGIN})
ENVELOPE = frozenset({Phase.SENDER, Phase.RECIPIENT})
BODY = frozenset({Phase.DATA, Phase.CONTENT})
_SENDER, _RECIPIENT = frozenset({Phase.SENDER}), frozenset({Phase.RECIPIENT})

DAILY_LIMIT_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table: enhanced code (RFC 3463) and reply code as regular expressions, phases, what it means."""

    enhanced: str
    reply: str
    phases: frozenset[Phase]
    failure: Failure
    retry_after: float = 0.0


# Enhanced codes first, because they say what is meant: 550 alone is a bad mailbox, a daily limit or a refused text.
RULES: tuple[Rule, ...] = (
    Rule(r"5\.4\.5", r"...", ANY, Failure.RETRY, DAILY_LIMIT_PAUSE_S),  # heals within a day, and is no bad address
    Rule(r"5\.1\.[78]", r"...", ANY, Failure.ACCOUNT),  # the sender's address
    Rule(r"5\.(1\.[123456]|1\.10|2\.[12])", r"...", ANY, Failure.ADDRESS),
    Rule(r"5\.(2\.3|3\.4|6\.\d+)", r"...", ANY, Failure.MESSAGE),
    Rule(r"5\.7\.(8|9|11|14)", r"...", ANY, Failure.ACCOUNT),  # credentials
    Rule(r".*", r"53[0458]", ANY, Failure.ACCOUNT),  # authentication asked for, too weak or refused (RFC 4954)
    Rule(r"5\.7\.\d+", r"5..", BODY, Failure.MESSAGE),
    Rule(r"5\.7\.\d+", r"5..", BEFORE_MAIL | ENVELOPE, Failure.ACCOUNT),  # "relay access denied": nobody saw a text
    Rule(r"4\.\d+\.\d+", r"...", ANY, Failure.RETRY),
    # No enhanced code, or one that says no more than the digit.
    Rule(r".*", r"4..", ANY, Failure.RETRY),
    Rule(r".*", r"5..", BEFORE_MAIL, Failure.ACCOUNT),
    Rule(r".*", r"552", ENVELOPE, Failure.MESSAGE),  # larger than the SIZE that the server takes
    Rule(r".*", r"55[0135]|501|521|556", _RECIPIENT, Failure.ADDRESS),
    Rule(r".*", r"5..", _SENDER, Failure.ACCOUNT),
    Rule(r".*", r"5..", _RECIPIENT, Failure.ACCOUNT),
    Rule(r".*", r"5..", BODY, Failure.MESSAGE),
    # Not an answer of SMTP: once the text is on its way nobody knows what became of it.
    Rule(r".*", r".*", frozenset({Phase.CONTENT}), Failure.UNKNOWN),
    Rule(r".*", r".*", ANY, Failure.RETRY),
)

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


def classify(code: int, text: str, phase: Phase) -> tuple[Failure, float]:
    """The class of the reply `code` `text` in `phase`, and how many seconds to wait at least (0: nothing said)."""
    found = _ENHANCED.match(text)
    enhanced = found[1] if found else ""
    for rule in RULES:
        fits = re.fullmatch(rule.enhanced, enhanced) and re.fullmatch(rule.reply, str(code))
        if fits and phase in rule.phases:
            return rule.failure, rule.retry_after
    raise AssertionError("the last line of the table fits everything")


def lost(phase: Phase) -> Failure:
    """The class of a connection that broke or fell silent in `phase`."""
    return Failure.UNKNOWN if phase is Phase.CONTENT else Failure.RETRY
