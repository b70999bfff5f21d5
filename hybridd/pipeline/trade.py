"""Trade: approved proposals become orders, orders become fills, fills become trades; nothing is ever sent twice.

An order is written down before it is sent and marked as sent before the broker hears of it. What became of one that was
sent is asked for by its client id, never found out by sending it again. All fills are booked by their own ids, once.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from hybridd.brokers.protocol import Broker
from hybridd.clock import Clock
from hybridd.errors import BrokerError
from hybridd.model.order import Fill, Leg, Order, OrderEvent, OrderReport, OrderState
from hybridd.model.trade import Side, Target, Trade, TradeState
from hybridd.pipeline.booking import book_entry, book_exit, book_more
from hybridd.pipeline.orders import order_facts, order_for, order_words
from hybridd.pipeline.standing import pause_of
from hybridd.store.orders import WAITING, Kept
from hybridd.store.store import Store
from hybridd.trading.ledger import open_trade
from hybridd.trading.protect import Want, wanted
from hybridd.trading.risk import Pause

log = logging.getLogger("hybridd.trade")

UNHEARD_MS = 60_000
"""How long a broker that has never heard of an order is asked again before that is believed."""
_EVENTS = {
    OrderState.OPEN: OrderEvent.ACCEPT,
    OrderState.FILLED: OrderEvent.FILL,
    OrderState.CANCELLED: OrderEvent.CANCEL,
    OrderState.REJECTED: OrderEvent.REJECT,
}
Tell = Callable[[str, str, str], None]
"""Tells the person: what (TRADE_OPENED, …), of what ("trade 42"), in which words."""


class Trader:
    """Works one broker: sends what is written down, asks after what was sent, keeps each trade protected."""

    def __init__(
        self, *, store: Store, broker: Broker, clock: Clock, tell: Tell, fee_percent: float, break_even_after: int = 1
    ) -> None:
        self._store, self._broker, self._clock, self._tell = store, broker, clock, tell
        self._fee_percent, self._break_even_after = fee_percent, break_even_after
        self.trouble = ""
        """Why the broker could not be asked at the last round; "" where it could."""

    @property
    def name(self) -> str:
        """The broker's."""
        return self._broker.name

    def round(self) -> None:
        """One turn over every order whose end is not known and every open trade. Safe to call at any time, again."""
        self.trouble = ""
        for kept in self._store.orders.waiting(self.name):
            self._guarded(self._work, kept)
        for trade in self._store.trades.open_trades():
            if trade.broker == self.name:
                self._guarded(self._protect, trade)
        for kept in self._store.orders.waiting(self.name):
            if self._needless(kept):
                self._guarded(self._take_back, kept)
            elif kept.order.state is OrderState.NEW:
                self._guarded(self._work, kept)

    def close(self) -> None:
        """Let go of the broker."""
        self._broker.close()

    def _guarded(self, step: Callable[..., None], thing: Kept | Trade) -> None:
        try:
            step(thing)
        except BrokerError as error:
            self.trouble = str(error)
            log.warning("%s: %s", self.name, error)

    def _work(self, kept: Kept) -> None:
        order = kept.order
        if order.state is OrderState.NEW:
            self._send(order)
            return
        report = self._broker.find(order)
        if report is not None:
            self._apply(order, report)
        elif self._clock.now() - kept.sent_at >= UNHEARD_MS:
            self._unheard(order)

    def _send(self, order: Order) -> None:
        now = self._clock.now()
        # Only what closes may still be sent once the person has said stop.
        forbidden = pause_of(self._store) is Pause.KILLED or (
            pause_of(self._store) is not Pause.NONE and not order.reduce_only
        )
        with self._store.transaction():
            known = self._store.orders.get(order.client_id)
            if known is None or known.order.state is not OrderState.NEW:
                return
            if forbidden:
                if not order.reduce_only:
                    self._end(order, OrderEvent.CANCEL, "the person has stopped trading", now)
                return
            sent = self._store.orders.advance(order.client_id, OrderEvent.SEND, now=now)
            self._store.audit.append("hybridd", "order sent", order.client_id, order_facts(order), now)
        # From here on it may have arrived, whatever happens to this process.
        self._apply(sent, self._broker.submit(sent))

    def _apply(self, order: Order, report: OrderReport) -> None:
        """Book what is new in a report: fills, then the state; all of it in one transaction."""
        now = self._clock.now()
        with self._store.transaction():
            for fill in report.fills:
                order = self._book(order, fill, now)
            known = self._store.orders.get(order.client_id)
            assert known is not None, "an order is never removed"
            event = _EVENTS.get(report.state)
            if event is None or known.order.state is report.state or known.order.state not in WAITING:
                return
            self._end(order, event, report.detail, now, report.broker_id)
            if event is OrderEvent.FILL and order.leg is Leg.TARGET:
                self._reached(order)

    def _end(self, order: Order, event: OrderEvent, detail: str, now: int, broker_id: str = "") -> None:
        moved = self._store.orders.advance(order.client_id, event, now=now, broker_id=broker_id, detail=detail)
        facts = {**order_facts(order), "state": moved.state.value, "detail": detail}
        self._store.audit.append("hybridd", f"order {moved.state}", order.client_id, facts, now)
        self._store.events.append("order", order.symbol, facts, now)
        if moved.state is OrderState.REJECTED:
            self._tell("ORDER_REJECTED", f"order {order.client_id}", f"{order_words(order)} was refused: {detail}")

    def _book(self, order: Order, fill: Fill, now: int) -> Order:
        actor = f"broker:{self.name}"
        fill = replace(fill, leg=order.leg)
        if order.leg is not Leg.ENTRY:
            self._book_exit(order, fill, actor, now)
            return order
        known = self._store.orders.get(order.client_id)
        trade_id = known.order.trade_id if known else 0
        if trade_id:
            book_more(self._store, trade_id, fill, actor, now)
            return replace(order, trade_id=trade_id)
        trade = book_entry(self._store, self._begun(order, fill), actor, now, fill)
        self._store.orders.belongs_to(order.client_id, trade.id)
        words = f"{trade.side} {trade.symbol}, {fill.quantity.normalize():f} @ {fill.price.normalize():f} ({self.name})"
        self._tell("TRADE_OPENED", f"trade {trade.id}", words)
        return replace(order, trade_id=trade.id)

    def _book_exit(self, order: Order, fill: Fill, actor: str, now: int) -> None:
        if any(known.id == fill.id for known in self._store.fills.of(order.trade_id)):
            return
        trade = book_exit(
            self._store, order.trade_id, price=fill.price, actor=actor, now=now, at=fill.at, quantity=fill.quantity,
            reason=order.leg.value, leg=order.leg, key=fill.id, fee=fill.fee,
        )  # fmt: skip
        if trade.state is TradeState.CLOSED:
            earned = f"{trade.pnl_percent:+.2f} %" if trade.pnl_percent is not None else "closed"
            words = f"{trade.side} {trade.symbol} left @ {fill.price.normalize():f} by its {order.leg}: {earned}"
            self._tell("TRADE_CLOSED", f"trade {trade.id}", words)

    def _begun(self, order: Order, fill: Fill) -> Trade:
        """The trade that a first fill begins; stop and targets keep the distances that were approved."""
        proposal = self._store.proposals.get(order.proposal_id)
        assert proposal is not None, "an entry comes from a proposal"
        moved = fill.price - proposal.price
        targets = tuple(Target(r=t.r, price=t.price + moved, share=t.share) for t in proposal.targets)
        return open_trade(
            symbol=order.symbol,
            side=proposal.side,
            entry_price=float(fill.price),
            entry_at=fill.at,
            quantity=float(fill.quantity),
            stop_price=float(proposal.stop + moved),
            target_price=float(targets[0].price) if targets else None,
            fee_percent=self._fee_percent,
            simulated=proposal.simulated,
            targets=targets,
            proposal_id=proposal.id,
            broker=self.name,
        )

    def _reached(self, order: Order) -> None:
        trade = self._store.trades.get(order.trade_id)
        if trade is None or trade.state is TradeState.CLOSED:
            return
        reached = trade.reached + 1
        stop, ahead = trade.stop_price, trade.targets[reached:]
        if self._break_even_after and reached >= self._break_even_after:
            better = max if trade.side is Side.LONG else min
            stop = trade.entry_price if stop is None else better(stop, trade.entry_price)
        target = float(ahead[0].price) if ahead else None
        self._store.trades.update(replace(trade, reached=reached, stop_price=stop, target_price=target))

    def _unheard(self, order: Order) -> None:
        now = self._clock.now()
        event = OrderEvent.MISS if order.state is OrderState.SENT else OrderEvent.CANCEL
        with self._store.transaction():
            self._end(order, event, f"{self.name} has never heard of it", now)
            self._tell(
                "ORDER_REJECTED", f"order {order.client_id}", f"{order_words(order)} never arrived; it is not repeated"
            )

    def _protect(self, trade: Trade) -> None:
        """Bring the orders of a trade in line with what should protect it: take back first, then ask anew."""
        last = next((a.price for a in self._store.analyses.latest() if a.symbol == trade.symbol), None)
        waiting = [k for k in self._store.orders.of_trade(trade.id) if k.order.state in WAITING]
        if any(k.order.leg in {Leg.ENTRY, Leg.EXIT} for k in waiting):
            return  # it is still growing, or on its way out
        wants = wanted(trade, holds_both=self._broker.holds_both, price=last)
        wants = tuple(self._fitting(want, trade) for want in wants)
        for kept in waiting:
            if not any(_matches(kept.order, want) for want in wants):
                self._take_back(kept)
        now_waiting = [k for k in self._store.orders.of_trade(trade.id) if k.order.state in WAITING]
        fresh = self._store.trades.get(trade.id)
        if fresh is None or fresh != trade:
            return  # what was taken back had been filled: the next round sees the trade as it is
        with self._store.transaction():
            for want in wants:
                if want.quantity > 0 and not any(_matches(kept.order, want) for kept in now_waiting):
                    order_for(self._store, trade, want, self._clock.now())

    def _fitting(self, want: Want, trade: Trade) -> Want:
        rules = self._broker.rules(trade.symbol)
        price = None if want.price is None else (want.price / rules.tick).to_integral_value() * rules.tick
        return replace(want, price=price, quantity=(want.quantity // rules.lot) * rules.lot)

    def _needless(self, kept: Kept) -> bool:
        """Whether an order would close what is closed already."""
        if kept.order.leg is Leg.ENTRY or not kept.order.trade_id:
            return False
        trade = self._store.trades.get(kept.order.trade_id)
        return trade is not None and trade.state is TradeState.CLOSED

    def _take_back(self, kept: Kept) -> None:
        if kept.order.state is OrderState.NEW:
            with self._store.transaction():
                self._end(kept.order, OrderEvent.CANCEL, "no longer needed", self._clock.now())
            return
        self._apply(kept.order, self._broker.cancel(kept.order))


def _matches(order: Order, want: Want) -> bool:
    same = order.leg is want.leg and order.kind is want.kind and order.price == want.price
    # A target that is partly filled keeps its place in the book; a stop must be as large as what it protects.
    return same and (want.leg is not Leg.STOP or order.quantity == want.quantity)
