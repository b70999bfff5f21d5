"""What fills amount to: a position, what it cost, and what it has earned; exact, however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal

from hybridd.errors import DataError
from hybridd.model.order import Fill
from hybridd.model.trade import Side

# Prices and amounts have at most some thirty digits each: with this many no sum or product is ever rounded.
EXACT = Context(prec=120)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Sums over the fills of one trade: quantities in the base currency, money in the quote currency.

    `entered` and `left` are what was bought to open and sold to close (or the reverse, for a SHORT), `cost` and
    `proceeds` the money of each, `fees` of both.
    """

    side: Side
    entered: Decimal = ZERO
    left: Decimal = ZERO
    cost: Decimal = ZERO
    proceeds: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def quantity(self) -> Decimal:
        """What is still held."""
        return EXACT.subtract(self.entered, self.left)

    @property
    def share(self) -> Decimal:
        """What is still held, as a share (0–1) of what was entered; 0 before any entry."""
        return EXACT.divide(self.quantity, self.entered) if self.entered else ZERO

    @property
    def entry_price(self) -> Decimal:
        """The average price of the entries; raises DataError before there is one."""
        if not self.entered:
            raise DataError("a position without an entry has no price", remedy="record the entry first")
        return EXACT.divide(self.cost, self.entered)

    @property
    def exit_price(self) -> Decimal | None:
        """The average price of the exits, None before there is one."""
        return EXACT.divide(self.proceeds, self.left) if self.left else None

    @property
    def realised(self) -> Decimal:
        """What the exits have earned at the average entry price, net of every fee paid so far.

        Of a position that is closed this is its cash difference to the last digit.
        """
        # The cost of what has left, as cost · left / entered: multiplied first, a whole exit costs exactly the cost.
        gone = EXACT.divide(EXACT.multiply(self.cost, self.left), self.entered) if self.entered else ZERO
        return EXACT.subtract(_signed(self.side, EXACT.subtract(self.proceeds, gone)), self.fees)

    @property
    def cash(self) -> Decimal:
        """All money that came in minus all that went out, fees included."""
        return EXACT.subtract(_signed(self.side, EXACT.subtract(self.proceeds, self.cost)), self.fees)

    def unrealised(self, price: Decimal) -> Decimal:
        """What is still held would earn at `price`, before the fee of leaving."""
        held = EXACT.multiply(self.quantity, EXACT.subtract(price, self.entry_price))
        return _signed(self.side, held)

    def percent(self, money: Decimal) -> Decimal:
        """`money` in percent of what was paid at the entries."""
        return EXACT.divide(EXACT.multiply(money, Decimal(100)), self.cost)


def position(side: Side, fills: Iterable[Fill]) -> Position:
    """The position that `fills`, in any order, make of a trade on `side`.

    Raises DataError for amounts and prices that are none, and where more left than was entered.
    """
    entered = left = cost = proceeds = fees = ZERO
    for fill in fills:
        _check(fill)
        money = EXACT.multiply(fill.quantity, fill.price)
        fees = EXACT.add(fees, fill.fee)
        if fill.buy is (side is Side.LONG):
            entered, cost = EXACT.add(entered, fill.quantity), EXACT.add(cost, money)
        else:
            left, proceeds = EXACT.add(left, fill.quantity), EXACT.add(proceeds, money)
    if left > entered:
        raise DataError(f"{left} left a position of {entered}", remedy="a trade closes what it holds, no more")
    return Position(side=side, entered=entered, left=left, cost=cost, proceeds=proceeds, fees=fees)


def exact(number: float | str | Decimal) -> Decimal:
    """A number as it is written: 0.1 is one tenth, not the nearest binary fraction. Raises DataError for none."""
    try:
        found = number if isinstance(number, Decimal) else Decimal(str(number))
    except ArithmeticError:
        raise DataError(f'"{number}" is not a number', remedy="write it like 45250.50") from None
    if not found.is_finite():
        raise DataError(f"{number} is not a number", remedy="write it like 45250.50")
    return found


def _signed(side: Side, money: Decimal) -> Decimal:
    return money if side is Side.LONG else EXACT.minus(money)


def _check(fill: Fill) -> None:
    for what, value, least in (
        ("quantity", fill.quantity, True),
        ("price", fill.price, True),
        ("fee", fill.fee, False),
    ):
        if not value.is_finite() or (least and value <= 0):
            raise DataError(f"the {what} of fill {fill.id} is {value}", remedy="give a number above 0")
