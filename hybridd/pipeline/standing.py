"""How the person stands: open trades, today's loss, the fall from the highest, and what is switched off."""

from collections.abc import Mapping
from datetime import UTC
from zoneinfo import ZoneInfo

from hybridd.clock import as_datetime, as_ms
from hybridd.model.trade import Side, Trade, TradeState
from hybridd.store.store import Store
from hybridd.trading.risk import Pause, Standing

PAUSE_KEY = "pause"


def standing(store: Store, account: float, zone: str, now: int) -> Standing:
    """As it is at `now` (ms UTC). `account` is the money there is, 0 where nobody said; a day begins in `zone`."""
    trades = store.trades.list()
    closed = sorted((t for t in trades if t.state is TradeState.CLOSED), key=lambda t: (t.exit_at or 0, t.id))
    today = [_percent(t, account) for t in closed if (t.exit_at or 0) >= midnight(now, zone)]
    return Standing(
        open_trades=[t for t in trades if t.state is TradeState.OPEN] + _entering(store),
        lost_today=max(0.0, -sum(today)),
        drawdown=_drawdown([_percent(t, account) for t in closed]),
        pause=pause_of(store),
    )


def _entering(store: Store) -> list[Trade]:
    """The trades that orders on their way will begin: a limit that did not see them would be passed."""
    return [
        Trade(
            id=0,
            symbol=kept.order.symbol,
            side=Side.LONG if kept.order.buy else Side.SHORT,
            state=TradeState.OPEN,
            entry_price=0.0,
            entry_at=kept.created_at,
        )
        for kept in store.orders.entering()
    ]


def pause_of(store: Store) -> Pause:
    """What is switched off; it stays so over restarts."""
    kept = store.bot_state.get(PAUSE_KEY)
    return Pause(str(kept.get("pause", Pause.NONE))) if isinstance(kept, Mapping) else Pause.NONE


def set_pause(store: Store, pause: Pause, actor: str, now: int, reason: str = "") -> None:
    """Switch off, or on again."""
    with store.transaction():
        before = pause_of(store)
        store.bot_state.set(PAUSE_KEY, {"pause": pause.value, "actor": actor, "at": now, "reason": reason})
        facts = {"from": before.value, "to": pause.value, "reason": reason}
        store.audit.append(actor, "pause", "hybridd", facts, now)
        store.events.append("pause", "hybridd", {**facts, "actor": actor}, now)


def midnight(now: int, zone: str) -> int:
    """When the day of `now` began in `zone`, ms UTC."""
    local = as_datetime(now).astimezone(ZoneInfo(zone))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # A day that begins inside the hour that a change of the clock left out begins when the clock goes on.
    return as_ms(start.astimezone(UTC))


def _percent(trade: Trade, account: float) -> float:
    """What a trade earned in percent of the account.

    Where the account or the trade's size is not known, its own percent counts as if all the money had been in it: a
    limit that errs does so on the careful side.
    """
    if account > 0 and trade.realised is not None:
        return float(trade.realised) / account * 100
    return trade.pnl_percent or 0.0


def _drawdown(earned: list[float]) -> float:
    total = highest = 0.0
    for percent in earned:
        total += percent
        highest = max(highest, total)
    return highest - total
