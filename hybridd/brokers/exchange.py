"""The exchange broker: real orders, spot and perpetuals, through ccxt with the person's keys."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from hybridd.brokers.dialects import Dialect, Market, dialect_of
from hybridd.brokers.fees import Bargain, paid
from hybridd.brokers.line import Line
from hybridd.brokers.refusals import Fault, Meaning
from hybridd.clock import Clock
from hybridd.errors import BrokerError, FeedError
from hybridd.model.order import Fill, Leg, MarketRules, Order, OrderKind, OrderReport, OrderState
from hybridd.model.quote import Quote

T = TypeVar("T")
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
PLAIN_ID = re.compile(r"[A-Za-z0-9]{1,28}")
TRADES, PAGE = 1000, 100
DEPTH = 20
"""Orders asked for on each side; every exchange has books of this depth."""
_STATES = {
    "open": OrderState.OPEN,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "expired": OrderState.CANCELLED,
    "rejected": OrderState.REJECTED,
}
_AFTER = {
    Meaning.NOT_TAKEN: OrderState.NEW,
    Meaning.REFUSED: OrderState.REJECTED,
    Meaning.UNKNOWN: OrderState.REJECTED,
    Meaning.THERE: OrderState.SENT,
    Meaning.UNCLEAR: OrderState.SENT,
}


class ExchangeBroker:
    """Orders at one exchange. `opened(perpetual)` makes a ccxt object with keys, `market_of(symbol)` gives a market.

    `fee_percent` is what a fee counts as that is paid in a coin whose price nobody knows.
    """

    live = True

    def __init__(
        self,
        *,
        name: str,
        opened: Callable[[bool], Any],
        market_of: Callable[[str], Market],
        clock: Clock,
        fee_percent: float,
    ) -> None:
        self.name, self._market_of = name, market_of
        self._fee_percent, self._dialect = Decimal(str(fee_percent)), dialect_of(name)
        self._lines = {
            perpetual: Line(
                opened=lambda perpetual=perpetual: opened(perpetual),  # type: ignore[misc]
                clock=clock,
                dialect=self._dialect,
            )
            for perpetual in (False, True)
        }

    def submit(self, order: Order) -> OrderReport:
        """Send it once; what came of it is asked for later, with its fills."""
        try:
            line, size = self._line(order.symbol), contract_size(self._market(order.symbol))
        except BrokerError as error:
            return _report(order, OrderState.NEW, str(error))
        if why := _unsendable(order, self._dialect) or (
            "" if size else "only perpetuals settled in the quote currency"
        ):
            return _report(order, OrderState.REJECTED, why)
        answer = line.ask(lambda exchange: _create(exchange, order, self._dialect, size))
        if isinstance(answer, Fault):
            return _report(order, _AFTER[answer.meaning], f"{self.name}: {answer.detail}")
        if answer.get("status") == "rejected" or not answer.get("id"):
            return _report(order, OrderState.SENT, f"{self.name} did not say what became of it")
        return OrderReport(client_id=order.client_id, state=OrderState.OPEN, broker_id=str(answer["id"]))

    def find(self, order: Order) -> OrderReport | None:
        """By its client id, with the trades it made; ended only once they add up to what was executed."""
        line = self._line(order.symbol)
        found = line.ask(lambda exchange: _fetch(exchange, order, self._dialect))
        if isinstance(found, Fault):
            if found.meaning is Meaning.UNKNOWN:
                return None
            raise self._down(found)
        state = _STATES.get(str(found.get("status")), OrderState.OPEN)
        executed = _decimal(found.get("filled"))
        fills: tuple[Fill, ...] = ()
        if state is OrderState.FILLED and not executed:
            state = OrderState.OPEN  # it has been triggered, and its order is not there yet
        if executed:
            told = self._asked(line, lambda exchange: _trades(exchange, order.symbol, found, self._dialect))
            fills = tuple(self._fill(order, trade) for trade in told)
            if sum((_decimal(trade["amount"]) for trade in told), Decimal(0)) < executed:
                state = OrderState.OPEN
        detail = f"{found['status']} at {self.name}" if state in {OrderState.CANCELLED, OrderState.REJECTED} else ""
        return OrderReport(
            client_id=order.client_id, state=state, fills=fills, broker_id=str(found["id"]), detail=detail
        )

    def cancel(self, order: Order) -> OrderReport:
        """Take it back, then look at what it has become: it may have been filled just before."""
        line = self._line(order.symbol)
        answer = line.ask(lambda exchange: _cancel(exchange, order, self._dialect))
        over = {Meaning.UNKNOWN, Meaning.REFUSED}
        if isinstance(answer, Fault) and answer.meaning not in over:
            raise self._down(answer)
        report = self.find(order)
        if report is None:
            raise BrokerError(f"{self.name} has never heard of {order.client_id}")
        if report.state is OrderState.OPEN and isinstance(answer, Fault) and answer.meaning is Meaning.REFUSED:
            raise self._down(answer)
        return report

    def rules(self, symbol: str) -> MarketRules:
        """From the exchange's own list of markets, which is read anew each day."""
        line = self._line(symbol)
        if line.pause:
            raise BrokerError(f"{self.name} wants no request for {line.pause:.0f} s")
        market = self._market(symbol)
        precision, limits = market["precision"], market["limits"]
        size = contract_size(market) or Decimal(1)
        least = [_decimal((limits.get(kind) or {}).get("min")) for kind in ("amount", "market")]
        return MarketRules(
            tick=_decimal(precision["price"]),
            lot=_decimal(precision["amount"]) * size,
            least_quantity=max(least) * size,
            least_money=_decimal((limits.get("cost") or {}).get("min")),
        )

    def quote(self, symbol: str, now: int) -> Quote | None:
        """The best of its order book."""
        line = self._line(symbol)
        book = self._asked(line, lambda exchange: exchange.fetch_order_book(symbol, DEPTH))
        best = [_decimal(orders[0][0]) for side in ("bids", "asks") if (orders := book.get(side))]
        if len(best) < 2 or not 0 < best[0] <= best[1]:
            raise BrokerError(f"{self.name} has no quote of {symbol}")
        return Quote(symbol=symbol, bid=best[0], ask=best[1], at=now)

    def holds_both(self, symbol: str) -> bool:
        """On spot a stop locks what a target would sell; of a perpetual both may wait, as they can only reduce."""
        return _is_perpetual(symbol)

    def held(self, symbol: str) -> Decimal | None:
        """Spot: what there is of the base currency, free or locked; a perpetual: the position."""
        line = self._line(symbol)
        if _is_perpetual(symbol):
            market = self._market(symbol)
            held = self._asked(line, lambda exchange: self._dialect.position(exchange, market))
            return held * (contract_size(market) or Decimal(1))
        base = str(self._market(symbol)["base"])
        balance = self._asked(line, lambda exchange: exchange.fetch_balance())
        return _decimal((balance.get(base) or {}).get("total"))

    def close(self) -> None:
        """Let go of the connections."""
        for line in self._lines.values():
            line.close()

    def _line(self, symbol: str) -> Line:
        line = self._lines[_is_perpetual(symbol)]
        line.use(self._market(symbol))
        return line

    def _market(self, symbol: str) -> Market:
        try:
            return self._market_of(symbol)
        except FeedError as error:
            raise BrokerError(error.message, remedy=error.remedy) from None

    def _asked(self, line: Line, question: Callable[[Any], T]) -> T:
        answer = line.ask(question)
        if isinstance(answer, Fault):
            raise self._down(answer)
        return answer

    def _down(self, fault: Fault) -> BrokerError:
        return BrokerError(f"{self.name} cannot be asked about orders: {fault.detail}")

    def _fill(self, order: Order, trade: Mapping[str, Any]) -> Fill:
        market, fee = self._market(order.symbol), trade.get("fee") or {}
        bargain = Bargain(
            base=market["base"],
            quote=market.get("settle") or market["quote"],
            spot=not _is_perpetual(order.symbol),
            buy=order.buy,
            quantity=_decimal(trade["amount"]) * (contract_size(market) or Decimal(1)),
            price=_decimal(trade["price"]),
            cost=_decimal(fee.get("cost")),
            currency=str(fee.get("currency") or ""),
        )
        after = paid(bargain, self._worth, self._fee_percent)
        return Fill(
            id=f"{self.name}:{market['id']}:{trade['id']}",
            at=int(trade["timestamp"]),
            buy=order.buy,
            quantity=after.quantity,
            price=bargain.price,
            fee=after.fee,
            leg=order.leg,
        )

    def _worth(self, currency: str, quote: str) -> Decimal | None:
        symbol = f"{currency}/{quote}"
        try:
            line = self._line(symbol)
        except BrokerError:
            return None
        answer = line.ask(lambda exchange: exchange.fetch_ticker(symbol))
        return None if isinstance(answer, Fault) else _decimal(answer.get("last")) or None


