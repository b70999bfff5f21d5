"""Funding and open interest of the perpetual that belongs to a market, from the same exchange."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hybridd.errors import FeedUnavailable
from hybridd.market.context import Exchange, Given, Value, sifted
from hybridd.market.publication import DAY_MS, HOUR_MS, PUBLICATIONS
from hybridd.model.context import FUNDING, OPEN_INTEREST
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.timeframe import TimeFrame, parse_timeframe

PERPETUALS_AT = {"kraken": "krakenfutures"}
"""Exchanges that ccxt knows by another id where they trade perpetuals."""

_SETTLEMENT_MS = 8 * HOUR_MS
_PAGE = {"binance": {FUNDING: 1000, OPEN_INTEREST: 500}}
"""Values that an exchange gives at once where it is asked to; the others are left to their own measure."""
_PAGES = 12
_REACH_MS = 29 * DAY_MS
"""How far back open interest is asked for: Binance refuses what is older than 30 days."""


def perpetual_of(instrument: Instrument) -> Instrument:
    """The perpetual that belongs to a market: settled in its quote currency; of a perpetual itself."""
    settle = instrument.settle or instrument.quote
    return Instrument(instrument.base, instrument.quote, settle)


def spot_of(instrument: Instrument) -> Instrument:
    """The market of the thing itself that belongs to a perpetual; of such a market itself."""
    return Instrument(instrument.base, instrument.quote)


class Funding:
    """Funding rates as settled, a share of the position (0.0001 = 0.01 %), each stamped with its settlement."""

    name = "funding rates"
    series: tuple[str, ...] = (FUNDING,)
    per_market = True
    interval_s = 3600
    offset_s = 60

    def __init__(self, perpetuals: Exchange) -> None:
        self._exchange = perpetuals

    def fetch(self, symbol: str, newest: int, now: int) -> Given:
        exchange = self._exchange
        market = _perpetual(exchange, symbol)
        what = f"funding rates of {market}"
        if not exchange.offers("fetchFundingRateHistory"):
            raise FeedUnavailable(f"{exchange.name} gives no funding rates", remedy="set [market.context] funding off")
        size = _PAGE.get(exchange.name, {}).get(FUNDING)

        def page(since: int) -> list[tuple[object, object]]:
            rows = exchange.ask(market, what, lambda x: x.fetch_funding_rate_history(market.symbol, since, size))
            return [(row.get("timestamp"), row.get("fundingRate")) for row in _entries(rows, exchange.name, what)]

        since = newest + 1 if newest >= 0 else now - PUBLICATIONS[FUNDING].history // 2 * _SETTLEMENT_MS
        values, refused = sifted(FUNDING, exchange.name, _paged(page, since, now - _SETTLEMENT_MS), now)
        return Given(values={FUNDING: _some(values, newest, exchange.name, what)}, refused=refused)


class OpenInterest:
    """Open interest in the quote currency: its recent past where the exchange keeps one, else what it is now."""

    name = "open interest"
    series: tuple[str, ...] = (OPEN_INTEREST,)
    per_market = True
    offset_s = 240

    def __init__(self, perpetuals: Exchange, timeframe: TimeFrame) -> None:
        """`timeframe`: how far apart values are wanted, as the exchange has it, from 5m to 1h."""
        self._exchange = perpetuals
        self._frame = parse_timeframe(next((t for t in ("1h", "30m", "15m") if _fits(t, timeframe)), "5m"))
        self.interval_s = self._frame.ms // 1000

    def fetch(self, symbol: str, newest: int, now: int) -> Given:
        exchange = self._exchange
        market = _perpetual(exchange, symbol)
        what = f"open interest of {market}"
        if exchange.offers("fetchOpenInterestHistory"):
            rows = self._history(market, what, newest, now)
        elif exchange.offers("fetchOpenInterest"):
            rows = [self._present(market, what, now)]
        else:
            remedy = "set [market.context] open_interest off"
            raise FeedUnavailable(f"{exchange.name} gives no open interest", remedy=remedy)
        values, refused = sifted(OPEN_INTEREST, exchange.name, rows, now)
        return Given(values={OPEN_INTEREST: _some(values, newest, exchange.name, what)}, refused=refused)

    def _history(self, market: Instrument, what: str, newest: int, now: int) -> Iterable[tuple[object, object]]:
        step, name = self._frame.ms, self._exchange.name
        size = _PAGE.get(name, {}).get(OPEN_INTEREST)

        def page(since: int) -> list[tuple[object, object]]:
            rows = self._exchange.ask(
                market,
                what,
                lambda x: x.fetch_open_interest_history(market.symbol, self._frame.text, since, size),
            )
            return [(row.get("timestamp"), row.get("openInterestValue")) for row in _entries(rows, name, what)]

        earliest = now - min(PUBLICATIONS[OPEN_INTEREST].history * step, _REACH_MS)
        return _paged(page, max(newest + 1, earliest), now - step)

    def _present(self, market: Instrument, what: str, now: int) -> tuple[object, object]:
        name = self._exchange.name
        found = _entry(self._exchange.ask(market, what, lambda x: x.fetch_open_interest(market.symbol)), name, what)
        at = found.get("timestamp") or now
        value, amount = found.get("openInterestValue"), found.get("openInterestAmount")
        if value is None and isinstance(amount, int | float):
            price = self._price(market)
            value = amount * price if isinstance(price, int | float) else price
        return at, value

    def _price(self, market: Instrument) -> object:
        """What one of the base currency costs at the perpetual now: its mark, else its last trade."""
        what, name = f"the price of {market}", self._exchange.name
        if self._exchange.offers("fetchMarkPrice"):
            marked = _entry(self._exchange.ask(market, what, lambda x: x.fetch_mark_price(market.symbol)), name, what)
            return marked.get("markPrice")
        return _entry(self._exchange.ask(market, what, lambda x: x.fetch_ticker(market.symbol)), name, what).get("last")


def _fits(text: str, timeframe: TimeFrame) -> bool:
    return parse_timeframe(text).ms <= timeframe.ms


def _perpetual(exchange: Exchange, symbol: str) -> Instrument:
    return exchange.instrument(perpetual_of(parse_instrument(symbol)).symbol)


def _paged(
    page: Callable[[int], list[tuple[object, object]]], since: int, until: int
) -> Iterable[tuple[object, object]]:
    """Pages from `since` on, until one brings nothing newer or reaches `until` (ms UTC)."""
    for _ in range(_PAGES):
        rows = page(since)
        yield from rows
        newest = max((at for at, _ in rows if isinstance(at, int)), default=-1)
        if newest < since or newest >= until:
            return
        since = newest + 1


def _some(values: list[Value], newest: int, exchange: str, what: str) -> list[Value]:
    """The values; that there are none is no answer where none was known before either."""
    if not values and newest < 0:
        raise FeedUnavailable(f"{exchange} did not give {what}: there is no value in the answer")
    return values


def _entries(answer: object, exchange: str, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list):
        raise FeedUnavailable(f"{exchange} did not give {what}: the answer is no list")
    return [_entry(row, exchange, what) for row in answer]


def _entry(answer: object, exchange: str, what: str) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise FeedUnavailable(f"{exchange} did not give {what}: the answer has another form")
    return answer
