"""The trade job: looks when something has happened, approves by itself where that was asked for, compares accounts."""

import logging
from collections.abc import Callable

from hybridd.clock import Clock
from hybridd.errors import BrokerError
from hybridd.model.proposal import Proposal, ProposalEvent
from hybridd.model.trade import AUTO
from hybridd.pipeline.decide import Answer, Result, decide
from hybridd.pipeline.trade import Trader
from hybridd.pipeline.trading_rules import TradingRules
from hybridd.store.store import Store

log = logging.getLogger("hybridd.trade")

EVERY_S = 5.0
"""How often a broker is asked while nothing happens here."""
COMPARE_S = 60.0
DOWN_S = 30.0
"""A broker that could not be asked for so long is told of."""


class TradeDesk:
    """What the service runs every second; a turn without news and without work costs one question to the state."""

    def __init__(self, *, store: Store, trader: Trader, rules: TradingRules, clock: Clock) -> None:
        self._store, self._trader, self._rules, self._clock = store, trader, rules, clock
        self._seen, self._asked_at = -1, float("-inf")
        self._compared_at = self._down_since = float("-inf")
        self._tried: set[int] = set()
        self.heard = False
        self.differing: dict[str, str] = {}
        """Markets of which the account holds less than the trades say, with the figures."""

    @property
    def name(self) -> str:
        """The broker's."""
        return self._trader.name

    @property
    def trouble(self) -> str:
        """Why the broker cannot be asked, once that has lasted; "" where it can."""
        since = self._down_since
        lasted = since != float("-inf") and self._clock.monotonic() - since >= DOWN_S
        return self._trader.trouble if lasted else ""

    def turn(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Work if it is time to, or if anything has happened; whether it did."""
        now, newest = self._clock.monotonic(), self._store.events.last_id()
        if stopping() or (newest == self._seen and now - self._asked_at < EVERY_S):
            return False
        self._seen, self._asked_at = newest, now
        if self._rules.auto:
            self._approve()
        if now - self._compared_at >= COMPARE_S:
            self._compared_at = now
            self._compare()
        self._trader.round()
        self._note(now)
        return True

    def close(self) -> None:
        """Let go of the broker."""
        self._trader.close()

    def _approve(self) -> None:
        """Say yes to what is open, with all checks of a yes. What does not pass them is left to the person."""
        for proposal in self._store.proposals.open_ones():
            # A proposal that is asked again at another price goes out with the same alert: that one is the person's.
            if _news(proposal) in self._tried:
                continue
            self._tried.add(_news(proposal))
            answer = Answer(
                proposal_id=proposal.id,
                event=ProposalEvent.APPROVE,
                actor=AUTO,
                channel=AUTO,
                reason="trading.auto is on",
                shown=proposal.content_hash,
            )
            answered = decide(self._store, answer, self._rules, self._clock.now())
            if answered.renewed is not None:
                self._tried.add(_news(answered.renewed))
            if answered.result is not Result.DONE:
                why = answered.why or "; ".join(one.detail for one in answered.objections)
                log.warning("proposal %d is not taken by itself: %s", proposal.id, why or answered.result)

    def _compare(self) -> None:
        try:
            self.differing = self._trader.differences()
        except BrokerError as error:
            log.warning("%s: accounts were not compared: %s", self.name, error)
            return
        self._trader.unguarded = frozenset(self.differing)

    def _note(self, now: float) -> None:
        if not self._trader.trouble:
            self._down_since, self.heard = float("-inf"), True
        elif self._down_since == float("-inf"):
            self._down_since = now
        self.heard = self.heard or bool(self.trouble)


def _news(proposal: Proposal) -> int:
    """What a proposal was made for: its alert, or itself where it has none."""
    return proposal.alert_id or -proposal.id
