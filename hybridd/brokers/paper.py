"""The paper broker: orders are filled by candles that really came, with fee and slippage, and with no money."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from hybridd.clock import Clock
from hybridd.model.order import Fill, MarketRules, Order, OrderKind, OrderReport, OrderState

Candle = tuple[int, float, float, float]
"""Open time (ms UTC), open, high, low."""
CandlesSince = Callable[[str, int], Sequence[Candle]]
RULES = MarketRules(tick=Decimal("0.00000001"), lot=Decimal("0.00000001"))


class PaperBroker:
    """Fills at the first candle that opens after the order was made, and keeps nothing: the candles are its memory.

    A market order is filled at that candle's open; a limit order where a candle reaches its price; a stop where one
    reaches its trigger. What a candle opened beyond is filled at its open. Market and stop orders pay
    `slippage_percent` on top, every order `fee_percent` of its money. `candles_since` gives a symbol's closed candles
    from an instant on, `made_at` when an order was made (ms UTC), `left_of` how much of its position an order could
    still close: what only reduces ends with its position.
    """

    name = "paper"
    live = False

    def __init__(
        self,
        *,
        candles_since: CandlesSince,
        clock: Clock,
        fee_percent: float,
        slippage_percent: float,
        made_at: Callable[[Order], int],
        left_of: Callable[[Order], Decimal] = lambda order: order.quantity,
    ) -> None:
        self._candles_since, self._clock, self._made_at, self._left_of = candles_since, clock, made_at, left_of
        self._fee, self._slippage = Decimal(str(fee_percent)), Decimal(str(slippage_percent))

    def submit(self, order: Order) -> OrderReport:
        """Taken; filled later, by candles."""
        return OrderReport(client_id=order.client_id, state=OrderState.OPEN, broker_id=f"paper:{order.client_id}")

    def find(self, order: Order) -> OrderReport | None:
        """Open, or filled by the first candle since it was made that reaches it."""
        report = self.submit(order)
        if order.state in {OrderState.CANCELLED, OrderState.REJECTED}:
            return replace(report, state=order.state)
        if order.reduce_only and self._left_of(order) <= 0:
            return replace(report, state=OrderState.CANCELLED, detail="its position is closed")
        for candle in self._candles_since(order.symbol, self._made_at(order)):
            if fill := self._filled(order, candle):
                return replace(report, state=OrderState.FILLED, fills=(fill,))
        return report

    def cancel(self, order: Order) -> OrderReport:
        """Taken back, unless a candle was quicker."""
        report = self.find(order)
        assert report is not None, "a paper order is always known"
        return report if report.state is not OrderState.OPEN else replace(report, state=OrderState.CANCELLED)

    def rules(self, symbol: str) -> MarketRules:  # noqa: ARG002 - the protocol's shape
        """Nobody's: any amount of any price."""
        return RULES

    def quote(self, symbol: str, now: int) -> None:  # noqa: ARG002 - the protocol's shape
        """There is no book: the next candle fills."""
        return

    def holds_both(self, symbol: str) -> bool:  # noqa: ARG002 - the protocol's shape
        """Yes: there is nothing to lock."""
        return True

    def held(self, symbol: str) -> None:  # noqa: ARG002 - the protocol's shape
        """The ledger alone says it."""
        return

    def close(self) -> None:
        """Holds nothing."""

    def _filled(self, order: Order, candle: Candle) -> Fill | None:
        at, *prices = candle
        first, high, low = (Decimal(str(price)) for price in prices)
        price = _price(order, first, high, low)
        if price is None:
            return None
        if order.kind is not OrderKind.LIMIT:
            price = price * (1 + (self._slippage if order.buy else -self._slippage) / 100)
        price = price.quantize(RULES.tick, rounding=ROUND_DOWN)
        name, size = f"{order.client_id}:1", min(order.quantity, self._left_of(order))
        fee = size * price * self._fee / 100
        return Fill(id=name, at=at, buy=order.buy, quantity=size, price=price, fee=fee, leg=order.leg)


def _price(order: Order, first: Decimal, high: Decimal, low: Decimal) -> Decimal | None:
    """Where a candle fills an order, None where it does not reach it."""
    if order.kind is OrderKind.MARKET or order.price is None:
        return first
    # A stop to buy and a limit to sell wait for a higher price, the others for a lower one.
    upward = order.buy is (order.kind is OrderKind.STOP)
    if upward:
        return max(first, order.price) if high >= order.price else None
    return min(first, order.price) if low <= order.price else None
