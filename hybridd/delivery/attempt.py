"""One attempt at a call that a library makes: an end in time, how far it came, and words without secrets.

A provider's library is told to try once. What it raises says little of the one thing that matters here, whether the
provider may have the message: so the connection itself notes the moment before its first byte is written.
"""

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from hybridd.delivery.http_answers import clean
from hybridd.model.delivery import Failure, Outcome

if TYPE_CHECKING:
    from hybridd.http_client import Response

T = TypeVar("T")


class Call:
    """How far a call came. Either it begins to write or it is given up, never both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self.written = False
        """Whether the provider may have any of the request."""
        self.answer: Response | None = None
        """The last whole answer."""

    def begin(self) -> None:
        """Told by the connection before it writes; TimeoutError when nobody waits for the call any more."""
        with self._lock:
            if self._given_up:
                raise TimeoutError("given up before it was sent")
            self.written = True
            self.answer = None

    def give_up(self) -> None:
        """Nothing is written from now on that has not been begun."""
        with self._lock:
            self._given_up = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """What came of a call: a `value`, or the `error` that the library raised; `call` says how far it came."""

    call: Call
    value: T | None = None
    error: Exception | None = None


_here = threading.local()


def current_call() -> Call | None:
    """The call that this thread is making."""
    return getattr(_here, "call", None)


def attempt(work: Callable[[], T], timeout: float) -> Attempt[T]:
    """Do `work` once, name look-up and all, and wait for it at most `timeout` seconds; never raises what it raises."""
    # Libraries bound each read, not their sum, and nobody bounds getaddrinfo: only a thread can be left behind.
    call, done = Call(), queue.SimpleQueue[Attempt[T]]()
    threading.Thread(target=_work, args=(work, call, done), name="attempt", daemon=True).start()
    try:
        return done.get(timeout=timeout)
    except queue.Empty:
        call.give_up()
        return Attempt(call=call, error=TimeoutError())


def _work(work: Callable[[], T], call: Call, done: "queue.SimpleQueue[Attempt[T]]") -> None:
    _here.call = call
    try:
        done.put(Attempt(call=call, value=work()))
    except Exception as error:  # noqa: BLE001 - libraries raise anything; whoever waits for it judges it
        done.put(Attempt(call=call, error=error))


def broken_off(attempt: Attempt[T], place: str) -> Outcome:
    """The outcome of a call without an answer: tried again if certainly nothing was sent, else unknown."""
    failure = Failure.UNKNOWN if attempt.call.written else Failure.RETRY
    return Outcome(failure=failure, detail=f"{place} {trouble_of(attempt.error)}")


@dataclass(frozen=True, slots=True)
class _Words:
    """What a person reads for an error: by its class, or by its name where the class is a library's."""

    name: str
    words: str
    kind: type[BaseException] | None = None


# From the top, the first that is anywhere in the chain of causes. No error's own words: they quote addresses whole.
_TROUBLES = (
    _Words("", "cannot be found: its name cannot be looked up", socket.gaierror),
    _Words("", "refuses connections", ConnectionRefusedError),
    _Words(
        "",
        "shows a certificate that cannot be verified → is its authority in the machine's store, and this clock right?",
        ssl.SSLCertVerificationError,
    ),
    _Words("", "did not answer in time", TimeoutError),
    _Words("ConnectTimeoutError", "did not answer in time"),
    _Words("ReadTimeoutError", "did not answer in time"),
    _Words("ProxyError", "cannot be reached by the proxy that is set"),
    _Words("IncompleteRead", "broke off in the middle of its answer"),
    _Words("RemoteDisconnected", "broke off the connection"),
    _Words("", "broke off the connection", ConnectionError),
    _Words("", "broke off the encrypted connection", ssl.SSLError),
    _Words("", "answered something that cannot be read", ValueError),
    _Words("ProtocolError", "broke off the connection"),
    _Words("", "cannot be reached", OSError),
)


def trouble_of(error: BaseException | None) -> str:
    """A call's trouble in words that hold no address, number or key."""
    chain = list(_chain(error))
    for row in _TROUBLES:
        for link in chain:
            if isinstance(link, row.kind) if row.kind else type(link).__name__ == row.name:
                return row.words
    return f"was asked in vain: {type(error).__name__}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that it wraps, says it is caused by, or was raised over."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [getattr(link, "reason", None), *link.args, link.__cause__, link.__context__]


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """Words that no outcome may show."""

    words: frozenset[str] = field(repr=False)

    def clean(self, outcome: Outcome) -> Outcome:
        """The outcome with a detail of one line, without any of the words."""
        return replace(outcome, detail=clean(outcome.detail, self.words))


def masks_of(words: Iterable[str]) -> Masks:
    """Masks for these words; what is too short to be a secret would only black out half the text."""
    return Masks(words=frozenset(word for word in words if len(word) >= 4))
