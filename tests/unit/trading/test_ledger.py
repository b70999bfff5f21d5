import math
from decimal import Decimal

import pytest

from hybridd.errors import DataError
from hybridd.model.trade import Side, TradeState
from hybridd.trading.ledger import (
    close_trade,
    entry_fill,
    exit_fill,
    held_of,
    open_trade,
    pnl_percent,
    settled,
)

BEGIN = {"symbol": "BTC/USDT", "side": Side.LONG, "entry_price": 100.0, "entry_at": 1_000}


@pytest.mark.parametrize(
    ("side", "exit_price", "fee", "earned"),
    [
        (Side.LONG, 110, 0, 10),
        (Side.LONG, 90, 0, -10),
        (Side.SHORT, 90, 0, 10),
        (Side.SHORT, 110, 0, -10),
        (Side.LONG, 110, 0.1, 10 - 0.1 - 0.11),
        (Side.SHORT, 90, 0.1, 10 - 0.1 - 0.09),
        (Side.LONG, 100, 0.1, -0.2),
        (Side.SHORT, 250, 0, -150),
    ],
)
def test_earnings_are_net_of_the_fee_on_both_sides(side, exit_price, fee, earned):
    assert pnl_percent(side, 100, exit_price, fee) == pytest.approx(earned)


def test_equals_the_money_counted_out():
    quantity, fee = 0.37, 0.001
    spent = quantity * 45_250 + quantity * 45_250 * fee
    got = quantity * 46_010 - quantity * 46_010 * fee
    assert pnl_percent(Side.LONG, 45_250, 46_010, 0.1) == pytest.approx(100 * (got - spent) / (quantity * 45_250))


def test_a_trade_is_opened_and_closed():
    trade = open_trade(**BEGIN, stop_price=95.0, target_price=110.0, fee_percent=0.1)
    assert (trade.id, trade.state, trade.pnl_percent) == (0, TradeState.OPEN, None)
    closed = close_trade(trade, exit_price=110, exit_at=2_000, reason="target")
    assert (closed.state, closed.exit_price, closed.exit_at, closed.exit_reason) == ("closed", 110, 2_000, "target")
    assert closed.pnl_percent == pytest.approx(9.79)


def test_closes_once():
    closed = close_trade(open_trade(**BEGIN), exit_price=110, exit_at=2_000)
    with pytest.raises(DataError, match="trade 0 is closed already"):
        close_trade(closed, exit_price=120, exit_at=3_000)


@pytest.mark.parametrize("price", [0, -1, math.nan, math.inf])
def test_refuses_what_is_no_price(price):
    with pytest.raises(DataError, match="the entry price is"):
        open_trade(**{**BEGIN, "entry_price": price})
    with pytest.raises(DataError, match="the exit price is"):
        close_trade(open_trade(**BEGIN), exit_price=price, exit_at=2_000)


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [
        (Side.LONG, 101, None),
        (Side.LONG, None, 99),
        (Side.SHORT, 99, None),
        (Side.SHORT, None, 101),
        (Side.LONG, 100, None),
    ],
)
def test_refuses_a_stop_or_target_on_the_wrong_side(side, stop, target):
    with pytest.raises(DataError, match=r"it must be (above|under)"):
        open_trade(**{**BEGIN, "side": side}, stop_price=stop, target_price=target)


def test_refuses_an_end_before_the_beginning():
    with pytest.raises(DataError, match="cannot end before it began"):
        close_trade(open_trade(**BEGIN), exit_price=110, exit_at=999)


@pytest.mark.parametrize("name", ["quantity", "fee_percent"])
def test_refuses_negative_amounts(name):
    with pytest.raises(DataError, match="give 0 or a number above"):
        open_trade(**BEGIN, **{name: -1.0})


def test_a_trade_that_leaves_in_thirds_ends():
    made = open_trade(symbol="BTC/USDT", side=Side.LONG, entry_price=100, entry_at=0, quantity=0.3)
    fills = [entry_fill(made)]
    made = settled(made, fills)
    for number in range(3):
        fills.append(exit_fill(made, price=Decimal(110), at=number, key=str(number), quantity=Decimal("0.1")))
        made = settled(made, fills)
        assert held_of(made) == Decimal("0.3") - Decimal("0.1") * (number + 1)
    assert made.state is TradeState.CLOSED
