"""Candles from any exchange that ccxt knows: public data, no key."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from hybridd.clock import Clock
from hybridd.errors import FeedError, FeedUnavailable, UnknownSymbol
from hybridd.market.connection import Connection
from hybridd.market.feed import Row
from hybridd.market.markets import Listing, MarketLoader
from hybridd.market.skew import ClockOffset
from hybridd.model.instrument import Instrument, nearest, parse_instrument
from hybridd.model.timeframe import TimeFrame, parse_timeframe

T = TypeVar("T")
REFRESH_S = 86_400.0
"""Age at which the list of markets is read anew."""
RETRY_S = 300.0
"""The list is read again for a symbol that it does not hold, but not more often than this."""
PAGE = 1000
EMPTY_PAGES = 3
"""Pages without a candle after which we believe that there are none: some exchanges answer a window of time only."""


class ExchangeFeed:
    """A Feed out of one ccxt exchange. Making one talks to nobody and imports nothing large.

    `timeout` in seconds for each wait on the network, `markets_timeout` for the whole list of markets. `base_url`:
    scheme and host (and path before theirs, if any) in place of those of every address of the exchange. Raises
    DataError for an exchange or address that cannot be.
    """

    simulated = False

    def __init__(
        self,
        *,
        exchange: str,
        market_type: str = "spot",
        base_url: str = "",
        clock: Clock,
        timeout: float = 10.0,
        markets_timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = exchange
        self.market_type = market_type
        self._clock = clock
        self._connection, self._aside = (
            Connection(
                exchange=exchange, market_type=market_type, base_url=base_url, clock=clock, timeout=timeout, sleep=sleep
            )
            for _ in range(2)
        )
        self._loader = MarketLoader(
            exchange=exchange, market_type=market_type, base_url=base_url, timeout=timeout, deadline=markets_timeout
        )
        self._offset = ClockOffset(clock=clock)
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._listings: dict[str, Listing] = {}
        self._loaded_at = self._tried_at = float("-inf")
        self._fault: tuple[float, FeedError] | None = None

    @property
    def offset_ms(self) -> int:
        """The exchange's clock minus ours, ms; 0 until it is known."""
        return self._offset.ms

    @property
    def offset_known(self) -> bool:
        """Whether the exchange's clock was ever read."""
        return self._offset.known

    def now(self) -> int:
        """The exchange's time, ms UTC: ours plus the offset last measured."""
        return self._offset.now()

    def instrument(self, text: str) -> Instrument:
        """The market that `text` names: BTC/USDT, BTCUSDT, BTC-USDT …, or the exchange's own id of it."""
        listings = self._markets()
        found = self._find(text, listings) or self._find(text, self._markets(again=True))
        if found is None:
            near = nearest(text, self._listings)
            hint = f"did you mean {near}?" if near else ""
            raise UnknownSymbol(f'{self.name} has no {self.market_type} market "{text}"', nearest=near, remedy=hint)
        return found

    def rows(self, instrument: Instrument, timeframe: TimeFrame, since: int, limit: int) -> list[Row]:
        """Up to `limit` candles from `since` on, in as many requests as the exchange needs for that.

        One that closed between question and answer is left out: nobody can tell whether it is finished there.
        """
        what = f"candles of {instrument} {timeframe}"
        self._use(instrument, self._connection)
        frame = self._frame(timeframe)
        self._measure()
        rows: list[Row] = []
        start, empty = since, 0
        while len(rows) < limit and start <= (asked := self.now()) and empty < EMPTY_PAGES:
            size = min(limit - len(rows), self._page_size(instrument))
            page = self._page(instrument, frame, start, size, what)
            page = page[: limit - len(rows)]
            sure = _finished(page, timeframe.ms, asked, self.now())
            rows += sure
            if len(sure) < len(page):
                break
            empty = 0 if page else empty + 1
            start = int(page[-1][0]) + timeframe.ms if page else start + size * timeframe.ms
        return rows

    def market(self, symbol: str) -> dict[str, Any]:
        """A market as ccxt describes it, with its steps and minima; from a list that is at most a day old."""
        listing = self._markets().get(symbol)
        if listing is None:
            raise UnknownSymbol(f"{self.name} has no {self.market_type} market {symbol}")
        return listing.market()

    def offers(self, method: str) -> bool:
        """Whether the exchange has what ccxt calls `method` ("fetchOpenInterest")."""
        return bool(self._connection.exchange.has.get(method))

    def ask(self, instrument: Instrument, what: str, question: Callable[[Any], T]) -> T:
        """Put a `question` about one market that is not about its candles; raises FeedError.

        It goes by a line of its own, so that no answer to it holds up a candle; but not while candles must wait.
        """
        self._connection.respect_pause(what)
        self._use(instrument, self._aside)
        return self._aside.call(what, question)

    def close(self) -> None:
        """Let go of connections and end a child that may be running."""
        self._loader.close()
        self._connection.close()
        self._aside.close()

    def _page(self, instrument: Instrument, frame: str, start: int, size: int, what: str) -> list[Row]:
        def ask(exchange: Any) -> list[list[float | None]]:  # noqa: ANN401 - an exchange object is untyped
            answer: list[list[float | None]] = exchange.fetch_ohlcv(instrument.symbol, frame, start, size)
            return answer

        try:
            rows = self._connection.call(what, ask)
        except UnknownSymbol as fault:
            near = nearest(instrument.symbol, self._listings.keys() - {instrument.symbol})
            raise UnknownSymbol(fault.message, nearest=near) from fault
        table = [_row(row) for row in rows]
        if table and all(any(cell != cell for cell in row) for row in table):  # NaN is what differs from itself
            raise FeedUnavailable(f"{self.name} did not give {what}: no candle in the answer is six numbers")
        return table

    def _frame(self, timeframe: TimeFrame) -> str:
        """What the exchange calls this time frame."""
        offered: dict[int, str] = {}
        for text in self._connection.exchange.timeframes or {}:
            try:
                offered.setdefault(parse_timeframe(text).ms, text)
            except ValueError:
                continue  # months, and names that are no lengths
        if timeframe.ms not in offered:
            known = ", ".join(offered[ms] for ms in sorted(offered))
            raise FeedUnavailable(f"{self.name} has no candles of {timeframe}", remedy=f"choose one of {known}")
        return offered[timeframe.ms]

    def _page_size(self, instrument: Instrument) -> int:
        features = self._connection.exchange.feature_value(instrument.symbol, "fetchOHLCV", "limit")
        return min(int(features), PAGE) if isinstance(features, int) and features > 0 else PAGE

    def _measure(self) -> None:
        """Read the exchange's clock when it is time to: by its own service, else by the Date of the last answer."""
        if not self._offset.due():
            return
        connection = self._connection
        if connection.exchange.has.get("fetchTime"):
            try:
                server = connection.call("its time", lambda exchange: exchange.fetch_time())
            except FeedUnavailable:
                self._offset.failed()
                return
            if isinstance(server, int) and connection.reply.arrived:
                self._offset.measured(server, connection.reply.arrived)
                return
        reply = connection.reply
        if reply.date:
            self._offset.dated(reply.date, reply.sent, reply.arrived)
        else:
            self._offset.failed()

    def _find(self, text: str, listings: dict[str, Listing]) -> Instrument | None:
        name = text.strip()
        try:
            parsed = parse_instrument(name, self.market_type)
        except ValueError:
            parsed = None
        if parsed is not None and parsed.symbol in listings:
            return parsed
        symbol = name if name in listings else next((s for s, entry in listings.items() if entry.id == name), "")
        return _instrument(listings[symbol].market()) if symbol else None

    def _markets(self, *, again: bool = False) -> dict[str, Listing]:
        """The list of markets, read when there is none, daily, and `again` for a symbol that may be new.

        Who only finds the list old uses it while another thread reads the new one.
        """
        if not self._wants_list(again):
            return self._listings
        began = self._clock.monotonic()
        if not self._loading.acquire(blocking=again or not self._listings):
            return self._listings
        try:
            if self._fault is not None and self._fault[0] > began:
                raise self._fault[1]  # the exchange failed the thread that we waited for: no need to ask it again
            if self._wants_list(again):
                self._load()
        except FeedError:
            if again or not self._listings:
                raise
        finally:
            self._loading.release()
        return self._listings

    def _wants_list(self, again: bool) -> bool:
        now = self._clock.monotonic()
        if self._listings and now - self._tried_at < RETRY_S:
            return False
        return again or now - self._loaded_at >= REFRESH_S

    def _load(self) -> None:
        self._tried_at = self._clock.monotonic()
        try:
            self._listings = self._connection.call("its list of markets", lambda _: self._loader.load())
        except FeedError as fault:
            self._fault = (self._clock.monotonic(), fault)
            raise
        self._loaded_at, self._fault = self._tried_at, None

    def _use(self, instrument: Instrument, connection: Connection) -> None:
        """Give the connection's ccxt object the market, so that it never reads the whole list itself."""
        listings = self._markets()
        listing = listings.get(instrument.symbol)
        if listing is None:
            near = nearest(instrument.symbol, listings)
            raise UnknownSymbol(f"{self.name} has no {self.market_type} market {instrument}", nearest=near)
        with self._lock:
            exchange = connection.exchange
            used = exchange.markets or {}
            if instrument.symbol not in used:
                exchange.set_markets([*used.values(), listing.market()])


def _instrument(market: dict[str, Any]) -> Instrument:
    return Instrument(market["base"], market["quote"], market.get("settle") or "")


def _finished(page: list[Row], step: int, asked: int, arrived: int) -> list[Row]:
    """Those of a page that had closed when it was asked for, or have not closed now (ms UTC)."""
    return [row for row in page if not asked < row[0] + step <= arrived]


def _row(row: list[float | None]) -> Row:
    opened, *prices = (float("nan") if cell is None else float(cell) for cell in row[:6])
    return (opened, prices[0], prices[1], prices[2], prices[3], prices[4])
