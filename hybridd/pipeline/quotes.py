"""Quotes: while something waits for an answer, what it would cost now is asked for every few seconds and kept.

Whoever answers, in whatever process, is answered by the state: a process without a network has today's price too.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal

from hybridd.clock import Clock
from hybridd.errors import FeedError
from hybridd.model.proposal import Proposal
from hybridd.model.quote import Quote
from hybridd.store.store import Store
from hybridd.trading.position import exact

log = logging.getLogger("hybridd.quotes")

EVERY_S = 3.0
FRESH_MS = 30_000
"""An older one says nothing: the newest candle does, with its own age."""
_KEY = "quote:"


class Quotes:
    """The job. `ask` gives a market's quote or raises FeedError; without open proposals nobody is asked."""

    def __init__(self, *, store: Store, ask: Callable[[str, int], Quote], clock: Clock) -> None:
        self._store, self._ask, self._clock = store, ask, clock

    def turn(self) -> None:
        """Ask for each market with an open proposal."""
        now = self._clock.now()
        for symbol in sorted({p.symbol for p in self._store.proposals.open_ones() if now < p.expires_at}):
            try:
                quote = self._ask(symbol, self._clock.now())
            except FeedError as error:
                log.info("no quote of %s: %s", symbol, error)
                continue
            keep_quote(self._store, quote)


def keep_quote(store: Store, quote: Quote) -> None:
    """Keep it in place of the one before."""
    facts = {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(quote).items()}
    store.bot_state.set(_KEY + quote.symbol, facts)


def fresh_quote(store: Store, symbol: str, now: int) -> Quote | None:
    """The quote of a market, None where there is none of the last half minute."""
    kept = store.bot_state.get(_KEY + symbol)
    if not isinstance(kept, Mapping) or not 0 <= now - int(kept["at"]) <= FRESH_MS:
        return None
    return Quote(symbol=symbol, bid=Decimal(kept["bid"]), ask=Decimal(kept["ask"]), at=int(kept["at"]))


def price_now(store: Store, proposal: Proposal, now: int) -> tuple[Decimal | None, int]:
    """What a proposal's entry would cost now, and when that was known (ms UTC): a quote, else the newest candle."""
    if quote := fresh_quote(store, proposal.symbol, now):
        return quote.entry_price(proposal.side), quote.at
    last = store.analyses.last(proposal.symbol, proposal.timeframe)
    if last is None or not last.price > 0:
        return None, 0
    return exact(last.price), last.candle_close
