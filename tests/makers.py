"""Makers of values for tests: everything that a test does not name has a plain default."""

from msgspec import structs

from hybridd.model.analysis import Analysis, Signal, SignalState
from hybridd.model.trade import Side, Trade, TradeState

STEP = 300_000
T0 = 1_750_000_200_000 // STEP * STEP


def analysis(score: float, signal: str = "NEUTRAL", *, at: int = T0, confidence: float = 0.5, **changes) -> Analysis:
    made = Analysis(
        symbol="BTC/USDT",
        timeframe="5m",
        candle_close=at,
        price=45_250.0,
        score=score,
        state=SignalState(signal=Signal(signal)),
        confidence=confidence,
        agreeing=5,
        answered=6,
        layers=6,
        degraded=False,
        source="okx",
        made_at=at,
        high=45_300.0,
        low=45_200.0,
    )
    return structs.replace(made, **changes)


def trade(side: str = "LONG", *, at: int = T0 - 10 * STEP, **changes) -> Trade:
    made = Trade(id=42, symbol="BTC/USDT", side=Side(side), state=TradeState.OPEN, entry_price=45_250.0, entry_at=at)
    return structs.replace(made, **changes)
