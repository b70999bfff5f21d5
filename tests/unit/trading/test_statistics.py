import dataclasses

import numpy as np
import pytest

from hybridd.model.trade import Side, Trade, TradeState
from hybridd.trading.statistics import statistics


def closed(pnl: float, *, at: int = 0, id: int = 1) -> Trade:
    return Trade(
        id=id, symbol="BTC/USDT", side=Side.LONG, state=TradeState.CLOSED, entry_price=100, entry_at=0,
        exit_price=100, exit_at=at, pnl_percent=pnl,
    )  # fmt: skip


def trades(*pnl: float) -> list[Trade]:
    return [closed(value, at=i, id=i) for i, value in enumerate(pnl)]


def test_no_trades_give_no_numbers():
    found = statistics([])
    assert (found.total_trades, found.winning_trades, found.losing_trades, found.open_trades) == (0, 0, 0, 0)
    rest = {k: v for k, v in dataclasses.asdict(found).items() if not k.endswith("_trades")}
    assert set(rest.values()) == {None}


def test_counts_and_averages_by_hand():
    found = statistics(trades(10, -5, 20, 0))
    assert (found.total_trades, found.winning_trades, found.losing_trades) == (4, 2, 1)
    assert found.win_rate == 50
    assert (found.avg_pnl, found.max_pnl, found.min_pnl) == (6.25, 20, -5)
    assert (found.avg_win, found.avg_loss) == (15, -5)
    assert found.profit_factor == 6
    assert found.expectancy == pytest.approx(0.5 * 15 + 0.25 * -5)


def test_return_and_drawdown_compound_in_the_order_of_the_exits():
    # 1 → 1.1 → 0.55 → 0.66, told in another order
    made = [closed(20, at=3), closed(10, at=1), closed(-50, at=2)]
    found = statistics(made)
    assert found.total_return == pytest.approx(-34)
    assert found.max_drawdown == pytest.approx(50)


def test_a_first_loss_is_a_drawdown_from_the_start():
    assert statistics(trades(-10, 50)).max_drawdown == pytest.approx(10)


def test_only_wins_have_no_profit_factor_and_no_sortino():
    found = statistics(trades(1, 2, 3))
    assert found.profit_factor is None
    assert found.sortino is None
    assert found.max_drawdown == 0
    assert found.win_rate == 100


def test_only_losses_have_a_profit_factor_of_nothing():
    found = statistics(trades(-1, -2))
    assert found.profit_factor == 0
    assert found.win_rate == 0
    assert found.avg_win is None


@pytest.mark.parametrize("pnl", [(1.1,), (1.1, 1.1, 1.1), (-0.3, -0.3)])
def test_a_sharpe_needs_two_different_returns(pnl):
    assert statistics(trades(*pnl)).sharpe is None


def test_a_loss_of_more_than_everything_is_everything():
    found = statistics(trades(-130, 50))
    assert found.total_return == -100
    assert found.max_drawdown == 100


def test_open_trades_are_only_counted():
    open_one = Trade(id=9, symbol="X/USDT", side=Side.SHORT, state=TradeState.OPEN, entry_price=1, entry_at=0)
    found = statistics([*trades(3.0), open_one])
    assert (found.total_trades, found.open_trades, found.avg_pnl) == (1, 1, 3.0)


def test_ratios_equal_their_definitions():
    r = np.random.default_rng(7).normal(0.2, 2.0, 300)
    found = statistics(trades(*r))
    assert found.sharpe == pytest.approx(np.mean(r) / np.std(r, ddof=1), rel=1e-12)
    downside = np.sqrt(sum(min(x, 0) ** 2 for x in r) / len(r))
    assert found.sortino == pytest.approx(np.mean(r) / downside, rel=1e-12)
    assert found.profit_factor == pytest.approx(sum(x for x in r if x > 0) / -sum(x for x in r if x < 0), rel=1e-12)
    height = worst = money = 1.0
    worst = 0.0
    for x in r:
        money *= 1 + x / 100
        height = max(height, money)
        worst = max(worst, 1 - money / height)
    assert found.max_drawdown == pytest.approx(100 * worst, rel=1e-9)
    assert found.total_return == pytest.approx(100 * (money - 1), rel=1e-9)
