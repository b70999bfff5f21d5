"""Whether an order may still be sent: what the person said since, and for real money the price of this very moment."""

from hybridd.brokers.protocol import Broker
from hybridd.decisions.answers import AnswerRules, Scene, objections
from hybridd.model.analysis import Signal
from hybridd.model.change import Reason
from hybridd.model.order import Leg
from hybridd.model.proposal import Proposal
from hybridd.pipeline.standing import pause_of
from hybridd.store.orders import Kept
from hybridd.store.store import Store
from hybridd.trading.risk import Pause

ENTRY_LIVES_MS = 120_000
"""An approval older than this is carried out at a real broker no more: its price was another."""


def forbidden(store: Store, broker: Broker, kept: Kept, now: int) -> str:
    """Why an order may not be sent now, "" where it may; only what closes may be once the person has said stop."""
    pause = pause_of(store)
    if pause is Pause.KILLED or (pause is not Pause.NONE and not kept.order.reduce_only):
        return "the person has stopped trading"
    late = broker.live and kept.order.leg is Leg.ENTRY and now - kept.created_at > ENTRY_LIVES_MS
    return f"the approval is {(now - kept.created_at) // 1000} s old: its price was another" if late else ""


def disabled(store: Store, proposal: Proposal, broker: str) -> str:
    """What the watcher knows of its broker that keeps an order from being carried out now, "" where nothing does.

    Whoever answers may be in a process that cannot ask the broker; what it told of itself stands in the state.
    """
    if store.alerts.open_of(Reason.BROKER_DOWN, broker) is not None:
        return f"{broker} cannot be asked about orders at the moment"
    if store.alerts.open_of(Reason.BROKER_DIFFERS, proposal.symbol) is not None:
        return f"the account at {broker} does not hold what the trades of {proposal.symbol} say: look at that first"
    return ""


def moved_away(store: Store, broker: Broker, kept: Kept, rules: AnswerRules, now: int) -> str:
    """Why an entry is not what was approved any more, "" where it is; raises BrokerError where nobody knows the price.

    The check at the yes knows what the state knows. Between it and the order lies a moment, and with real money the
    exchange itself is asked what it would cost.
    """
    order = kept.order
    proposal = store.proposals.get(order.proposal_id) if order.leg is Leg.ENTRY else None
    quote = broker.quote(order.symbol, now) if proposal is not None else None
    if proposal is None or quote is None:
        return ""
    scene = Scene(
        now=now,
        price=quote.entry_price(proposal.side),
        price_at=quote.at,
        signal=_signal_of(proposal),
        spread_percent=quote.spread_percent,
    )
    found = objections(proposal, scene, rules)
    return "; ".join(one.detail for one in found) + ": it needs your approval again" if found else ""


def _signal_of(proposal: Proposal) -> Signal:
    return Signal(proposal.side.value)  # it was checked at the yes, and only a closed candle makes another
