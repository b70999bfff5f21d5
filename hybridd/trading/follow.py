"""What would have come of taking every proposal: entries at the next open, exits at stop, target or opposite signal."""

from dataclasses import dataclass, field

from hybridd.model.analysis import Seen, Signal
from hybridd.model.candle import Candles
from hybridd.model.trade import Side, Trade, TradeState
from hybridd.trading.ledger import close_trade

Candle = tuple[int, float, float, float]
"""Open time (ms UTC), open, high, low."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRules:
    """`stop_atr`: the stop's distance in ATR(14); `target_r`: the target's in distances of the stop; fee a side."""

    min_confidence: float = 0.6
    stop_atr: float = 1.5
    target_r: float = 2.0
    fee_percent: float = 0.1


@dataclass(slots=True)
class Follower:
    """Follows one symbol candle by candle. One trade at a time; a proposal while one is open is not made."""

    symbol: str
    rules: FollowRules
    proposals: int = 0
    trades: list[Trade] = field(default_factory=list)
    _open: Trade | None = None
    _wanted: tuple[Side, float] | None = None
    _signal: Signal = Signal.NEUTRAL

    def pass_over(self, candles: Candles, first: int, end: int) -> None:
        """`candle` for those from `first` up to `end`, left out where it would do nothing."""
        while first < end:
            if self._wanted is None:
                first = self._next_exit(candles, first, end)
            if first < end:
                prices = (candles.open.item(first), candles.high.item(first), candles.low.item(first))
                self.candle((candles.open_time.item(first), *prices))
                first += 1

    def candle(self, candle: Candle) -> None:
        """A candle after the last analysis: fills what was wanted at its open, then looks for stop and target."""
        open_time, price, high, low = candle
        if self._wanted is not None:
            self._enter(*self._wanted, price, open_time)
            self._wanted = None
        if self._open is not None:
            self._exit(self._open, candle, high, low)

    def analysis(self, analysis: Seen, atr: float) -> None:
        """An analysis at the close of the candle given before; `atr` is its ATR(14) in the quote currency."""
        turned = analysis.signal is not self._signal
        self._signal = analysis.signal
        if self._open is not None:
            if analysis.signal.value == Signal(self._open.side.value).opposite.value:
                self._leave(self._open, analysis.price, analysis.candle_close, "signal turned")
            else:
                return
        if not turned or analysis.signal is Signal.NEUTRAL or not atr > 0:
            return
        if analysis.confidence >= self.rules.min_confidence:
            self.proposals += 1
            self._wanted = Side(analysis.signal.value), atr

    def _enter(self, side: Side, atr: float, price: float, at: int) -> None:
        risk = self.rules.stop_atr * atr
        self._open = Trade(
            id=len(self.trades) + 1,
            symbol=self.symbol,
            side=side,
            state=TradeState.OPEN,
            entry_price=price,
            entry_at=at,
            stop_price=price - side.sign * risk,
            target_price=price + side.sign * risk * self.rules.target_r,
            fee_percent=self.rules.fee_percent,
        )

    def _next_exit(self, candles: Candles, first: int, end: int) -> int:
        """The first candle that touches stop or target of the open trade; `end` where none does."""
        trade = self._open
        if trade is None or trade.stop_price is None or trade.target_price is None:
            return end
        high, low = candles.high[first:end], candles.low[first:end]
        if trade.side is Side.LONG:
            touched = (low <= trade.stop_price) | (high >= trade.target_price)
        else:
            touched = (high >= trade.stop_price) | (low <= trade.target_price)
        at = int(touched.argmax())
        return first + at if touched[at] else end

    def _exit(self, trade: Trade, candle: Candle, high: float, low: float) -> None:
        at, price = candle[0], candle[1]
        sign, stop, target = trade.side.sign, trade.stop_price, trade.target_price
        best, worst = (high, low) if sign > 0 else (low, high)
        # Both within one candle: the order is not known, so the worse one is taken. A gap fills at the open.
        if stop is not None and sign * (worst - stop) <= 0:
            self._leave(trade, stop if sign * (price - stop) > 0 else price, at, "stop")
        elif target is not None and sign * (best - target) >= 0:
            self._leave(trade, target if sign * (price - target) < 0 else price, at, "target")

    def _leave(self, trade: Trade, price: float, at: int, reason: str) -> None:
        self.trades.append(close_trade(trade, exit_price=price, exit_at=at, reason=reason))
        self._open = None
