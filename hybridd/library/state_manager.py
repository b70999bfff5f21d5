"""StateManager: a state for programs of one's own; records analyses and trades, answers what they amount to."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from msgspec.structs import replace

from hybridd.clock import Clock, SystemClock, as_ms
from hybridd.errors import DataError
from hybridd.model.analysis import Analysis, Signal, SignalState
from hybridd.model.instrument import parse_instrument
from hybridd.model.said import Abstain, Reading
from hybridd.model.timeframe import parse_timeframe
from hybridd.model.trade import Side
from hybridd.pipeline.booking import book_entry, book_exit
from hybridd.signals.trend import trend_of
from hybridd.store.store import open_store
from hybridd.trading.ledger import open_trade
from hybridd.trading.plain import plain
from hybridd.trading.position import exact
from hybridd.trading.statistics import statistics

LayerScore = float | None | Mapping[str, Any]
_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000


class StateManager:
    """The state behind a URL such as "sqlite:///state.db". Moments are ms UTC or aware datetimes, answers ms UTC.

    Methods raise DataError, in one clear line, for values that cannot be. Safe across threads. Close it, or use `with`.
    """

    def __init__(self, url: str = "sqlite:///state.db", *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._store = open_store(url, clock=self._clock)

    def record_analysis(
        self,
        score: float,
        signal: str,
        confidence: float,
        symbol: str = "BTC/USDT",
        timeframe: str = "5m",
        price: float | None = None,
        at: int | datetime | None = None,
        layers: Mapping[str, LayerScore] | None = None,
    ) -> int:
        """Store one analysis and give its id. `score` 0–100, `confidence` 0–1, `signal` LONG, SHORT or NEUTRAL.

        `at` is the close of its candle, now if not given; `layers` maps names to scores, or to mappings with "score",
        "weight" and "reason". A second analysis of the same symbol and moment is refused.
        """
        market, frame = _symbol(symbol), _timeframe(timeframe)
        readings = tuple(_reading(name, said) for name, said in (layers or {}).items())
        missing = tuple(reading.layer for reading in readings if reading.score is None)
        analysis = Analysis(
            symbol=market,
            timeframe=frame,
            candle_close=0,
            price=math.nan if price is None else _within("the price", price, math.ulp(0.0), math.inf),
            score=_within("the score", score, 0, 100),
            state=SignalState(signal=_signal(signal)),
            confidence=_within("the confidence", confidence, 0, 1),
            agreeing=sum(_agrees(reading, _signal(signal)) for reading in readings),
            answered=len(readings) - len(missing),
            layers=len(readings),
            degraded=bool(missing),
            missing=missing,
            readings=readings,
            source="library",
            made_at=self._clock.now(),
        )
        with self._store.transaction():
            close = self._next_close(market, frame) if at is None else _moment(at)
            ids = self._store.analyses.add_many([replace(analysis, candle_close=close)])
        if not ids:
            raise DataError(f"{market} has an analysis at {at} already", remedy="give another moment")
        return ids[close]

    def _next_close(self, symbol: str, timeframe: str) -> int:
        # Two analyses in one millisecond are two analyses.
        last = self._store.analyses.last(symbol, timeframe)
        return self._clock.now() if last is None else max(self._clock.now(), last.candle_close + 1)

    def get_trend(self, hours: float = 24, symbol: str | None = None, timeframe: str | None = None) -> dict[str, Any]:
        """How the score moved in the last `hours`: trend, change, percent_change, first_score, last_score, samples.

        Without `symbol` that of the newest analysis. The trend is UP, DOWN, STABLE or INSUFFICIENT_DATA.
        """
        span = _within("hours", hours, 0, math.inf)
        wanted = None if symbol is None else _symbol(symbol)
        found = [a for a in self._store.analyses.latest() if wanted in (None, a.symbol)]
        newest = max(found, key=lambda a: a.candle_close, default=None)
        scores: list[float] = []
        if newest is not None:
            now = max(self._clock.now(), newest.candle_close)
            frame = newest.timeframe if timeframe is None else _timeframe(timeframe)
            scores = self._store.analyses.scores(newest.symbol, frame, now - round(span * _HOUR_MS), now)
        trend = asdict(trend_of(scores))
        return trend | {"trend": str(trend["trend"])}

    def record_trade(
        self,
        signal: str,
        entry_price: float,
        symbol: str = "BTC/USDT",
        quantity: float = 0.0,
        stop_price: float | None = None,
        target_price: float | None = None,
        fee_percent: float = 0.0,
        at: int | datetime | None = None,
    ) -> int:
        """Store a trade that begins, LONG or SHORT, and give its id. `fee_percent` is paid on each of its two sides."""
        side = _signal(signal)
        if side is Signal.NEUTRAL:
            raise DataError('"NEUTRAL" opens no trade', remedy="give LONG or SHORT")
        trade = open_trade(
            symbol=_symbol(symbol),
            side=Side(side.value),
            entry_price=_number("the entry price", entry_price),
            entry_at=self._clock.now() if at is None else _moment(at),
            quantity=_number("the quantity", quantity),
            stop_price=stop_price,
            target_price=target_price,
            fee_percent=_number("the fee", fee_percent),
        )
        return book_entry(self._store, trade, "library", self._clock.now()).id

    def close_trade(
        self, trade_id: int, exit_price: float, reason: str = "", at: int | datetime | None = None
    ) -> dict[str, Any]:
        """End a trade and give it as it is then, with `pnl_percent`; refused for one that is not open."""
        closed = book_exit(
            self._store,
            trade_id,
            price=exact(_number("the exit price", exit_price)),
            actor="library",
            now=self._clock.now(),
            at=None if at is None else _moment(at),
            reason=reason,
        )
        return plain(closed)

    def get_trade_history(self, days: float | None = 7, symbol: str | None = None) -> list[dict[str, Any]]:
        """Trades opened or closed in the last `days` (None: ever), in the order of their entries."""
        wanted = None if symbol is None else _symbol(symbol)
        return [plain(trade) for trade in self._store.trades.list(_days(days), wanted)]

    def get_statistics(self, days: float | None = None, symbol: str | None = None) -> dict[str, Any]:
        """Figures of the trades closed in the last `days` (None: ever); hybridd.trading.statistics defines each."""
        wanted = None if symbol is None else _symbol(symbol)
        since = None if days is None else self._clock.now() - round((_days(days) or 0) * _DAY_MS)
        trades = self._store.trades.list(_days(days), wanted)
        recent = [t for t in trades if since is None or t.exit_at is None or t.exit_at >= since]
        return asdict(statistics(recent))

    def set_state(self, key: str, value: object) -> None:
        """Keep a JSON value under a name, across restarts."""
        try:
            self._store.bot_state.set(key, value)
        except ValueError as error:
            raise DataError(
                f'the value of "{key}" cannot be kept: {error}', remedy="give what JSON can hold"
            ) from error

    def get_state(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - whatever was kept
        """The value under a name, or `default`."""
        return self._store.bot_state.get(key, default)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _number(what: str, value: float, remedy: str = "give a number") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{what} is {value!r}", remedy=remedy)
    return float(value)


def _within(what: str, value: float, low: float, high: float) -> float:
    remedy = f"give a number from {low:g} to {high:g}" if math.isfinite(high) else "give a number above 0"
    number = _number(what, value, remedy)
    if not low <= number <= high:
        raise DataError(f"{what} is {value!r}", remedy=remedy)
    return number


def _days(days: float | None) -> float | None:
    return None if days is None else _within("days", days, 0, math.inf)


def _signal(text: str) -> Signal:
    try:
        return Signal(str(text).upper())
    except ValueError:
        raise DataError(f'"{text}" is not a signal', remedy="give LONG, SHORT or NEUTRAL") from None


def _symbol(text: str) -> str:
    try:
        return parse_instrument(text).symbol
    except ValueError as error:
        raise DataError(str(error)) from None


def _timeframe(text: str) -> str:
    try:
        return parse_timeframe(text).text
    except ValueError as error:
        raise DataError(str(error)) from None


def _moment(at: int | datetime) -> int:
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise DataError(f"{at} names no instant", remedy="give a datetime with its time zone, or ms UTC")
        return as_ms(at)
    if isinstance(at, bool) or not isinstance(at, int) or at < 0:
        raise DataError(f"{at!r} is not a moment", remedy="give ms since 1970 UTC, or an aware datetime")
    return at


def _reading(name: str, said: LayerScore) -> Reading:
    given: Mapping[str, Any] = said if isinstance(said, Mapping) else {"score": said}
    score = None if given.get("score") is None else _within(f"the score of layer {name}", given["score"], 0, 100)
    return Reading(
        layer=name,
        score=score,
        weight=_within(f"the weight of layer {name}", given.get("weight", 1.0), 0, math.inf),
        reason=str(given.get("reason", "")),
        abstain=Abstain.NO_DATA if score is None else Abstain.ANSWERS,
    )


def _agrees(reading: Reading, signal: Signal) -> bool:
    sign = {Signal.LONG: 1, Signal.SHORT: -1}.get(signal, 0)
    return reading.score is not None and (reading.score - 50) * sign > 0
