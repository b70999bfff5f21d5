"""The broker protocol: one way to have an order carried out. A broker file holds only what differs.

Writing down before sending, asking instead of repeating, the ledger and the limits live once, in pipeline/trade.py.
"""

from decimal import Decimal
from typing import Protocol

from hybridd.model.order import MarketRules, Order, OrderReport
from hybridd.model.quote import Quote


class Broker(Protocol):
    """Carries out orders. `live`: with real money."""

    name: str
    live: bool

    def submit(self, order: Order) -> OrderReport:
        """Hand in an order once, within the broker's time-outs; never raises for what network or exchange do.

        A report of SENT means that nobody knows whether it has arrived: it is asked for with `find`, never sent again.
        One of NEW means that it certainly was not taken, for a reason that passes.
        """
        ...

    def find(self, order: Order) -> OrderReport | None:
        """What the broker knows of an order by its client id, None if it has never heard of it.

        An order is reported as ended only with all of its fills. Raises BrokerError where the broker cannot be asked
        now.
        """
        ...

    def cancel(self, order: Order) -> OrderReport:
        """Take an open order back; the report says what it is then, which may be FILLED. Raises BrokerError."""
        ...

    def rules(self, symbol: str) -> MarketRules:
        """Steps and minima of a market; raises BrokerError where they cannot be had, or nothing can be sent, now."""
        ...

    def quote(self, symbol: str, now: int) -> Quote | None:
        """What is bid and asked there at `now` (ms UTC), None where there is no book; raises BrokerError."""
        ...

    def holds_both(self, symbol: str) -> bool:
        """Whether it takes a stop and targets for the same position of this market."""
        ...

    def held(self, symbol: str) -> Decimal | None:
        """What the account really holds of a market, below 0 for what it owes; None where nobody else could change it.

        Raises BrokerError.
        """
        ...

    def close(self) -> None:
        """Let go of connections; safe to call twice."""
        ...
