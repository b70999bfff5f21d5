"""An account at the local exchange: Binance's signed REST API for orders, spot and perpetuals, with a book of its own.

It keeps what was really accepted (`orders`), and what came in at all (`posts`). Give it to FakeBinance as `account`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qsl

from tests.fakes import binance_order_answers as answers

D = Decimal
RATE, WHOLE = D("0.001"), D(1)
LOST = (0, None)
"""The connection is dropped before anybody has read the request."""
SIGNED = (
    "/api/v3/order", "/api/v3/openOrders", "/api/v3/account", "/api/v3/myTrades", "/fapi/v1/order",
    "/fapi/v1/algoOrder", "/fapi/v1/openOrders", "/fapi/v1/userTrades", "/fapi/v3/positionRisk",
)  # fmt: skip
OPEN = ("NEW", "PARTIALLY_FILLED")
STEP = {False: D("0.00001"), True: D("0.00001")}


@dataclass
class Resting:
    """An order that was accepted. `trigger`: a stop that waits; `aside`: one that waits beside the book (fapi)."""

    id: int
    client_id: str
    symbol: str
    futures: bool
    buy: bool
    kind: str
    quantity: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    at: int
    status: str = "NEW"
    aside: bool = False
    actual: int = 0
    trades: list[dict[str, object]] = field(default_factory=list)

    @property
    def done(self) -> Decimal:
        return sum((D(str(trade["qty"])) for trade in self.trades), D(0))

    @property
    def money(self) -> Decimal:
        return sum((D(str(trade["quoteQty"])) for trade in self.trades), D(0))


@dataclass
class Refusal:
    """One scripted answer instead of the real one; `times` counts down."""

    method: str
    path: str
    status: int
    code: int
    message: str
    times: int


@dataclass
class Account:
    """The account. `balances` by currency, `prices` by id ("BTCUSDT"); a market order fills at once unless `hold`.

    `fee_in`: "quote", "base", or a currency such as "BNB"; `part`: how much of the next orders at market is filled;
    `trades_late`: the list of trades does not know yet what the orders say.
    """

    key: str = "key-of-the-test"
    secret: str = "secret-of-the-test"
    balances: dict[str, Decimal] = field(default_factory=lambda: {"USDT": D(100_000), "BTC": D(0), "BNB": D(10)})
    prices: dict[str, Decimal] = field(default_factory=lambda: {"BTCUSDT": D(30_000), "BNBUSDT": D(600)})
    positions: dict[str, Decimal] = field(default_factory=dict)
    rate: Decimal = RATE
    fee_in: str = "quote"
    hold: bool = False
    trades_late: bool = False
    part: Decimal = WHOLE
    orders: list[Resting] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, code: int, message: str, *, method="POST", path="/order", status=400, times=1) -> None:
        """Answer so instead, without doing anything; status 0 drops the connection before the request is read."""
        self.refusals.append(Refusal(method, path, status, code, message, times))

    def takes(self, path: str) -> bool:
        return path in SIGNED or path.endswith("/ticker/24hr")

    def answer(self, method: str, path: str, raw: str, headers: Mapping[str, str], now: int) -> tuple[int, object]:
        """Status and body of one request; `raw` are its parameters as they were signed."""
        query = dict(parse_qsl(raw))
        name = query.get("newClientOrderId") or query.get("clientAlgoId") or ""
        if method == "POST":
            self.posts.append(name)
        for script in self.refusals:
            if script.times and method == script.method and path.endswith(script.path):
                script.times -= 1
                return LOST if not script.status else (script.status, {"code": script.code, "msg": script.message})
        if path.endswith("/ticker/24hr"):
            return 200, answers.ticker(query["symbol"], self.prices[query["symbol"]], now)
        if bad := self._unsigned(raw, query, headers, now):
            return bad
        return getattr(self, f"_{method.lower()}_{path.rsplit('/', 1)[1].lower()}")(
            query, path.startswith("/fapi"), now
        )

    def move(self, symbol: str, price: object) -> None:
        """The price goes there: stops are triggered, limits filled."""
        self.prices[symbol] = D(str(price))
        for order in list(self.orders):
            if order.symbol == symbol and order.status in OPEN:
                self._at_price(order)

    def fill(self, client_id: str, quantity: object = None, price: object = None) -> None:
        """Fill an order that rests, or a part of it."""
        order = self.of(client_id)[-1]
        self._fill(order, order.quantity - order.done if quantity is None else D(str(quantity)), price)

    def of(self, client_id: str) -> list[Resting]:
        """Every order that was ever accepted with this client id."""
        return [order for order in self.orders if order.client_id == client_id]

    def locked(self, currency: str) -> Decimal:
        total = D(0)
        for order in self.orders:
            if not order.futures and order.status in OPEN and not order.buy and order.symbol.startswith(currency):
                total += order.quantity - order.done
        return total

    def _unsigned(self, raw: str, query: dict[str, str], headers: Mapping[str, str], now: int):
        unsigned, _, signature = raw.rpartition("&signature=")
        right = hmac.new(self.secret.encode(), unsigned.encode(), hashlib.sha256).hexdigest()
        if headers.get("X-MBX-APIKEY") != self.key:
            return 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        if not hmac.compare_digest(right, signature):
            return 400, {"code": -1022, "msg": "Signature for this request is not valid."}
        stamp, window = int(query["timestamp"]), int(query.get("recvWindow", 5000))
        if not (stamp < now + 1000 and now - stamp <= window):
            return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        return None

    def _post_order(self, query: dict[str, str], futures: bool, now: int, aside: bool = False):
        order = self._read(query, futures, now, aside)
        if any(o.status in OPEN and o.client_id == order.client_id and o.futures == futures for o in self.orders):
            return 400, {"code": -4116 if futures else -2010, "msg": "ClientOrderId is duplicated."
                         if futures else "Duplicate order sent."}  # fmt: skip
        if bad := self._filters(order) or self._funds(order):
            return 400, {"code": bad[0], "msg": bad[1]}
        self.orders.append(order)
        if order.kind == "MARKET" and not self.hold:
            self._fill(order, order.quantity * self.part)
        return 200, answers.algo(order) if aside else answers.placed(order)

    def _post_algoorder(self, query: dict[str, str], futures: bool, now: int):
        assert query["algoType"] == "CONDITIONAL"
        return self._post_order({**query, "newClientOrderId": query["clientAlgoId"]}, futures, now, aside=True)

    def _get_order(self, query: dict[str, str], futures: bool, now: int):
        order = self._found(query, futures, aside=False)
        return (200, answers.details(order)) if order else (400, {"code": -2013, "msg": "Order does not exist."})

    def _get_algoorder(self, query: dict[str, str], futures: bool, now: int):
        order = self._found({"origClientOrderId": query["clientAlgoId"]}, futures, aside=True)
        return (200, answers.algo(order)) if order else (400, {"code": -2013, "msg": "Order does not exist."})

    def _delete_order(self, query: dict[str, str], futures: bool, now: int):
        order = self._found(query, futures, aside=False)
        if order is None or order.status not in OPEN:
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        order.status = "CANCELED"
        return 200, answers.cancelled(order, now)

    def _delete_algoorder(self, query: dict[str, str], futures: bool, now: int):
        order = self._found({"origClientOrderId": query["clientAlgoId"]}, futures, aside=True)
        if order is None or order.status not in OPEN:
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        order.status = "CANCELED"
        return 200, {"algoId": order.id, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}

    def _get_openorders(self, query: dict[str, str], futures: bool, now: int):
        found = [o for o in self.orders if o.status in OPEN and o.futures == futures and not o.aside]
        return 200, [answers.details(order) for order in found]

    def _get_account(self, query: dict[str, str], futures: bool, now: int):
        return 200, answers.account(self.balances, {name: self.locked(name) for name in self.balances}, now)

    def _get_mytrades(self, query: dict[str, str], futures: bool, now: int):
        found = [
            o for o in self.orders if o.symbol == query["symbol"] and o.futures == futures and not self.trades_late
        ]
        return 200, [trade for o in found if str(o.id) == query.get("orderId", str(o.id)) for trade in o.trades]

    _get_usertrades = _get_mytrades

    def _get_positionrisk(self, query: dict[str, str], futures: bool, now: int):
        held = self.positions.get(query["symbol"], D(0))
        return 200, [{"symbol": query["symbol"], "positionSide": "BOTH", "positionAmt": f"{held}"}] if held else []

    def _found(self, query: dict[str, str], futures: bool, aside: bool) -> Resting | None:
        same = [o for o in self.orders if o.futures == futures and o.aside == aside and o.symbol]
        if "origClientOrderId" in query:
            same = [o for o in same if o.client_id == query["origClientOrderId"]]
        else:
            same = [o for o in same if str(o.id) == query["orderId"]]
        return same[-1] if same else None

    def _read(self, query: dict[str, str], futures: bool, now: int, aside: bool) -> Resting:
        trigger = query.get("stopPrice") or query.get("triggerPrice")
        return Resting(
            id=1000 + len(self.orders), client_id=query["newClientOrderId"], symbol=query["symbol"], futures=futures,
            buy=query["side"] == "BUY", kind=query["type"], quantity=D(query["quantity"]), aside=aside, at=now,
            price=D(query["price"]) if "price" in query else None, trigger=D(trigger) if trigger else None,
            reduce_only=query.get("reduceOnly", "").lower() == "true",
        )  # fmt: skip

    def _filters(self, order: Resting) -> tuple[int, str] | None:
        if order.quantity <= 0 or order.quantity % STEP[order.futures]:
            return -1013, "Filter failure: LOT_SIZE"
        at = order.price or order.trigger or self.prices[order.symbol]
        if at % D("0.000001"):
            return -1111, "Precision is over the maximum defined for this asset."
        if order.quantity * at < 5 and not order.reduce_only:
            return -1013, "Filter failure: NOTIONAL"
        return None

    def _funds(self, order: Resting) -> tuple[int, str] | None:
        if order.futures:
            held = self.positions.get(order.symbol, D(0))
            useless = order.reduce_only and (held == 0 or (held > 0) == order.buy)
            return (-2022, "ReduceOnly Order is rejected.") if useless and not order.aside else None
        base = order.symbol.removesuffix("USDT")
        cost = order.quantity * (order.price or self.prices[order.symbol])
        there = self.balances["USDT"] if order.buy else self.balances[base] - self.locked(base)
        short = there < (cost if order.buy else order.quantity)
        return (-2010, "Account has insufficient balance for requested action.") if short else None

    def _at_price(self, order: Resting) -> None:
        price = self.prices[order.symbol]
        at, upward = order.trigger or order.price, order.buy is (order.trigger is not None)
        if at is None or (price < at if upward else price > at):
            return
        if not order.aside:
            self._fill(order, order.quantity - order.done, price if order.trigger else order.price)
            return
        order.status = "FINISHED"
        actual = Resting(
            id=1000 + len(self.orders), client_id=f"triggered-{order.id}", symbol=order.symbol, futures=order.futures,
            buy=order.buy, kind="MARKET", quantity=order.quantity, price=None, trigger=None,
            reduce_only=order.futures, at=order.at,
        )  # fmt: skip
        self.orders.append(actual)
        order.actual = actual.id
        self._fill(actual, actual.quantity)

    def _fill(self, order: Resting, quantity: Decimal, price: object = None) -> None:
        at = self.prices[order.symbol] if price is None else D(str(price))
        base = order.symbol.removesuffix("USDT")
        held = self.positions.get(order.symbol, D(0))
        if order.reduce_only and order.futures:
            quantity = min(quantity, max(D(0), -held if order.buy else held))
            if not quantity:
                order.status = "EXPIRED"
                return
        money = quantity * at
        currency, fee = self._fee(order, base, quantity, money)
        order.trades.append(
            answers.trade(order, 1 + sum(len(o.trades) for o in self.orders), quantity, at, fee, currency)
        )
        order.status = "FILLED" if order.done >= order.quantity else "PARTIALLY_FILLED"
        sign = 1 if order.buy else -1
        self.balances["USDT"] -= D(0) if order.futures else sign * money
        self.balances[currency] = self.balances.get(currency, D(0)) - fee
        if order.futures:
            self.positions[order.symbol] = held + sign * quantity
        else:
            self.balances[base] = self.balances.get(base, D(0)) + sign * quantity

    def _fee(self, order: Resting, base: str, quantity: Decimal, money: Decimal) -> tuple[str, Decimal]:
        if self.fee_in == "quote" or order.futures:
            return "USDT", money * self.rate
        if self.fee_in == "base":
            return (base, quantity * self.rate) if order.buy else ("USDT", money * self.rate)
        worth = self.prices.get(f"{self.fee_in}USDT", D(1))
        return self.fee_in, (money * self.rate / worth).quantize(D("0.00000001"))
