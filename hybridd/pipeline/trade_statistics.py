"""What the trades of a time amount to."""

from dataclasses import asdict

from hybridd.model.trade import Side
from hybridd.store.store import Store
from hybridd.trading.statistics import statistics

DAY_MS = 86_400_000


def statistics_of(
    store: Store, now: int, *, days: float | None = None, symbol: str | None = None, side: Side | None = None
) -> dict[str, float | None]:
    """The figures by their names (docs/state.md): of trades closed in the last `days` days, all where it is None."""
    since = 0 if days is None else now - round(days * DAY_MS)
    trades = [
        trade
        for trade in store.trades.list(days, symbol)
        if side in (None, trade.side) and (trade.exit_at is None or trade.exit_at >= since)
    ]
    return asdict(statistics(trades))
