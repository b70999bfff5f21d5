"""What the closed trades amount to: every number defined, and None where it has no value. Light: the web asks too."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from hybridd.model.trade import Side, Trade, TradeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Figures of the closed trades. Percentages are of the money in each trade, net of fees; None where undefined."""

    total_trades: int
    winning_trades: int
    losing_trades: int
    open_trades: int
    win_rate: float | None
    avg_pnl: float | None
    avg_win: float | None
    avg_loss: float | None
    max_pnl: float | None
    min_pnl: float | None
    profit_factor: float | None
    expectancy: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float | None
    total_return: float | None


def statistics(trades: Sequence[Trade]) -> Statistics:
    """The figures of `trades`; open ones are only counted. With r the earnings of the n closed ones, in percent:

    * winning, losing: r > 0, r < 0 (one of exactly 0 is neither); win_rate = 100 · winning / n
    * avg_pnl, max_pnl, min_pnl: mean, largest and smallest r; avg_win, avg_loss: mean r of the winning, the losing
    * profit_factor: sum of gains / −sum of losses; None without a loss
    * expectancy: win rate · avg_win + loss rate · avg_loss (Tharp, *Trade Your Way to Financial Freedom*, 1998, in
      percent instead of multiples of the risk): what one more trade may be expected to earn
    * sharpe: mean / standard deviation (n − 1) of r (Sharpe 1994, *The Sharpe Ratio*), per trade, without a riskless
      rate and not annualised, because trades come at no fixed rate; None for n < 2 or when all r are the same
    * sortino: mean / √(mean of min(r, 0)²) over all n (Sortino & Price 1994), per trade, target 0; None without a loss
    * total_return: 100 · (Π(1 + r/100) − 1), all money in each trade in the order of the exits
    * max_drawdown: the deepest fall of that curve from its height so far, the start included, 0 … 100 percent
    """
    r = _earned(_closed(trades))
    wins, losses = [x for x in r if x > 0], [x for x in r if x < 0]
    equity = [1.0, *(height for _, height in equity_curve(trades))]
    n, gained, lost = len(r), math.fsum(wins), math.fsum(losses)
    return Statistics(
        total_trades=n,
        winning_trades=len(wins),
        losing_trades=len(losses),
        open_trades=sum(t.state is TradeState.OPEN for t in trades),
        win_rate=100 * len(wins) / n if n else None,
        avg_pnl=_mean(r),
        avg_win=_mean(wins),
        avg_loss=_mean(losses),
        max_pnl=max(r, default=None),
        min_pnl=min(r, default=None),
        profit_factor=gained / -lost if losses else None,
        expectancy=(gained + lost) / n if n else None,
        sharpe=_sharpe(r),
        sortino=math.fsum(r) / n / math.sqrt(math.fsum(x * x for x in losses) / n) if losses else None,
        max_drawdown=_drawdown(equity) if n else None,
        total_return=100 * (equity[-1] - 1) if n else None,
    )


def chosen(
    trades: Iterable[Trade],
    *,
    symbol: str | None = None,
    side: Side | None = None,
    start: int | None = None,
    end: int | None = None,
) -> list[Trade]:
    """Those of a market, of a side, and of a period: closed from `start` to before `end` (ms UTC), or open still."""
    return [
        t
        for t in trades
        if symbol in (None, t.symbol)
        and side in (None, t.side)
        and (t.exit_at is None or ((start is None or t.exit_at >= start) and (end is None or t.exit_at < end)))
    ]


def equity_curve(trades: Iterable[Trade]) -> tuple[tuple[int, float], ...]:
    """What 1 became after each closed trade: (its exit, ms UTC; Π(1 + r/100)), in the order of the exits.

    A loss of more than everything is everything.
    """
    closed = _closed(trades)
    heights = accumulate((max(1 + x / 100, 0.0) for x in _earned(closed)), lambda height, grown: height * grown)
    return tuple((t.exit_at or 0, height) for t, height in zip(closed, heights, strict=True))


def exposure(trades: Iterable[Trade], start: int, end: int) -> float | None:
    """The share (0–1) of the period from `start` to `end` (ms UTC) in which a trade was open; None of no period.

    Time in several trades at once counts once.
    """
    if end <= start:
        return None
    spans = sorted((max(t.entry_at, start), min(end if t.exit_at is None else t.exit_at, end)) for t in trades)
    covered, until = 0, start
    for first, last in spans:
        covered += max(0, last - max(first, until))
        until = max(until, last)
    return covered / (end - start)


def _closed(trades: Iterable[Trade]) -> list[Trade]:
    return sorted(
        (t for t in trades if t.state is TradeState.CLOSED and t.pnl_percent is not None),
        key=lambda t: (t.exit_at or 0, t.id),
    )


def _earned(closed: Iterable[Trade]) -> list[float]:
    return [t.pnl_percent for t in closed if t.pnl_percent is not None]


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _drawdown(equity: Sequence[float]) -> float:
    return 100 * max(1 - height / top for height, top in zip(equity, accumulate(equity, max), strict=True))


def _sharpe(r: Sequence[float]) -> float | None:
    if len(r) < 2 or max(r) - min(r) <= 1e-12 * max(map(abs, r)):  # rounding is no deviation
        return None
    mean = math.fsum(r) / len(r)
    return mean / math.sqrt(math.fsum((x - mean) ** 2 for x in r) / (len(r) - 1))
