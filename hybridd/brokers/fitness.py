"""Whether orders at an exchange could be asked for by a name of our own: ccxt composes every request, none is sent.

Without that an unclear outcome would stay unclear, and the only way out would be to send again.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from hybridd.brokers.dialects import COMMON, Dialect

NAME = "hyb0a1b2cp1e0"
_HOLE = re.compile(r"""[iI]d=&|[iI]d":""|None|(?<!:)//|/\?|/&$""")
_MOST = 4
"""Requests that one question may make: some ask for the account first."""
_PRICE = 30_000.0


class _EnoughError(Exception):
    """Nobody listens any more."""


def unable(open_one: Callable[[], Any], perpetual: bool, dialect: Dialect) -> str:
    """Why no orders can be sent to the exchange that `open_one` makes, "" where they can. Talks to nobody.

    An exchange with a dialect of its own has been looked at closely: only its keys are.
    """
    exchange = open_one()
    if lacking := [
        name for name, wanted in exchange.requiredCredentials.items() if wanted and not _key(exchange, name)
    ]:
        return f"it needs {', '.join(_SETTINGS.get(name, name) for name in lacking)} as well"
    return "" if dialect is not COMMON else incapable(open_one, perpetual, dialect)


def incapable(open_one: Callable[[], Any], perpetual: bool, dialect: Dialect) -> str:
    """What ccxt cannot do there that safety needs, "" where it can do all of it."""
    exchange = open_one()
    offered = exchange.has
    wanted = ("swap" if perpetual else "spot", "createOrder", "fetchOrder", "cancelOrder", "fetchMyTrades")
    if missing := [what for what in wanted if not offered.get(what)]:
        return f"ccxt has no {', '.join(missing)} there"
    if dialect is COMMON and _keeps_stops_aside(exchange, perpetual):
        return "its stops wait beside the book, and nobody has looked at what becomes of them"
    for what, question in _questions(perpetual, dialect).items():
        if not _composed(open_one(), perpetual, question):
            return f"ccxt cannot {what} by a name of our own there"
    return ""


_SETTINGS = {"password": "trading.api_password", "apiKey": "trading.api_key", "secret": "trading.api_secret"}


def _key(exchange: Any, name: str) -> str:  # noqa: ANN401 - an exchange object is untyped
    return str(getattr(exchange, name, "") or "")


Question = Callable[[Any, str], object]


def _questions(perpetual: bool, dialect: Dialect) -> Mapping[str, Question]:
    by, aside = {"clientOrderId": NAME}, perpetual in dialect.aside
    only = {"reduceOnly": True} if perpetual else {}
    stop = {**by, **only, "stopLossPrice": _PRICE * 0.9, **({} if perpetual else dialect.spot_stop)}
    waits = {**by, "trigger": True} if aside else by
    return {
        "send an order": lambda x, s: x.create_order(s, "market", "buy", 1, None, dict(by)),
        "send a limit": lambda x, s: x.create_order(s, "limit", "sell", 1, _PRICE, {**by, **only}),
        "place a stop": lambda x, s: x.create_order(s, "market", "sell", 1, None, dict(stop)),
        "find an order": lambda x, s: x.fetch_order("", s, dict(by)),
        "find a stop": lambda x, s: x.fetch_order("", s, dict(waits)),
        "cancel an order": lambda x, s: x.cancel_order("", s, dict(by)),
        "cancel a stop": lambda x, s: x.cancel_order("", s, dict(waits)),
    }


def _composed(exchange: Any, perpetual: bool, question: Question) -> bool:  # noqa: ANN401 - an exchange object is untyped
    """Whether the request for it bears the name, and no empty field where an id should be."""
    symbol = "BTC/USDT:USDT" if perpetual else "BTC/USDT"
    sent: list[str] = []

    def fetch(url: str, method: str = "GET", headers: object = None, body: object = None) -> object:  # noqa: ARG001
        sent.append(f"{url} {body or ''}")
        if len(sent) >= _MOST:
            raise _EnoughError
        return {}

    exchange.fetch, exchange.enableRateLimit = fetch, False
    exchange.apiKey, exchange.secret, exchange.password = "key", "c2VjcmV0", "password"  # nothing of the person's
    exchange.set_markets([exchange.safe_market_structure(_a_market(perpetual))])
    # No answer is what it stumbles over; only what was composed counts.
    with contextlib.suppress(Exception):
        question(exchange, symbol)
    named = [text for text in sent if NAME in text]
    return bool(named) and not any(_has_hole(text) for text in named)


def _keeps_stops_aside(exchange: Any, perpetual: bool) -> bool:  # noqa: ANN401 - an exchange object is untyped
    exchange.set_markets([exchange.safe_market_structure(_a_market(perpetual))])
    symbol = "BTC/USDT:USDT" if perpetual else "BTC/USDT"
    return exchange.feature_value(symbol, "fetchOrder", "trigger") is not False


def _has_hole(request: str) -> bool:
    return bool(_HOLE.search(f"{request.replace(' ', '')}&"))


def _a_market(perpetual: bool) -> Mapping[str, Any]:
    """A market as any exchange could list it."""
    settle = "USDT" if perpetual else None
    return {
        "id": "BTCUSDT", "symbol": "BTC/USDT:USDT" if perpetual else "BTC/USDT", "base": "BTC", "quote": "USDT",
        "settle": settle, "baseId": "BTC", "quoteId": "USDT", "settleId": settle,
        "type": "swap" if perpetual else "spot",
        "spot": not perpetual, "margin": False, "swap": perpetual, "future": False, "option": False, "active": True,
        "contract": perpetual, "linear": True if perpetual else None, "inverse": False if perpetual else None,
        "contractSize": 1.0 if perpetual else None, "precision": {"amount": 1, "price": 1},
        "limits": {"amount": {"min": 0.0, "max": 1e9}, "price": {}, "cost": {}, "market": {}},
        "info": {"orderTypes": ["MARKET", "LIMIT", "STOP_LOSS", "STOP_MARKET"]},
    }  # fmt: skip