def contract_size(market: Market) -> Decimal | None:
    """How much of the base currency one contract is, 1 on spot; None where it is an amount of money instead."""
    if not market.get("contract") and not market.get("swap"):
        return Decimal(1)
    return None if market.get("inverse") else _decimal(market.get("contractSize") or 1)


def _unsendable(order: Order, dialect: Dialect) -> str:
    """Why an order must not be sent by anybody, whatever asked for it; "" where it may."""
    if not CLIENT_ID.fullmatch(order.client_id):
        return f'"{order.client_id}" is no client id: at most 36 letters, digits and . : / _ -'
    if dialect.plain_names and not PLAIN_ID.fullmatch(dialect.name(order.client_id)):
        return f'"{order.client_id}" is no client id there: at most 28 letters and digits'
    if order.leg is Leg.ENTRY and not order.buy and not _is_perpetual(order.symbol):
        return "on spot nothing can be sold short: it would be your own coins"
    return ""


def _create(exchange: Any, order: Order, dialect: Dialect, size: Decimal | None) -> dict[str, Any]:  # noqa: ANN401
    name = dialect.name(order.client_id)
    params: dict[str, object] = {"clientOrderId": name}
    price = None if order.price is None else f"{order.price:f}"
    if order.kind is OrderKind.STOP:
        params["stopLossPrice"], price = price, None
        params |= {dialect.stop_name: name} if dialect.stop_name else {}
        params |= {} if _is_perpetual(order.symbol) else dialect.spot_stop
    amount = f"{order.quantity / (size or 1):f}"
    if order.reduce_only and _is_perpetual(order.symbol):
        params["reduceOnly"] = True
    kind = "limit" if order.kind is OrderKind.LIMIT else "market"
    side = "buy" if order.buy else "sell"
    answer: dict[str, Any] = exchange.create_order(order.symbol, kind, side, amount, price, params)
    return answer


