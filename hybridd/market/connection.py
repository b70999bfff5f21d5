"""The line to one exchange: paced, timed, checked, and with every failure turned into a FeedError."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from hybridd.clock import Clock
from hybridd.errors import FeedError, RateLimited
from hybridd.market.faults import Reply, explain
from hybridd.market.library import check_base_url, check_exchange_id, open_exchange
from hybridd.market.limiter import RateLimiter

T = TypeVar("T")
BANNED = 418
"""HTTP status by which Binance says that an address is banned for a while."""


class Connection:
    """One exchange by its ccxt id, opened at the first use; safe to use from many threads.

    `timeout` in seconds is that of connecting and of each wait for data. Raises DataError for an id or address that
    cannot be.
    """

    def __init__(
        self,
        *,
        exchange: str,
        market_type: str,
        base_url: str,
        clock: Clock,
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        check_exchange_id(exchange)
        check_base_url(base_url)
        self.name = exchange
        self._market_type = market_type
        self._base_url = base_url
        self._timeout = timeout
        self._clock = clock
        self._limiter = RateLimiter(clock=clock, sleep=sleep)
        self._lock = threading.Lock()
        self._opened: Any = None
        self._local = threading.local()
        self._refusals = 0

    @property
    def exchange(self) -> Any:  # noqa: ANN401 - an exchange object is untyped
        """The ccxt object; opening it talks to nobody."""
        with self._lock:
            if self._opened is None:
                self._opened = self._prepared(self._open())
            return self._opened

    @property
    def reply(self) -> Reply:
        """What the last answer to this thread was."""
        reply: Reply = getattr(self._local, "reply", Reply())
        return reply

    def call(self, what: str, ask: Callable[[Any], T]) -> T:
        """`ask` the exchange for `what` (as it shall stand in an error); raises FeedError and nothing else.

        Who is refused waits by itself: the caller's back-off sees to that. Nobody sends anything during a ban, nor
        once a second request in a row was refused: then it is not one market that is too busy but we ourselves.
        """
        self.respect_pause(what)
        self._local.reply = Reply()
        try:
            answer = ask(self.exchange)
            self._refusals = 0
            return answer
        except FeedError as fault:
            raise self._noted(fault) from fault.__cause__
        except Exception as error:  # a hundred exchanges' parsers fail in every way on a wrong answer
            told = explain(error, exchange=self.name, what=what, timeout=self._timeout, reply=self.reply)
            raise self._noted(told) from error

    def respect_pause(self, what: str) -> None:
        """Raises RateLimited while the exchange wants no request of ours."""
        remaining = self._limiter.paused()
        if remaining > 0:
            words = f"{self.name} wants no request for another {remaining:.0f} s: {what} must wait"
            raise RateLimited(words, retry_after=remaining)

    def _noted(self, fault: FeedError) -> FeedError:
        if isinstance(fault, RateLimited):
            self._refusals += 1
            if self._refusals > 1 or self.reply.status == BANNED:
                self._limiter.pause(fault.retry_after)
        return fault

    def close(self) -> None:
        """Let go of the connections; safe to call twice."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _open(self) -> Any:  # noqa: ANN401 - an exchange object is untyped
        return open_exchange(
            exchange=self.name, market_type=self._market_type, base_url=self._base_url, timeout=self._timeout
        )

    def _prepared(self, opened: Any) -> Any:  # noqa: ANN401 - an exchange object is untyped
        fetch, parse = opened.fetch, opened.parse_ohlcv

        def throttle(cost: float | None = None) -> None:
            self._limiter.wait(opened.rateLimit / 1000 * (1 if cost is None else cost))

        def checked_fetch(*args: object, **kwargs: object) -> object:
            answer = fetch(*args, **kwargs)
            if not isinstance(answer, dict | list) or answer == {}:
                raise BadResponse("it is no JSON object or list")
            return answer

        def checked_row(row: object, market: object = None) -> list[Any]:
            if not isinstance(row, list | tuple | dict) or len(row) < 5:
                raise BadResponse("a candle in it is not six numbers")
            parsed = parse(row, market)
            if not isinstance(parsed, list) or len(parsed) < 6 or not isinstance(parsed[0], int | float):
                raise BadResponse("a candle in it is not six numbers")
            return parsed

        # On this object, not in the library: ccxt itself takes a page of HTML for an empty list of candles.
        opened.throttle, opened.fetch, opened.parse_ohlcv = throttle, checked_fetch, checked_row
        opened.session.hooks["response"].append(self._note)
        return opened

    def _note(self, response: Any, **_: object) -> None:  # noqa: ANN401 - requests' own object
        arrived = self._clock.now()
        self._local.reply = Reply(
            status=response.status_code,
            retry_after=_seconds(response.headers.get("Retry-After", "")),
            date=response.headers.get("Date", ""),
            sent=arrived - round(response.elapsed.total_seconds() * 1000),
            arrived=arrived,
        )


def _seconds(header: str) -> float | None:
    """`Retry-After` where it is a number of seconds; the form with a date is not used by exchanges."""
    return float(header) if header.strip().isdigit() else None


class BadResponse(Exception):
    """An answer that ccxt would have let through; named as ccxt's own error is, and explained like it."""
