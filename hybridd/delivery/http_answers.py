"""What an HTTP answer, or none, means for a message: one table of statuses, and words without secrets."""

import re
from collections.abc import Iterable, Mapping

from hybridd.errors import HttpFailed
from hybridd.model.delivery import Failure, Outcome

DETAIL_LENGTH = 300
_SHORTEST_SECRET = 4

# Not worked on, whatever was asked: these hold for every service.
LATER: Mapping[int, Failure] = {408: Failure.RETRY, 425: Failure.RETRY, 429: Failure.RETRY, 503: Failure.RETRY}


def failure_of(status: int, exact: Mapping[int, Failure]) -> Failure | None:
    """The class of an answer to a POST: `exact` decides, then LATER, then the first digit. None for a 2xx."""
    if 200 <= status < 300:
        return None
    known = exact.get(status) or LATER.get(status)
    if known is not None:
        return known
    if status >= 500:
        return Failure.UNKNOWN  # it may have been worked on before it went wrong
    # Nobody is followed to another place: a redirect means that the address in the settings is not the right one.
    return Failure.MESSAGE if status >= 400 else Failure.ACCOUNT


def lost(error: HttpFailed, secrets: Iterable[str] = ()) -> Outcome:
    """No answer: unknown once the request may have arrived, else it is tried again."""
    failure = Failure.UNKNOWN if error.maybe_received else Failure.RETRY
    return Outcome(failure=failure, detail=clean(str(error), secrets))


def clean(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of bounded length in which no secret stands."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:DETAIL_LENGTH]


def parts_of(url: str) -> list[str]:
    """What may be secret in a URL, wherever a service says it back: all of it, and what stands after its scheme."""
    rest = url.partition("://")[2]
    return [url, *(part for part in re.split(r"[/:@?&=#;,]+", rest) if len(part) >= _SHORTEST_SECRET)]


def whole(text: str) -> str:
    """The text without what UTF-8 cannot hold, and without controls other than line ends."""
    text = text.encode("utf-8", errors="replace").decode("utf-8").replace("\r\n", "\n")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
