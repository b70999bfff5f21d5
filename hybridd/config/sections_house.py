"""Sections about the house: the page, decisions, trades, the state and hybridd's own health."""

from typing import Literal

from pydantic import Field

from hybridd.config.base import Section
from hybridd.config.hidden import DatabaseUrl, Hidden, HiddenWebUrl, SecretText, SecretUrl, StateUrl
from hybridd.config.values import (
    DrillTime,
    Line,
    List,
    SomeTime,
    WebUrl,
    parse_duration,
)


class Dashboard(Section):
    """The web page."""

    enabled: bool = Field(True, description="serve the page")
    host: Line = Field("127.0.0.1", description="address that it listens on")
    port: int = Field(8787, ge=1, le=65535, description="port that it listens on")
    public_url: WebUrl = Field("", description="how the outside reaches it")
    idle_exit: SomeTime = Field(
        parse_duration("10m"), description="started by systemd's socket, the process ends when nobody came for so long"
    )
    password_hash: Hidden = Field(
        SecretText(""), description='by `config password`; "": only from this machine, with a token printed at start'
    )
    viewer_password_hash: Hidden = Field(SecretText(""), description="of somebody who may look and do nothing")
    session: SomeTime = Field(parse_duration("7d"), description="a login ends when nobody used it for so long")


class Decisions(Section):
    """What is proposed to the person."""

    propose: bool = Field(True, description="make proposals")
    min_confidence: float = Field(0.6, ge=0, le=1, description="below it nothing is proposed")
    expires: SomeTime = Field(parse_duration("15m"), description="an open proposal then counts as no")
    max_fee_share: float = Field(
        1.0, gt=0, le=1, description="of the gain at the targets, taken by fees; from there on nothing is proposed"
    )
    price_band_percent: float = Field(0.5, gt=0, le=100, description="a price beyond it needs a new approval")
    max_spread_percent: float = Field(
        0.2, gt=0, le=100, description="between bid and ask; beyond it a yes does not count"
    )


class Trading(Section):
    """What a trade costs, and where it ends."""

    broker: Literal["manual", "paper", "exchange"] = Field(
        "manual", description="manual: you place the order, it is recorded; paper: on candles, without money"
    )
    auto: bool = Field(False, description='approve by itself; needs broker "paper", or "exchange" with live = true')
    live: bool = Field(False, description='real money: needs broker "exchange" and both keys')
    api_key: Hidden = Field(SecretText(""), description="of the exchange")
    api_secret: Hidden = Field(SecretText(""), description="of the exchange")
    api_password: Hidden = Field(SecretText(""), description="the passphrase, where the exchange has one")
    risk_percent: float = Field(1.0, gt=0, le=100, description="of the account, lost when the stop is hit")
    fee_percent: float = Field(0.1, ge=0, le=10, description="of each side of a trade")
    max_open_trades: int = Field(3, ge=1, le=1000, description="at the same time")
    max_daily_loss_percent: float = Field(3.0, gt=0, le=100, description="then nothing new that day")
    slippage_percent: float = Field(0.05, ge=0, le=10, description="what a paper order at market is filled worse by")
    stop_atr: float = Field(1.5, gt=0, le=100, description="distance of the stop, in average true ranges")
    target_r: float = Field(2.0, gt=0, le=100, description="distance of the target, in distances of the stop")
    targets: List[float] = Field((), max_length=10, description="several, such as [1, 1.618, 2.618]; [] is target_r")
    break_even_after: int = Field(1, ge=0, le=10, description="targets until the stop moves to the entry; 0: never")
    account: float = Field(0.0, ge=0, description="money there is, in the quote currency; 0: no sizes are proposed")
    kelly_fraction: float = Field(0.25, gt=0, le=1, description="of Kelly's share, which the odds give, at most this")
    max_symbol_trades: int = Field(1, ge=1, le=1000, description="of one symbol at the same time")
    max_drawdown_percent: float = Field(20.0, ge=0, le=100, description="then nothing new; 0: no limit")


class Database(Section):
    """Where the state lives."""

    url: StateUrl = Field(
        DatabaseUrl("sqlite:////var/lib/hybridd/state.db"), description="unset: what $DATABASE_URL says, else this"
    )
    keep_days: int = Field(0, ge=0, le=36_500, description="days that analyses are kept; 0: for ever")


class Health(Section):
    """Who watches the watcher."""

    ping_url: HiddenWebUrl = Field(SecretUrl(""), description="dead-man's switch (healthchecks.io or any URL)")
    drill: DrillTime = Field(
        "sun 11:00", description='weekly test of channels that no real alert has used, in alerts.timezone; "": none'
    )
    proof_lasts: SomeTime = Field(
        parse_duration("14d"), description="a channel that has sent nothing for this long is shown as unproven"
    )
    metrics: bool = Field(True, description="Prometheus at /metrics")
