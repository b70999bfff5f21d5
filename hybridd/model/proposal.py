"""A proposal: a trade that is suggested to the person, and the person's answer."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hybridd.model.analysis import Odds
from hybridd.model.state import Table
from hybridd.model.trade import Side, Target


class ProposalState(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    HELD = "held"  # the person chose to wait and see
    EXPIRED = "expired"  # nobody answered: that means no
    SUPERSEDED = "superseded"  # newer news took its place


class ProposalEvent(StrEnum):
    """What can happen to a proposal."""

    APPROVE = "approve"
    REJECT = "reject"
    HOLD = "hold"
    EXPIRE = "expire"
    SUPERSEDE = "supersede"


FEES = "fees"
"""How the reason against a proposal begins that no layer gave."""
_S, _E = ProposalState, ProposalEvent
PROPOSAL_TABLE: Table[ProposalState, ProposalEvent] = {
    (_S.OPEN, _E.APPROVE): _S.APPROVED,
    (_S.OPEN, _E.REJECT): _S.REJECTED,
    (_S.OPEN, _E.HOLD): _S.HELD,
    (_S.OPEN, _E.EXPIRE): _S.EXPIRED,
    (_S.OPEN, _E.SUPERSEDE): _S.SUPERSEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A trade as it is shown to the person. Prices and money in the quote currency, exact; times in ms UTC.

    `quantity` is in the base currency, 0 where no size can be said (`size_reason` says why), `risk_money` what is lost
    at the stop, fees included. `content_hash` is of what was shown: an answer counts for exactly that. `id` is 0 until
    it is stored; `alert_id` is the alert it goes out with.
    """

    symbol: str
    timeframe: str
    candle_close: int
    side: Side
    created_at: int
    expires_at: int
    price: Decimal
    stop: Decimal
    targets: tuple[Target, ...]
    quantity: Decimal
    risk_money: Decimal
    score: float
    confidence: float
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]
    size_reason: str = ""
    odds: Odds | None = None
    simulated: bool = False
    content_hash: str = ""
    id: int = 0
    alert_id: int = 0
    state: ProposalState = ProposalState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer that won: who, by which channel, when, why, and the price at that moment (None where unknown)."""

    proposal_id: int
    event: ProposalEvent
    actor: str
    channel: str
    at: int
    reason: str = ""
    price: Decimal | None = None
