"""What reports and the web read of trades: those of a period, and what they amount to. Brings no numpy."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from hybridd.model.trade import Side, Trade, TradeState
from hybridd.reports.trades_worth import OpenFacts, TradesFacts, earned
from hybridd.store.store import Store
from hybridd.trading.plain import plain
from hybridd.trading.statistics import chosen, equity_curve, exposure, statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A period: from `start` to before `end`, ms UTC."""

    start: int
    end: int

    def holds(self, at: int | None) -> bool:
        """Whether an instant lies in it."""
        return at is not None and self.start <= at < self.end


def span_of(store: Store, days: float, now: int) -> Span:
    """The last `days` up to now; where the market's clock runs ahead of the wall's, as in a demo, up to its newest."""
    newest = max((a.candle_close + 1 for a in store.analyses.latest()), default=now)
    end = max(now, newest)
    return Span(start=end - round(days * 86_400_000), end=end)


def closed_in(store: Store, span: Span) -> tuple[Trade, ...]:
    """The trades that were closed in the period."""
    return tuple(trade for trade in store.trades.list() if span.holds(trade.exit_at))


def held_in(store: Store, span: Span) -> tuple[Trade, ...]:
    """The trades that were open at some moment of the period."""
    return tuple(
        trade
        for trade in store.trades.list()
        if trade.entry_at < span.end and (trade.state is TradeState.OPEN or (trade.exit_at or 0) >= span.start)
    )


def trades_facts(store: Store, span: Span) -> TradesFacts:
    """What the trades of a period earned, and what those that are open would."""
    closed, held = closed_in(store, span), held_in(store, span)
    prices = {a.symbol: a.price for a in store.analyses.latest()}
    symbols = sorted({trade.symbol for trade in closed})
    sides = [side for side in Side if any(trade.side is side for trade in closed)]
    return TradesFacts(
        all=_figures(closed),
        symbols={symbol: _figures(chosen(closed, symbol=symbol)) for symbol in symbols},
        sides={side.value: _figures(chosen(closed, side=side)) for side in sides},
        curve=equity_curve(closed),
        exposure=exposure(held, span.start, span.end),
        money=earned(closed),
        open=tuple(_open(trade, prices.get(trade.symbol)) for trade in held if trade.state is TradeState.OPEN),
    )


def _figures(trades: Iterable[Trade]) -> dict[str, float | None]:
    return asdict(statistics(list(trades)))


def _open(trade: Trade, price: float | None) -> OpenFacts:
    return OpenFacts(
        id=trade.id,
        symbol=trade.symbol,
        side=trade.side.value,
        entry_price=trade.entry_price,
        price=price,
        running_percent=plain(trade, price)["running_percent"],
    )
