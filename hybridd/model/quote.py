"""A quote: what buyers bid and sellers ask for a market at one moment."""

from dataclasses import dataclass
from decimal import Decimal

from hybridd.model.trade import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best prices of an order book, in the quote currency; `at` in ms UTC."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: int

    @property
    def spread_percent(self) -> float:
        """How far both stand apart, in percent of their middle."""
        return float((self.ask - self.bid) / (self.ask + self.bid) * 200)

    def entry_price(self, side: Side) -> Decimal:
        """What an entry at market would be filled at first."""
        return self.ask if side is Side.LONG else self.bid
