"""The imbalance of a market's order book, as it stands shortly before a candle closes."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from hybridd.errors import FeedUnavailable
from hybridd.market.context import Exchange, Given, sifted
from hybridd.model.context import IMBALANCE
from hybridd.model.instrument import Instrument, parse_instrument
from hybridd.model.quote import Quote

DEPTH = 100
"""Orders asked for on each side."""
WITHIN = 0.01
"""How far from the middle an order still counts, as a share of it."""


class OrderBook:
    """(bids − asks) / (bids + asks), in the base currency, of the orders within 1 % of the middle."""

    name = "the order book"
    series: tuple[str, ...] = (IMBALANCE,)
    per_market = True
    interval_s = 0
    offset_s = 0

    def __init__(self, exchange_of: Callable[[Instrument], Exchange]) -> None:
        """`exchange_of`: where a market is traded."""
        self._exchange_of = exchange_of

    def fetch(self, symbol: str, newest: int, now: int) -> Given:  # noqa: ARG002  # a book has no past
        wanted = parse_instrument(symbol)
        exchange = self._exchange_of(wanted)
        market = exchange.instrument(wanted.symbol)
        what = f"the order book of {market}"
        book = exchange.ask(market, what, lambda x: x.fetch_order_book(market.symbol, DEPTH))
        try:
            value = imbalance(book)
        except ValueError as error:
            raise FeedUnavailable(f"{exchange.name} did not give {what}: {error}") from error
        values, refused = sifted(IMBALANCE, exchange.name, [(now, value)], now)
        return Given(values={IMBALANCE: values}, refused=refused)


def quote_at(exchange: Exchange, symbol: str, now: int) -> Quote:
    """What is bid and asked for a market at `now` (ms UTC); raises FeedError."""
    market = exchange.instrument(symbol)
    what = f"the quote of {market}"
    book = exchange.ask(market, what, lambda x: x.fetch_order_book(market.symbol, DEPTH))
    try:
        bid, ask = best(book)
    except ValueError as error:
        raise FeedUnavailable(f"{exchange.name} did not give {what}: {error}") from error
    return Quote(symbol=market.symbol, bid=Decimal(str(bid)), ask=Decimal(str(ask)), at=now)


def best(book: object) -> tuple[float, float]:
    """The best bid and the best ask. Raises ValueError for what is no order book."""
    bids, asks = _sides(book)
    return max(price for price, _ in bids), min(price for price, _ in asks)


def imbalance(book: object) -> float:
    """In [−1, 1], +1 where only buyers stand. `book`: {"bids": [[price, amount], …], "asks": …}, the best first.

    Cont, Kukanov and Stoikov, "The Price Impact of Order Book Events", J. Financial Econometrics 12:1 (2014) show that
    such an imbalance moves the price. Raises ValueError for what is no order book.
    """
    bids, asks = _sides(book)
    best_bid, best_ask = max(price for price, _ in bids), min(price for price, _ in asks)
    middle = (best_bid + best_ask) / 2
    bid = sum(amount for price, amount in bids if price >= middle * (1 - WITHIN))
    ask = sum(amount for price, amount in asks if price <= middle * (1 + WITHIN))
    if bid + ask <= 0:
        raise ValueError(f"nothing is bid or asked within {WITHIN:.0%} of {middle:g}")
    return (bid - ask) / (bid + ask)


def _sides(book: object) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    if not isinstance(book, Mapping):
        raise ValueError("the answer has another form")
    bids, asks = (_orders(book.get(side), side) for side in ("bids", "asks"))
    best_bid, best_ask = max(price for price, _ in bids), min(price for price, _ in asks)
    if best_bid >= best_ask:
        raise ValueError(f"the best bid {best_bid:g} is not below the best ask {best_ask:g}")
    return bids, asks


def _orders(rows: Any, side: str) -> list[tuple[float, float]]:  # noqa: ANN401 - whatever the exchange sent
    if not isinstance(rows, Iterable) or not (table := list(rows)):
        raise ValueError(f"there are no {side}")
    orders = []
    for row in table:
        numbers = [cell for cell in row[:2] if isinstance(cell, int | float)] if isinstance(row, list | tuple) else []
        if len(numbers) < 2 or not numbers[0] > 0 or not 0 <= numbers[1] < float("inf"):
            raise ValueError(f"{str(row)[:40]} among its {side} is no order")
        orders.append((float(numbers[0]), float(numbers[1])))
    return orders
