"""Sections about watching: what is monitored, where candles come from, how they are judged."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from hybridd.config.base import Section
from hybridd.config.values import Form, Frame, Line, List, SomeTime, Symbol, WebOrigin, WebUrl, parse_duration
from hybridd.model.timeframe import parse_timeframe

Weight = Annotated[float, Field(ge=0, le=100)]


class Monitor(Section):
    """What is watched, and how often."""

    symbols: List[Symbol] = Field(
        ("BTC/USDT", "ETH/USDT"), min_length=1, description='the markets; "BTCUSDT" is understood too'
    )
    timeframe: Frame = Field(
        parse_timeframe("5m"),
        description="one analysis each time such a candle closes; any the exchange has, from 1s",
    )
    settle_seconds: float = Field(2, ge=0, le=300, description="wait after the close, s")


class Context(Section):
    """Inputs beyond candles; each may be off."""

    funding: bool = Field(True, description="funding rates of perpetuals, and their price over spot")
    open_interest: bool = Field(True, description="open interest of perpetuals")
    order_book: bool = Field(True, description="imbalance of the order book")
    sentiment_url: WebUrl = Field("https://api.alternative.me/fng/", description='Fear & Greed index; "": off')
    macro_url: WebUrl = Field("https://fred.stlouisfed.org/graph/fredgraph.csv", description='macro series; "": off')


class Market(Section):
    """Where candles come from."""

    source: Literal["exchange", "recorded", "simulated"] = Field(
        "exchange", description="an exchange, files, or a made-up market"
    )
    exchange: Annotated[str, Form("ccxt exchange id")] = Field(
        "binance", pattern=r"^[a-z0-9_]+$", description="any ccxt exchange id"
    )
    market_type: Literal["spot", "swap"] = Field("spot", description="the thing itself, or perpetual contracts")
    base_url: WebOrigin = Field(
        "", description="scheme and host put in place of every REST host of the exchange (mirror, test net, proxy)"
    )
    path: Line = Field("", description="recorded: folder of candle files")
    history: int = Field(2000, ge=2, le=1_000_000, description="closed candles kept per symbol")
    seed: int = Field(1, ge=0, description="simulated: the same seed makes the same market")
    context: Context = Field(default_factory=Context)


class Analysis(Section):
    """How candles become a score and a signal."""

    brain: str = Field(
        "hybridd",
        pattern=r"^(hybridd|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$",
        description='"hybridd", or "module:function" of your own',
    )
    command: List[Line] = Field((), description='an external brain in its place: ["python3", "/opt/ai_brain.py"]')
    timeout: SomeTime = Field(parse_duration("20s"), description="time limit of an external brain")
    calibration: Line = Field("", description='file that `hybridd calibrate` wrote; "": the one that ships')
    long_threshold: float = Field(65.0, ge=0, le=100, description="LONG at this score or above")
    short_threshold: float = Field(35.0, ge=0, le=100, description="SHORT at this score or below")
    hysteresis: float = Field(5.0, ge=0, le=100, description="points past the threshold before a signal is left")
    confirm: int = Field(1, ge=1, le=100, description="analyses in a row before a signal changes")
    min_layers: int = Field(8, ge=1, le=100, description="with fewer layers answering, an analysis is degraded")
    horizon: int = Field(12, ge=1, le=10_000, description="candles: what odds and outcomes look at")
    plugins_dir: Line = Field("", description='folder of Python files with layers of your own; "": none')
    weights: Mapping[str, Weight] = Field({}, description="of single layers: {trend = 1.5, macro = 0}")
