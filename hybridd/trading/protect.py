"""Which orders an open trade should have at its broker: its stop, its targets, or an exit where one was reached."""

from dataclasses import dataclass
from decimal import Decimal

from hybridd.model.order import Leg, OrderKind
from hybridd.model.trade import Trade, TradeState
from hybridd.trading.ledger import held_of, size_of
from hybridd.trading.position import EXACT, exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """An order that should be there. `price` None at market."""

    leg: Leg
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None


def wanted(trade: Trade, *, holds_both: bool, price: float | None) -> tuple[Want, ...]:
    """The orders that protect what is left of `trade`; none of a closed one, and of one whose size nobody knows.

    Where a broker cannot hold a stop and targets for the same position, it holds the stop, and a target that `price`
    (the newest) has reached is an exit at market, the stop standing back for it.
    """
    if trade.state is TradeState.CLOSED or not trade.quantity:
        return ()
    held = held_of(trade)
    ahead = trade.targets[trade.reached :]
    if holds_both:
        return (*_stop(trade, held), *(_target(trade, held, number) for number in range(len(ahead))))
    if ahead and price is not None and trade.side.sign * (exact(price) - ahead[0].price) >= 0:
        return (Want(leg=Leg.TARGET, kind=OrderKind.MARKET, quantity=_part(trade, held, 0), price=None),)
    return _stop(trade, held)


def _stop(trade: Trade, held: Decimal) -> tuple[Want, ...]:
    if trade.stop_price is None:
        return ()
    return (Want(leg=Leg.STOP, kind=OrderKind.STOP, quantity=held, price=exact(trade.stop_price)),)


def _target(trade: Trade, held: Decimal, number: int) -> Want:
    target = trade.targets[trade.reached + number]
    return Want(leg=Leg.TARGET, kind=OrderKind.LIMIT, quantity=_part(trade, held, number), price=target.price)


def _part(trade: Trade, held: Decimal, number: int) -> Decimal:
    """What leaves at the target `number` places ahead: its share of the entry, the last one all that is left."""
    ahead = trade.targets[trade.reached :]
    shares = [EXACT.multiply(size_of(trade), target.share) for target in ahead]
    if sum((target.share for target in trade.targets), Decimal(0)) >= 1 and number == len(ahead) - 1:
        return EXACT.subtract(held, sum(shares[:number], Decimal(0)))
    return min(shares[number], held)
