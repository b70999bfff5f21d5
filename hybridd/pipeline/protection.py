"""What should wait at a broker to protect a trade, in the market's own steps, and how far the trade has come."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from msgspec import structs

from hybridd.brokers.protocol import Broker
from hybridd.model.order import Leg, MarketRules, Order, OrderKind, OrderState
from hybridd.model.trade import Side, Trade
from hybridd.store.orders import WAITING, Kept
from hybridd.store.store import Store
from hybridd.trading.ledger import held_of
from hybridd.trading.position import exact
from hybridd.trading.protect import Want, wanted

BY_HAND = "not by hybridd"
"""How the detail of an order begins that somebody else took back: it is not placed anew at the same price."""
REFUSED_MS = 600_000
LONGEST_REFUSED_MS = 21_600_000
"""What a broker refused is asked for again after ten minutes, then after twenty, and at last every six hours."""


def wants_of(store: Store, broker: Broker, trade: Trade, now: int) -> tuple[Want, ...]:
    """The orders that `trade` should have at `broker` now; raises BrokerError where its market is not known."""
    rules, both = broker.rules(trade.symbol), broker.holds_both(trade.symbol)
    price = next((a.price for a in store.analyses.latest() if a.symbol == trade.symbol), None)
    orders = store.orders.of_trade(trade.id)

    def free(price: float | None) -> tuple[Want, ...]:
        found = fitting(wanted(trade, holds_both=both, price=price), held_of(trade), rules)
        return tuple(want for want in found if want.quantity > 0 and not _held_back(orders, want, now))

    # Where the exit at a target was refused a moment ago, the stop must not stand back for it.
    return free(price) or free(None)


def fitting(wants: Sequence[Want], held: Decimal, rules: MarketRules) -> tuple[Want, ...]:
    """Prices and amounts in the market's steps; the targets' amounts add up to no more and no less than they should."""
    fitted, asked, given = [], Decimal(0), Decimal(0)
    for want in wants:
        price = None if want.price is None else in_steps(want.price, rules)
        if want.leg is Leg.TARGET:
            asked += want.quantity
            quantity = whole(min(asked, held), rules.lot) - given
            given += quantity
        else:
            quantity = whole(want.quantity, rules.lot)
        fitted.append(replace(want, price=price, quantity=quantity))
    return tuple(fitted)


def in_steps(price: Decimal, rules: MarketRules) -> Decimal:
    """The nearest price that the market takes."""
    return (price / rules.tick).to_integral_value() * rules.tick


def whole(quantity: Decimal, lot: Decimal) -> Decimal:
    """Rounded down to whole lots."""
    return (quantity / lot).to_integral_value(ROUND_FLOOR) * lot


def too_small(quantity: Decimal, price: Decimal | None, rules: MarketRules) -> str:
    """Why a market would not take so little, "" where it does."""
    if quantity <= 0 or quantity < rules.least_quantity:
        least = max(rules.least_quantity, rules.lot)
        return f"{quantity.normalize():f} is less than the least that can be traded ({least.normalize():f})"
    if price is not None and quantity * price < rules.least_money:
        worth = f"{(quantity * price).quantize(Decimal('0.01'))}"
        return f"it is worth {worth}, less than the least that can be traded ({rules.least_money.normalize():f})"
    return ""


def matches(order: Order, want: Want) -> bool:
    """Whether an order is the one that is wanted."""
    same = order.leg is want.leg and order.kind is want.kind and order.price == want.price
    # A target that is partly filled keeps its place in the book; a stop must be as large as what it protects.
    return same and (want.leg is not Leg.STOP or order.quantity == want.quantity)


def skipped_target(store: Store, broker: Broker, trade: Trade, rules: MarketRules) -> bool:
    """Whether the next target has been reached with a share that is too small to be sold by itself.

    It then waits for the next one; only where the broker holds no targets, the others are orders that lie there.
    """
    ahead = trade.targets[trade.reached :]
    price = next((a.price for a in store.analyses.latest() if a.symbol == trade.symbol), None)
    if broker.holds_both(trade.symbol) or len(ahead) < 2 or price is None:
        return False
    wants = fitting(wanted(trade, holds_both=False, price=price), held_of(trade), rules)
    target = next((want for want in wants if want.leg is Leg.TARGET), None)
    return target is not None and bool(too_small(target.quantity, exact(price), rules))


def reached(trade: Trade, order: Order | None, rules: MarketRules, break_even_after: int) -> Trade:
    """The trade after its next target, or after the one that a limit order stood for; the stop may follow."""
    count = trade.reached + 1
    if order is not None and order.kind is OrderKind.LIMIT:
        places = [i for i, t in enumerate(trade.targets) if in_steps(t.price, rules) == order.price]
        count = max([count, *(place + 1 for place in places)])
    stop, ahead = trade.stop_price, trade.targets[count:]
    if break_even_after and count >= break_even_after:
        better = max if trade.side is Side.LONG else min
        stop = trade.entry_price if stop is None else better(stop, trade.entry_price)
    target = float(ahead[0].price) if ahead else None
    return structs.replace(trade, reached=count, stop_price=stop, target_price=target)


def _held_back(orders: Sequence[Kept], want: Want, now: int) -> bool:
    same = [k for k in orders if (k.order.leg, k.order.kind, k.order.price) == (want.leg, want.kind, want.price)]
    if not same or any(kept.order.state in WAITING for kept in same):
        return False
    last = same[-1]
    if last.order.state is OrderState.CANCELLED:
        return last.detail.startswith(BY_HAND)
    refused = sum(kept.order.state is OrderState.REJECTED for kept in same)
    pause = min(REFUSED_MS * refused, LONGEST_REFUSED_MS)
    return last.order.state is OrderState.REJECTED and now - last.created_at < pause
