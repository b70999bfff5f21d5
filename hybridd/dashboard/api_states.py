"""More of what comes out of the interface for programs: how the watch is, figures, what became of an answer."""

from typing import Literal

from pydantic import ConfigDict

from hybridd.dashboard.api_answers import Answer, Decision, Shown
from hybridd.model.alert import AlertState
from hybridd.model.analysis import Signal


class Latest(Answer):
    """The newest analysis of a symbol."""

    symbol: str
    candle_close: int
    price: float | None
    score: float
    signal: Signal
    confidence: float
    degraded: bool
    simulated: bool


class Channel(Answer):
    """A way to tell somebody."""

    name: str
    to: list[str]
    last_told: int | None
    unproven: str


class Address(Answer):
    """An address that was given up."""

    channel: str
    address: str
    kind: str
    reason: str
    since: int


class Missed(Answer):
    """An alert that reached nobody."""

    id: int
    subject: str
    reasons: list[str]
    created_at: int
    missed_at: int


class Status(Answer):
    """How the watch is; later versions may say more."""

    model_config = ConfigDict(extra="allow")

    state: str
    now: int
    version: str
    simulated: bool
    source: str
    timeframe: str
    started_at: int | None
    heartbeat_at: int | None
    next_run: int | None
    wrong: list[str]
    analyses: list[Latest]
    channels: list[Channel]
    outbox: dict[str, int]
    addresses: list[Address]
    missed: list[Missed]


class Statistics(Answer):
    """Figures of the closed trades, in percent and net of fees; null where a figure has no value."""

    total_trades: int
    winning_trades: int
    losing_trades: int
    open_trades: int
    win_rate: float | None
    avg_pnl: float | None
    avg_win: float | None
    avg_loss: float | None
    max_pnl: float | None
    min_pnl: float | None
    profit_factor: float | None
    expectancy: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float | None
    total_return: float | None


class Objection(Answer):
    """Why a yes has to be given again."""

    model_config = ConfigDict(extra="allow")


class Answered(Answer):
    """What became of an answer."""

    result: Literal["done", "again", "lost", "refused"]
    objections: list[Objection]
    proposal: Shown | None
    decision: Decision | None
    renewed: Shown | None
    why: str


class Acked(Answer):
    """An alert that was acknowledged."""

    id: int
    state: AlertState


class Healthy(Answer):
    """The state can be read."""

    status: Literal["ok"]
