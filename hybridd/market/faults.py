"""What went wrong at an exchange, in one line, and what the caller should do about it."""

from dataclasses import dataclass

from hybridd.errors import FeedError, FeedUnavailable, RateLimited, UnknownSymbol

LONGEST = 200
PAUSE_S = {429: 30.0, 418: 120.0}
"""How long to stay away where the exchange does not say: 418 is Binance's ban for those who went on after a 429."""

_LIMITS = ("RateLimitExceeded", "DDoSProtection")

# By the name of the exception's class or one of its bases, first match wins. ccxt is not imported here: it is large.
_WORDS: tuple[tuple[str, str], ...] = (
    ("RequestTimeout", "no answer within {timeout:g} s"),
    ("BadResponse", "the answer makes no sense"),
    ("OnMaintenance", "closed for maintenance"),
    ("ExchangeNotAvailable", "not available"),
    ("AuthenticationError", "refuses to give public data"),
    ("InvalidNonce", "refuses the request's time stamp"),
    ("NetworkError", "cannot be reached"),
    ("NotSupported", "does not offer this"),
    ("ExchangeError", "refused the request"),
)

# What stands in the text of the errors below: the words for it, and the remedy.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted", "set SSL_CERT_FILE to its authority's"),
    ("CA certificate bundle", "the file of trusted authorities cannot be read", "correct SSL_CERT_FILE"),
    ("SSL", "no secure connection", "check that the address speaks https"),
    ("NameResolution", "its name cannot be resolved", "check the network and the address"),
    ("getaddrinfo", "its name cannot be resolved", "check the network and the address"),
    ("Connection refused", "it refuses the connection", "check the network and the address"),
    ("unreachable", "there is no way to it", "check the network"),
    ("Connection aborted", "it dropped the connection", ""),
    ("Connection reset", "it dropped the connection", ""),
    ("IncompleteRead", "the answer breaks off", ""),
    ("Connection broken", "the answer breaks off", ""),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is remembered of an answer: HTTP status (0: there was none), `Retry-After` in seconds, Date, and when.

    `sent` and `arrived` are ms UTC by the local clock.
    """

    status: int = 0
    retry_after: float | None = None
    date: str = ""
    sent: int = 0
    arrived: int = 0


def explain(error: BaseException, *, exchange: str, what: str, timeout: float, reply: Reply) -> FeedError:
    """The FeedError for an exception that came up while `exchange` was asked for `what`."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if reply.status in PAUSE_S or any(name in names for name in _LIMITS):
        pause = reply.retry_after if reply.retry_after is not None else PAUSE_S.get(reply.status, PAUSE_S[429])
        asks = f"{exchange} wants no request for {pause:g} s" + (f" (HTTP {reply.status})" if reply.status else "")
        return RateLimited(f"{asks}: {what} must wait", retry_after=pause)
    if "BadSymbol" in names:
        return UnknownSymbol(f"{exchange} has no such market ({what})")
    unforeseen = f"unforeseen {type(error).__name__}"
    words = next((text for name, text in _WORDS if name in names), unforeseen).format(timeout=timeout)
    if reply.status >= 400 and "RequestTimeout" in names:
        words = "not available"  # it was a gateway that lost patience, not we
    cause, remedy = _cause(error)
    status = f"HTTP {reply.status}" if reply.status >= 400 else ""
    told = (words, status, "" if "RequestTimeout" in names else cause or _text(error))
    line = f"{exchange} did not give {what}: " + ", ".join(part for part in told if part)
    return FeedUnavailable(line[:LONGEST], remedy=remedy)


def _cause(error: BaseException) -> tuple[str, str]:
    """Words and remedy for the deepest reason known, ("", "") for an unknown one."""
    text, link = "", error
    while link is not None and len(text) < 10_000:
        text += f" {type(link).__name__} {link}"
        link = link.__cause__ or link.__context__  # type: ignore[assignment]
    return next(((words, remedy) for mark, words, remedy in _CAUSES if mark in text), ("", ""))


def _text(error: BaseException) -> str:
    """The error's own text on one line: of an answer in JSON that, never a page of HTML or the address asked."""
    text = " ".join(str(error).split("<", 1)[0].split())
    if "{" in text:
        return text[text.index("{") :][:120]
    return "" if " GET http" in text or " POST http" in text else text[:120]
