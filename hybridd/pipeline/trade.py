"""Trade: approved proposals become orders, orders become fills, fills become trades; nothing is ever sent twice.

An order is written down before it is sent and marked as sent before the broker hears of it. What became of one that was
sent is asked for by its client id, never found out by sending it again. All fills are booked by their own ids, once.
"""

import logging
from collections.abc import Callable
from decimal import Decimal

from hybridd.brokers.protocol import Broker
from hybridd.clock import Clock
from hybridd.decisions.answers import AnswerRules
from hybridd.errors import BrokerError
from hybridd.model.change import Reason
from hybridd.model.order import Leg, MarketRules, Order, OrderEvent, OrderReport, OrderState
from hybridd.model.trade import AUTO, BY_ITSELF, Trade, TradeState
from hybridd.pipeline.entering import forbidden, moved_away
from hybridd.pipeline.fills import Tell, book, write_off
from hybridd.pipeline.orders import order_facts, order_for, order_words
from hybridd.pipeline.protection import BY_HAND, matches, reached, skipped_target, too_small, wants_of, whole
from hybridd.pipeline.standing import pause_of
from hybridd.store.orders import WAITING, Kept
from hybridd.store.store import Store
from hybridd.trading.ledger import held_of
from hybridd.trading.risk import Pause

log = logging.getLogger("hybridd.trade")

UNHEARD_MS = 60_000
"""How long a broker that has never heard of an order is asked again before that is believed."""
PATIENCE = 3
"""Questions that may fail in a round: a broker that is down is not asked about every order."""
WITHDRAWN = "taken back by hybridd"
_EVENTS = {
    OrderState.OPEN: OrderEvent.ACCEPT,
    OrderState.FILLED: OrderEvent.FILL,
    OrderState.CANCELLED: OrderEvent.CANCEL,
    OrderState.REJECTED: OrderEvent.REJECT,
}