def _fetch(exchange: Any, order: Order, dialect: Dialect) -> dict[str, Any]:  # noqa: ANN401
    found: dict[str, Any] = exchange.fetch_order(dialect.name(order.client_id), order.symbol, _by(order, dialect))
    # A stop that waits beside the book becomes an order of its own once it is triggered.
    actual = str(found["info"].get(dialect.became) or "") if _waits_aside(order, dialect) else ""
    if not actual.strip("0"):
        return found
    became: dict[str, Any] = exchange.fetch_order(actual, order.symbol)
    return became


def _cancel(exchange: Any, order: Order, dialect: Dialect) -> object:  # noqa: ANN401
    return exchange.cancel_order(dialect.name(order.client_id), order.symbol, _by(order, dialect))


def _trades(exchange: Any, symbol: str, found: Mapping[str, Any], dialect: Dialect) -> list[dict[str, Any]]:  # noqa: ANN401
    by = {dialect.trades_by: found["id"]} if dialect.trades_by else {}
    made: list[dict[str, Any]] = exchange.fetch_my_trades(symbol, None, TRADES if dialect.own_codes else PAGE, by)
    return [trade for trade in made if str(trade.get("order")) == str(found["id"])]


def _by(order: Order, dialect: Dialect) -> dict[str, object]:
    by: dict[str, object] = {"clientOrderId": dialect.name(order.client_id)}
    return by | {"trigger": True} if _waits_aside(order, dialect) else by


def _waits_aside(order: Order, dialect: Dialect) -> bool:
    return order.kind is OrderKind.STOP and _is_perpetual(order.symbol) in dialect.aside


def _is_perpetual(symbol: str) -> bool:
    return ":" in symbol


def _decimal(value: object) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _report(order: Order, state: OrderState, detail: str) -> OrderReport:
    return OrderReport(client_id=order.client_id, state=state, detail=detail)
