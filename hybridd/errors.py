"""Every error that hybridd raises on purpose, and what the caller should do about it.

HybriddError                 one clear line: the thing, the place, the remedy
├── UsageError               wrong words on the command line                     → stop, exit 2
├── ConfigError              the settings hold problems, all of them listed      → stop, exit 2
├── DataError                a file or value that was handed in cannot be read   → stop, exit 2
├── StoreError               the state database
│   ├── StoreUnusable        corrupt, read-only, newer than this program         → stop, exit 2
│   ├── StoreBusy            locked by somebody for longer than the time-out     → retry
│   └── StoreFull            no space left for the state                         → retry, degraded
├── InstanceRunning          another daemon holds this state                     → stop, exit 2
├── FeedError                a market source did not give candles                → retry, others go on
│   ├── FeedUnavailable      time-out, DNS, 5xx, garbage                         → retry with back-off
│   ├── RateLimited          429, 418                                            → retry at `retry_after`
│   └── UnknownSymbol        the source has no such market                       → disable that symbol
├── ChannelError             a channel could not be asked for answers or receipts → retry, others go on
├── BrokerError              a broker could not be asked                        → ask again, never repeat
├── BrainError               an external brain gave no usable answer             → alert, no score
└── HttpFailed               an HTTP request got no usable answer                → retry, unless it may have arrived
"""

from collections.abc import Sequence


class HybriddError(Exception):
    """Base of all; `str()` is the line a person reads, `remedy` what to do, `exit_code` what a command returns."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} → {self.remedy}" if self.remedy else self.message


class UsageError(HybriddError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class ConfigError(HybriddError):
    """The settings cannot be used; `lines` holds one finished line a problem."""

    exit_code = 2

    def __init__(self, message: str, *, remedy: str = "", lines: Sequence[str] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.lines = tuple(lines)


class DataError(HybriddError):
    """A file or value that was handed in cannot be used."""

    exit_code = 2


class StoreError(HybriddError):
    """The state database failed."""


class StoreUnusable(StoreError):
    """The state cannot be used as it is: corrupt, read-only, or written by a newer hybridd."""

    exit_code = 2


class StoreBusy(StoreError):
    """Another process kept the state locked beyond the time-out."""


class StoreFull(StoreError):
    """The disk that holds the state is full."""


class InstanceRunning(HybriddError):
    """Another daemon already works on this state."""

    exit_code = 2


class FeedError(HybriddError):
    """A market source did not give what was asked."""


class FeedUnavailable(FeedError):
    """The source could not be reached, or what it sent was not an answer."""


class RateLimited(FeedError):
    """The source asks for a pause; `retry_after` is its length in seconds."""

    def __init__(self, message: str, *, retry_after: float, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class UnknownSymbol(FeedError):
    """The source has no such market; `nearest` is the most similar name that it has, if any."""

    exit_code = 2

    def __init__(self, message: str, *, nearest: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.nearest = nearest


class ChannelError(HybriddError):
    """A channel could not be asked for what people answered or for what became of its messages."""


class BrokerError(HybriddError):
    """A broker could not be asked; what became of an order is not known by this."""


class BrainError(HybriddError):
    """An external brain failed, was too slow, or answered something that is not an analysis."""


class HttpFailed(HybriddError):
    """An HTTP request got no answer; `maybe_received`: the other side may have got and obeyed it all the same."""

    def __init__(self, message: str, *, maybe_received: bool = False, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.maybe_received = maybe_received
