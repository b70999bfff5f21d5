"""Marks on a market's chart: changes, alerts, proposals and trades, each with its page."""

from hybridd.dashboard.drawings import Mark
from hybridd.pipeline.page_figures import price
from hybridd.store.store import Store

MOST = 60
LATEST_MS = 600_000
"""A proposal is made soon after its candle has closed."""


def marks(store: Store, symbol: str, start: int, end: int) -> list[Mark]:
    """What happened in a market from `start` to `end` (ms UTC, both included), oldest first, the newest MOST of it."""
    found = _changes(store, symbol, start, end) + _proposals(store, symbol, start, end) + _trades(store, symbol)
    inside = [mark for mark in found if start <= mark.at <= end]
    return sorted(inside, key=lambda mark: mark.at)[-MOST:]


def _changes(store: Store, symbol: str, start: int, end: int) -> list[Mark]:
    # A change that somebody was told of is its alert, another one the reason why not.
    return [
        Mark(
            at=verdict.change.at,
            kind="change" if alert is None else "alert",
            text=str(verdict.change.reason) + (f", {verdict.suppressed}" if verdict.suppressed else ""),
            where="" if alert is None else f"alerts/{alert}",
        )
        for verdict, alert in store.changes.between(symbol, start, end)
    ]


def _proposals(store: Store, symbol: str, start: int, end: int) -> list[Mark]:
    return [
        Mark(
            at=one.candle_close,
            kind="proposal",
            text=f"{one.side} @ {price(float(one.price))}, {one.state}",
            where=f"proposals/{one.id}",
        )
        for one in store.proposals.between(start, end + LATEST_MS)
        if one.symbol == symbol
    ]


def _trades(store: Store, symbol: str) -> list[Mark]:
    found = []
    for trade in store.trades.list(symbol=symbol):
        found.append(Mark(at=trade.entry_at, kind="trade", text=f"{trade.side} @ {price(trade.entry_price)}"))
        if trade.exit_at is not None and trade.exit_price is not None:
            earned = "" if trade.pnl_percent is None else f", {trade.pnl_percent:+.2f} %"
            found.append(Mark(at=trade.exit_at, kind="trade", text=f"out @ {price(trade.exit_price)}{earned}"))
    return found
