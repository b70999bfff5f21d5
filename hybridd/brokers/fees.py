"""What a fee is worth: exchanges take it in the quote currency, in what was bought, or in a coin of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

Worth = Callable[[str, str], Decimal | None]
"""The price of a currency in another now, None where nobody knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """`quantity`: what was traded, less what the fee took of it; `fee` in the quote currency."""

    quantity: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bargain:
    """One trade as the exchange tells it. `spot`: what is bought is really there, and a fee can be taken from it."""

    base: str
    quote: str
    spot: bool
    buy: bool
    quantity: Decimal
    price: Decimal
    cost: Decimal
    currency: str


def paid(bargain: Bargain, worth: Worth, percent: Decimal) -> Paid:
    """Fee and quantity of a trade, so that money out and coins in are exactly what the account saw.

    A fee in the quote currency is itself. One in the base currency is valued at the trade's own price, and of a spot
    purchase it also makes the quantity smaller: that much less is there to be sold. Any other currency, such as BNB, is
    valued at its newest price; where there is none, the fee counts as `percent` of the money.
    """
    money = bargain.quantity * bargain.price
    if not bargain.cost or bargain.currency == bargain.quote:
        return Paid(quantity=bargain.quantity, fee=bargain.cost)
    if bargain.currency == bargain.base:
        taken = bargain.cost if bargain.spot and bargain.buy else Decimal(0)
        return Paid(quantity=bargain.quantity - taken, fee=bargain.cost * bargain.price)
    each = worth(bargain.currency, bargain.quote)
    return Paid(quantity=bargain.quantity, fee=money * percent / 100 if each is None else bargain.cost * each)
