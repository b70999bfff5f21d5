"""What a failed request to an exchange means for an order: certainly not taken, refused, or nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What is known after a request failed."""

    NOT_TAKEN = "not taken"  # certainly, for a reason that passes: the same may be sent again
    REFUSED = "refused"  # certainly, and it would be again
    UNCLEAR = "unclear"  # it may have been carried out: ask, never send again
    THERE = "there"  # an order with this client id is there already
    UNKNOWN = "unknown"  # there is no such order


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: `asked` whether a request began at all, HTTP status (0: no answer), the exchange's own code.

    `said`: it was the exchange itself that answered, in JSON, and no machine before it.
    """

    asked: bool = False
    status: int = 0
    code: str = ""
    said: bool = False
    message: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed request: what it means, in one line why, and for how many seconds nothing shall be sent.

    `clock`: it was signed at a time that the exchange does not believe.
    """

    meaning: Meaning
    detail: str
    clock: bool = False
    pause: float = 0.0


CLOCK, DUPLICATE = -1021, "Duplicate order"
NONE: Mapping[str, Meaning] = {}
PAUSE_S = {429: 30.0, 418: 120.0}
"""How long to stay away where the exchange does not say: 418 is the ban of those who went on after a 429."""

# Binance's codes; those that are not here refuse the order, and with a status of 500 and above nobody knows.
_MEANINGS = {
    CLOCK: Meaning.NOT_TAKEN,
    -1003: Meaning.NOT_TAKEN,  # too many requests
    -1015: Meaning.NOT_TAKEN,  # too many orders
    -1000: Meaning.UNCLEAR,
    -1001: Meaning.UNCLEAR,  # disconnected inside the exchange
    -1006: Meaning.UNCLEAR,  # "execution status unknown"
    -1007: Meaning.UNCLEAR,  # "send status unknown; execution status unknown"
    -1008: Meaning.UNCLEAR,  # overloaded
    -1016: Meaning.UNCLEAR,  # shutting down
    -2011: Meaning.UNKNOWN,
    -2013: Meaning.UNKNOWN,
    -4116: Meaning.THERE,
}
_KEYS = "check trading.api_key and api_secret, their right to trade and their list of allowed addresses"
_REMEDIES = {
    -1013: "the order does not fit the market's filters",
    -1022: _KEYS,
    -1111: "the order has more digits than the market takes",
    -2010: "look at the account's balance",
    -2014: _KEYS,
    -2015: _KEYS,
    -2019: "look at the account's margin",
    -2022: "there is no position that it could reduce",
    -4061: "set the account's position mode to one-way",
    -4164: "the order is too small",
}
# What ccxt's classes of errors mean for an order, the closest first; those that are not here leave it unclear.
_CLASSES = {
    "InvalidNonce": (Meaning.NOT_TAKEN, ""),
    "RateLimitExceeded": (Meaning.NOT_TAKEN, ""),
    "DuplicateOrderId": (Meaning.THERE, ""),
    "OrderNotFound": (Meaning.UNKNOWN, ""),
    "InsufficientFunds": (Meaning.REFUSED, "look at the account's balance or margin"),
    "AuthenticationError": (Meaning.REFUSED, _KEYS),
    "InvalidOrder": (Meaning.REFUSED, ""),
    "ArgumentsRequired": (Meaning.REFUSED, ""),
    "BadRequest": (Meaning.REFUSED, ""),
    "NotSupported": (Meaning.REFUSED, ""),
    "OperationRejected": (Meaning.REFUSED, ""),
}
# What stands in the text of an error where no connection came about: then nothing was sent.
_UNCONNECTED = (
    ("NewConnectionError", "it refuses the connection"),
    ("ConnectTimeout", "no connection within the time-out"),
    ("NameResolution", "its name cannot be resolved"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
)
_LONGEST = 160


def fault_of(error: BaseException, reply: Reply, own_codes: bool = True, codes: Mapping[str, Meaning] = NONE) -> Fault:
    """What an error means that came up while the exchange was asked; no address and no signature stands in it.

    `own_codes`: it is Binance, whose codes are all known here. Else it is what ccxt takes it for, beside those `codes`
    that mean something else.
    """
    if not reply.asked:
        return Fault(meaning=Meaning.REFUSED, detail=_line(str(error)))
    if not reply.status:
        return _unanswered(error)
    if reply.status in PAUSE_S:
        pause = PAUSE_S[reply.status] if reply.retry_after is None else reply.retry_after
        detail = f"it wants no request for {pause:g} s (HTTP {reply.status})"
        return Fault(meaning=Meaning.NOT_TAKEN, detail=detail, pause=pause)
    senseless = Fault(meaning=Meaning.UNCLEAR, detail=f"the answer makes no sense (HTTP {reply.status})")
    if not own_codes:
        return _as_taken(error, reply, codes) if reply.said and reply.status < 500 else senseless
    if not reply.code.startswith("-") or not 400 <= reply.status < 500:
        return senseless
    detail = f"{_line(reply.message)} ({reply.code})"
    if remedy := _REMEDIES.get(int(reply.code), ""):
        detail += f": {remedy}"
    return Fault(meaning=_meaning(reply), detail=detail, clock=int(reply.code) == CLOCK)


def _meaning(reply: Reply) -> Meaning:
    if DUPLICATE in reply.message:
        return Meaning.THERE
    return _MEANINGS.get(int(reply.code), Meaning.REFUSED)


def _as_taken(error: BaseException, reply: Reply, codes: Mapping[str, Meaning]) -> Fault:
    """By the class that ccxt gives an error; one that it has no class for says nothing certain."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    found = next((_CLASSES[kind] for kind in kinds if kind in _CLASSES), (Meaning.UNCLEAR, ""))
    meaning = codes.get(reply.code, found[0])
    detail = f"{_line(reply.message)} ({reply.code or kinds[0]})"
    if found[1] and meaning is Meaning.REFUSED:
        detail += f": {found[1]}"
    clock = meaning is Meaning.NOT_TAKEN and "RateLimitExceeded" not in kinds
    return Fault(
        meaning=meaning, detail=detail, clock=clock, pause=0.0 if clock or meaning is not Meaning.NOT_TAKEN else 5.0
    )


def _unanswered(error: BaseException) -> Fault:
    text, link = "", error
    while link is not None and len(text) < 10_000:
        text += f" {type(link).__name__} {link}"
        link = link.__cause__ or link.__context__  # type: ignore[assignment]
    for mark, words in _UNCONNECTED:
        if mark in text:
            return Fault(meaning=Meaning.NOT_TAKEN, detail=words)
    words = "no answer within the time-out" if "Timeout" in text else "the connection broke before an answer"
    return Fault(meaning=Meaning.UNCLEAR, detail=words)


def _line(text: str) -> str:
    return " ".join(text.split("http", 1)[0].split())[:_LONGEST].rstrip(" .")
