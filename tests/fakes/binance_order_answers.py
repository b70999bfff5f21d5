"""The bodies of Binance's signed answers: orders, trades, the account."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def _text(value: Decimal | None) -> str:
    return f"{value or Decimal(0):.8f}"


def placed(order: Any) -> dict[str, object]:
    """What a new order is answered with."""
    keys = ("price", "qty", "commission", "commissionAsset")
    fills = [{key: trade[key] for key in keys} for trade in order.trades]
    return _common(order) | {"transactTime": order.at, "workingTime": order.at, "fills": fills}


def details(order: Any) -> dict[str, object]:
    """What asking for an order is answered with."""
    more = {
        "stopPrice": _text(order.trigger),
        "icebergQty": "0.00000000",
        "time": order.at,
        "updateTime": order.at,
        "isWorking": True,
        "workingTime": order.at,
        "origQuoteOrderQty": "0.00000000",
    }
    return _common(order) | more


def cancelled(order: Any, now: int) -> dict[str, object]:
    """What taking an order back is answered with."""
    return _common(order) | {"origClientOrderId": order.client_id, "clientOrderId": "made-up", "transactTime": now}


def _common(order: Any) -> dict[str, object]:
    body = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": _text(order.price),
        "origQty": _text(order.quantity),
        "executedQty": _text(order.done),
        "cummulativeQuoteQty": _text(order.money),
        "status": order.status,
        "timeInForce": "GTC",
        "type": order.kind,
        "side": "BUY" if order.buy else "SELL",
        "selfTradePreventionMode": "NONE",
    }
    futures = {
        "cumQuote": _text(order.money),
        "avgPrice": "0.00",
        "positionSide": "BOTH",
        "reduceOnly": order.reduce_only,
    }
    return body | futures if order.futures else body


def algo(order: Any) -> dict[str, object]:
    """A stop of a perpetual, which waits beside the book."""
    return {
        "algoId": order.id,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": order.kind,
        "symbol": order.symbol,
        "side": "BUY" if order.buy else "SELL",
        "positionSide": "BOTH",
        "timeInForce": "GTC",
        "quantity": _text(order.quantity),
        "algoStatus": order.status,
        "triggerPrice": _text(order.trigger),
        "price": "0.00",
        "reduceOnly": order.reduce_only,
        "actualOrderId": str(order.actual) if order.actual else "",
        "createTime": order.at,
        "updateTime": order.at,
    }


def trade(order: Any, number: int, quantity: Decimal, price: Decimal, fee: Decimal, currency: str) -> dict[str, object]:
    """One trade of an order."""
    body: dict[str, object] = {
        "symbol": order.symbol,
        "id": number,
        "orderId": order.id,
        "orderListId": -1,
        "price": _text(price),
        "qty": _text(quantity),
        "quoteQty": _text(quantity * price),
        "commission": f"{fee:.12f}".rstrip("0").ljust(10, "0"),
        "commissionAsset": currency,
        "time": order.at + number,
        "isBuyer": order.buy,
        "isMaker": False,
        "isBestMatch": True,
    }
    return (
        body | {"buyer": order.buy, "maker": False, "side": "BUY" if order.buy else "SELL"} if order.futures else body
    )


def account(balances: Mapping[str, Decimal], locked: Mapping[str, Decimal], now: int) -> dict[str, object]:
    """What there is of each currency."""
    rates = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00100000")
    rows = [{"asset": n, "free": _text(v - locked[n]), "locked": _text(locked[n])} for n, v in balances.items()]
    return {
        **dict.fromkeys(("makerCommission", "takerCommission", "buyerCommission", "sellerCommission"), 10),
        "commissionRates": rates,
        **dict.fromkeys(("canTrade", "canWithdraw", "canDeposit"), True),
        **dict.fromkeys(("brokered", "requireSelfTradePrevention", "preventSor"), False),
        "updateTime": now,
        "accountType": "SPOT",
        "balances": rows,
        "permissions": ["SPOT"],
        "uid": 1,
    }


def ticker(symbol: str, price: Decimal, now: int) -> dict[str, object]:
    """The last day of a market."""
    prices = ("prevClosePrice", "lastPrice", "bidPrice", "askPrice", "openPrice", "highPrice", "lowPrice")
    amounts = ("priceChange", "priceChangePercent", "bidQty", "askQty", "volume", "quoteVolume")
    times = {"openTime": now - 86_400_000, "closeTime": now, "firstId": 1, "lastId": 2, "count": 2}
    return {"symbol": symbol, **dict.fromkeys(prices, _text(price)), **dict.fromkeys(amounts, "1.000"), **times}