class Trader:
    """Works one broker: sends what is written down, asks after what was sent, keeps each trade protected."""

    def __init__(
        self, *, store: Store, broker: Broker, clock: Clock, tell: Tell, fee_percent: float, break_even_after: int = 1,
        rules: AnswerRules | None = None,
    ) -> None:  # fmt: skip
        self._store, self._broker, self._clock, self._tell = store, broker, clock, tell
        self._rules = rules or AnswerRules()
        self._fee_percent, self._break_even_after = fee_percent, break_even_after
        self._failures = 0
        self.trouble = ""
        """Why the broker could not be asked at the last round; "" where it could."""
        self.unguarded: frozenset[str] = frozenset()
        """Markets of which the account holds another amount than the ledger: nothing is placed there any more."""

    @property
    def name(self) -> str:
        """The broker's."""
        return self._broker.name

    def round(self) -> None:
        """One turn over every order whose end is not known and every open trade. Safe to call at any time, again."""
        self.trouble, self._failures = "", 0
        for kept in self._store.orders.waiting(self.name):
            self._guarded(self._work, kept)
        if pause_of(self._store) is Pause.KILLED:
            return  # nothing is sent any more, and what protects a trade stays where it is
        for trade in self._store.trades.open_trades():
            if trade.broker == self.name and trade.symbol not in self.unguarded:
                self._guarded(self._protect, trade)
        for kept in self._store.orders.waiting(self.name):
            if self._needless(kept):
                self._guarded(self._take_back, kept)
            elif kept.order.state is OrderState.NEW and not kept.sent_at:
                self._guarded(self._work, kept)

    def differences(self) -> dict[str, str]:
        """Markets of which the account holds less than the open trades say, with the figures; raises BrokerError.

        Somebody sold or bought by hand. Trades with an order on its way in or out are left to the next comparison.
        """
        moving = {Leg.ENTRY, Leg.EXIT}
        symbols: dict[str, Decimal] = {}
        for trade in self._store.trades.open_trades():
            if trade.broker == self.name and trade.quantity:
                symbols[trade.symbol] = symbols.get(trade.symbol, Decimal(0)) + trade.side.sign * held_of(trade)
        busy = {kept.order.symbol for kept in self._store.orders.waiting(self.name) if kept.order.leg in moving}
        found = {}
        for symbol, expected in symbols.items():
            held = None if symbol in busy else self._broker.held(symbol)
            step = self._broker.rules(symbol).lot
            sign = 1 if expected >= 0 else -1
            if held is not None and sign * held + step <= abs(expected):
                found[symbol] = f"the account holds {held.normalize():f}, the open trades say {expected.normalize():f}"
        return found

    def close(self) -> None:
        """Let go of the broker."""
        self._broker.close()

    def _guarded(self, step: Callable[..., None], thing: Kept | Trade) -> None:
        if self._failures >= PATIENCE:
            return
        try:
            step(thing)
        except BrokerError as error:
            self._failures += 1
            self.trouble = str(error)
            log.warning("%s: %s", self.name, error)

    def _work(self, kept: Kept) -> None:
        order = kept.order
        if order.state is OrderState.NEW:
            self._send(kept)
            return
        report = self._broker.find(order)
        if report is not None:
            self._apply(order, report, ours=kept.detail == WITHDRAWN)
        elif self._clock.now() - kept.sent_at >= UNHEARD_MS:
            self._unheard(order)

    def _send(self, kept: Kept) -> None:
        order, now = kept.order, self._clock.now()
        if why := forbidden(self._store, self._broker, kept, now):
            if not order.reduce_only:
                self._give_up(order, OrderEvent.CANCEL, why, now)
            return
        if self._needless(kept):
            self._take_back(kept)
            return
        if order.leg in {Leg.STOP, Leg.TARGET} and order.symbol in self.unguarded:
            return
        rules = self._broker.rules(order.symbol)
        if not self._has_room(order):
            return
        if why := moved_away(self._store, self._broker, kept, self._rules, now):
            self._give_up(order, OrderEvent.CANCEL, why, now)
            return
        with self._store.transaction():
            known = self._store.orders.get(order.client_id)
            if known is None or known.order.state is not OrderState.NEW:
                return
            quantity = self._sendable(order, rules)
            if why := self._refusal(order, quantity, rules):
                self._give_up(order, OrderEvent.REJECT, why, now)
                return
            self._store.orders.resize(order.client_id, quantity)
            sent = self._store.orders.advance(order.client_id, OrderEvent.SEND, now=now)
            self._store.audit.append("hybridd", "order sent", order.client_id, order_facts(sent), now)
        # From here on it may have arrived, whatever happens to this process.
        report = self._broker.submit(sent)
        if report.state is OrderState.NEW:
            self._returned(sent, report.detail, again=kept.sent_at > 0)
        else:
            self._apply(sent, report)

    def _has_room(self, order: Order) -> bool:
        """What an exit would collide with goes first: an entry that still grows, a stop that locks what it sells."""
        if order.leg is not Leg.EXIT:
            return True
        goes = {Leg.ENTRY} if self._broker.holds_both(order.symbol) else {Leg.ENTRY, Leg.STOP, Leg.TARGET}
        for kept in self._waiting_of(order.trade_id):
            if kept.order.leg in goes:
                self._take_back(kept)
        return not any(kept.order.leg in goes for kept in self._waiting_of(order.trade_id))

    def _sendable(self, order: Order, rules: MarketRules) -> Decimal:
        """The amount in whole lots; of what closes a trade no more than it holds now, and of an exit exactly that."""
        trade = self._store.trades.get(order.trade_id) if order.leg is not Leg.ENTRY else None
        if trade is None:
            return whole(order.quantity, rules.lot)
        held = held_of(trade)
        return whole(held if order.leg is Leg.EXIT else min(order.quantity, held), rules.lot)

    def _refusal(self, order: Order, quantity: Decimal, rules: MarketRules) -> str:
        proposal = self._store.proposals.get(order.proposal_id) if order.leg is Leg.ENTRY else None
        if proposal is not None:
            return too_small(quantity, proposal.price, rules)
        return "" if quantity > 0 else "less than one step of the market is left"

    def _returned(self, order: Order, detail: str, *, again: bool) -> None:
        """It was certainly not taken: once more at the next round, by the same client id; what closes, until it is."""
        now = self._clock.now()
        self.trouble = detail
        with self._store.transaction():
            if again and order.leg is Leg.ENTRY:
                self._give_up(order, OrderEvent.REJECT, f"{detail} (tried twice)", now)
            else:
                self._end(order, OrderEvent.RETURN, detail, now)

    def _apply(self, order: Order, report: OrderReport, *, ours: bool = False) -> None:
        """Book what is new in a report: fills, then the state; all of it in one transaction."""
        now = self._clock.now()
        rules = self._broker.rules(order.symbol) if order.leg is Leg.TARGET else None
        with self._store.transaction():
            for fill in report.fills:
                order = book(self._store, order, fill, self.name, self._fee_percent, self._tell, now)
            known = self._store.orders.get(order.client_id)
            assert known is not None, "an order is never removed"
            event = _EVENTS.get(report.state)
            if event is None or known.order.state is report.state or known.order.state not in WAITING:
                return
            if event is OrderEvent.REJECT:
                self._give_up(order, event, report.detail, now, report.broker_id)
                return
            stranger = event is OrderEvent.CANCEL and not ours and not self._is_over(order)
            detail = f"{BY_HAND}: {report.detail}" if stranger else report.detail
            self._end(order, event, detail, now, report.broker_id)
            if stranger:
                self._told(Reason.ORDER_CANCELLED, order, f"was taken back, {BY_HAND}")
            if event is OrderEvent.FILL and order.leg is Leg.TARGET and rules is not None:
                self._reached(order, rules)

    def _give_up(self, order: Order, event: OrderEvent, detail: str, now: int, broker_id: str = "") -> None:
        """It was refused, or is not sent any more: told, because somebody waits for it."""
        with self._store.transaction():
            self._end(order, event, detail, now, broker_id)
            what = "was refused" if event is OrderEvent.REJECT else "is not sent"
            self._told(Reason.ORDER_REJECTED, order, f"{what}: {detail}")

    def _end(self, order: Order, event: OrderEvent, detail: str, now: int, broker_id: str = "") -> None:
        moved = self._store.orders.advance(order.client_id, event, now=now, broker_id=broker_id, detail=detail)
        facts = {**order_facts(order), "state": moved.state.value, "detail": detail}
        self._store.audit.append("hybridd", f"order {moved.state}", order.client_id, facts, now)
        self._store.events.append("order", order.symbol, facts, now)

    def _told(self, reason: Reason, order: Order, what: str) -> None:
        decision = self._store.proposals.decision(order.proposal_id) if order.proposal_id else None
        trade = self._store.trades.get(order.trade_id) if order.trade_id else None
        auto = (decision is not None and decision.actor == AUTO) or (trade is not None and trade.auto)
        words = f"{order_words(order)} {what} ({self.name})" + (f", {BY_ITSELF}" if auto else "")
        self._tell(reason, f"order {order.client_id}", words)

    def _reached(self, order: Order | None, rules: MarketRules, trade: Trade | None = None) -> None:
        trade = trade or (self._store.trades.get(order.trade_id) if order else None)
        if trade is not None and trade.state is TradeState.OPEN:
            self._store.trades.update(reached(trade, order, rules, self._break_even_after))

    def _unheard(self, order: Order) -> None:
        now = self._clock.now()
        event = OrderEvent.MISS if order.state is OrderState.SENT else OrderEvent.CANCEL
        with self._store.transaction():
            self._end(order, event, f"{self.name} has never heard of it", now)
            self._told(Reason.ORDER_REJECTED, order, "never arrived; it is not repeated")

    def _protect(self, trade: Trade) -> None:
        """Bring the orders of a trade in line with what should protect it: take back first, then ask anew."""
        waiting = self._waiting_of(trade.id)
        if any(k.order.leg in {Leg.ENTRY, Leg.EXIT} for k in waiting):
            return  # it is still growing, or on its way out
        rules, now = self._broker.rules(trade.symbol), self._clock.now()
        if trade.quantity and not waiting and not whole(held_of(trade), rules.lot):
            with self._store.transaction():
                write_off(self._store, trade, self.name, self._tell, now)
            return
        if skipped_target(self._store, self._broker, trade, rules):
            self._reached(None, rules, trade)
            return
        wants = wants_of(self._store, self._broker, trade, now)
        for kept in waiting:
            if not any(matches(kept.order, want) for want in wants):
                self._take_back(kept)
        with self._store.transaction():
            waiting = self._waiting_of(trade.id)
            leaving = any(kept.order.leg is Leg.EXIT for kept in waiting)
            if leaving or self._store.trades.get(trade.id) != trade:
                return  # something came between: the next round sees the trade as it is
            for want in wants:
                if not any(matches(kept.order, want) for kept in waiting):
                    order_for(self._store, trade, want, now)

    def _waiting_of(self, trade_id: int) -> list[Kept]:
        return [kept for kept in self._store.orders.of_trade(trade_id) if kept.order.state in WAITING]

    def _needless(self, kept: Kept) -> bool:
        """Whether an order would close what is closed already, or enlarge it."""
        return self._is_over(kept.order)

    def _is_over(self, order: Order) -> bool:
        trade = self._store.trades.get(order.trade_id) if order.trade_id else None
        return trade is not None and trade.state is TradeState.CLOSED

    def _take_back(self, kept: Kept) -> None:
        if kept.order.state is OrderState.NEW:
            with self._store.transaction():
                self._end(kept.order, OrderEvent.CANCEL, "no longer needed", self._clock.now())
            return
        if kept.order.state is OrderState.SENT:
            return  # nobody knows whether there is anything to take back: the next round asks first
        # Written down first: should the answer be lost, it is not taken for somebody else's doing.
        self._store.orders.note(kept.order.client_id, WITHDRAWN)
        self._apply(kept.order, self._broker.cancel(kept.order), ours=True)
