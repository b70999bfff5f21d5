"""What the page of trades shows: open ones at the newest price, those of a period, and what they amount to."""

from dataclasses import dataclass, replace

from hybridd.model.trade import Trade, TradeState
from hybridd.pipeline.page_blocks import Blocks, plain_blocks
from hybridd.pipeline.report_trades import Span, closed_in, span_of, trades_facts
from hybridd.reports.trades_worth import section
from hybridd.store.store import Store
from hybridd.trading.plain import running

LONG_AGO = 36_500.0
"""Days: of all trades there are."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrade:
    """A trade that is open: the newest price with its instant (ms UTC), and what the rest would earn if it left now."""

    trade: Trade
    price: float | None
    price_at: int | None
    percent: float | None
    money: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesPage:
    """Open trades, newest first; closed ones of the period, newest first, at most so many as were asked for; sums."""

    open: tuple[OpenTrade, ...]
    closed: tuple[Trade, ...]
    more: int
    worth: Blocks


def trades_page(store: Store, days: float | None, limit: int, now: int) -> TradesPage:
    """All of it as it is now; `days` None: since the first trade."""
    span = _since_the_first(store, span_of(store, LONG_AGO, now)) if days is None else span_of(store, days, now)
    closed = sorted(closed_in(store, span), key=lambda trade: (trade.exit_at or 0, trade.id), reverse=True)
    facts = replace(trades_facts(store, span), open=())  # they have a place of their own
    return TradesPage(
        open=_open(store), closed=tuple(closed[:limit]), more=max(0, len(closed) - limit),
        worth=plain_blocks(section(facts)),
    )  # fmt: skip


def _since_the_first(store: Store, span: Span) -> Span:
    first = min((trade.entry_at for trade in store.trades.list()), default=span.end - DAY_MS)
    return Span(start=min(first, span.end - 1), end=span.end)


def _open(store: Store) -> tuple[OpenTrade, ...]:
    newest = {a.symbol: a for a in sorted(store.analyses.latest(), key=lambda a: a.candle_close)}
    found = []
    for trade in reversed([t for t in store.trades.open_trades() if t.state is TradeState.OPEN]):
        last = newest.get(trade.symbol)
        would = running(trade, last.price if last else None)
        money = would["running_money"]
        found.append(
            OpenTrade(
                trade=trade,
                price=last.price if last else None,
                price_at=last.candle_close if last else None,
                percent=would["running_percent"],
                money=None if money is None else float(money),
            )
        )
    return tuple(found)
