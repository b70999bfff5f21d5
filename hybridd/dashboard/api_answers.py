"""What comes out of the interface for programs, as /openapi.json tells it: loaded only by whoever asks for that.

Instants are whole milliseconds since 1970, UTC. Exact amounts of money are text.
"""

from pydantic import BaseModel, ConfigDict

from hybridd.model.alert import AlertState
from hybridd.model.analysis import Signal
from hybridd.model.change import Severity
from hybridd.model.proposal import ProposalState
from hybridd.model.trade import Side, TradeState


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(extra="forbid")


class Fault(Answer):
    """What is wrong, and what to do about it."""

    error: str
    remedy: str


class Odds(Answer):
    """P(price higher after the horizon), its 95 % interval, and from how many."""

    probability: float
    low: float
    high: float
    n: int


class Layer(Answer):
    """What one layer said."""

    score: float | None
    weight: float
    reason: str
    abstain: str


class Analysis(Answer):
    """What the brain concluded at one candle."""

    id: int
    symbol: str
    timeframe: str
    candle_close: int
    price: float | None
    score: float
    signal: Signal
    confidence: float
    agreeing: int
    answered: int
    layer_count: int
    degraded: bool
    missing: list[str]
    odds: Odds | None
    source: str
    simulated: bool
    late: bool
    made_at: int
    layers: dict[str, Layer] | None


class Change(Answer):
    """What fired."""

    subject: str
    reason: str
    at: int
    before: str | float | None
    after: str | float | None
    detail: str


class Alert(Answer):
    """What a person was told."""

    id: int
    subject: str
    state: AlertState
    severity: Severity
    reasons: list[str]
    created_at: int
    expires_at: int
    resolves: int
    simulated: bool
    changes: list[Change]


class Target(Answer):
    """A partial exit."""

    r: str
    price: str
    share: str


class Decision(Answer):
    """The answer that won."""

    proposal_id: int
    event: str
    actor: str
    channel: str
    at: int
    reason: str
    price: str | None


class Shown(Answer):
    """A trade as it was shown to the person."""

    id: int
    alert_id: int
    symbol: str
    timeframe: str
    candle_close: int
    side: Side
    state: ProposalState
    created_at: int
    expires_at: int
    price: str
    stop: str
    targets: list[Target]
    quantity: str
    size_reason: str
    risk_money: str
    score: float
    confidence: float
    odds: Odds | None
    reasons_for: list[str]
    reasons_against: list[str]
    simulated: bool
    content_hash: str


class Proposal(Shown):
    """A proposal, and what became of it."""

    decision: Decision | None


class Trade(Answer):
    """A position that the person took."""

    id: int
    symbol: str
    side: Side
    state: TradeState
    entry_price: float
    entry_at: int
    quantity: float
    stop_price: float | None
    target_price: float | None
    exit_price: float | None
    exit_at: int | None
    exit_reason: str
    fee_percent: float
    pnl_percent: float | None
    simulated: bool
    remaining: str
    realised: str | None
    fees: str | None
    targets: list[Target]
    reached: int
    proposal_id: int
    broker: str
    auto: bool


class Candle(Answer):
    """A closed candle, by the instant at which it opened."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Analyses(Answer):
    """A page of analyses."""

    items: list[Analysis]
    next: str | None


class Alerts(Answer):
    """A page of alerts."""

    items: list[Alert]
    next: str | None


class Proposals(Answer):
    """A page of proposals."""

    items: list[Proposal]
    next: str | None


class Trades(Answer):
    """A page of trades."""

    items: list[Trade]
    next: str | None


class Candles(Answer):
    """A page of candles."""

    items: list[Candle]
    next: str | None
