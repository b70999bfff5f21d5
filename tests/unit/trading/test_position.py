"""Fills make positions, and the money is right to the last digit."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.errors import DataError
from hybridd.model.order import Fill
from hybridd.model.trade import Side
from hybridd.trading.position import exact, position

D = Decimal


def fill(buy, quantity, price, fee="0", number=0):
    return Fill(id=str(number), at=0, buy=buy, quantity=D(quantity), price=D(price), fee=D(fee))


def test_a_long_trade_with_two_exits_by_hand():
    fills = [fill(True, "2", "100", "0.2"), fill(False, "1", "110", "0.11"), fill(False, "0.5", "90", "0.045")]
    found = position(Side.LONG, fills)
    assert (found.quantity, found.share, found.entry_price) == (D("0.5"), D("0.25"), 100)
    assert float(found.exit_price) == pytest.approx(155 / 1.5)
    assert found.realised == D(10) - D(5) - D("0.355")
    assert found.unrealised(D(120)) == 10
    assert found.percent(found.realised) == found.realised / 2


def test_a_short_trade_earns_where_the_price_falls():
    found = position(Side.SHORT, [fill(False, "3", "10"), fill(True, "3", "8", "0.5")])
    assert (found.quantity, found.realised, found.cash) == (0, D("5.5"), D("5.5"))
    assert position(Side.SHORT, [fill(False, "3", "10")]).unrealised(D(11)) == -3


def test_more_cannot_leave_than_was_entered():
    with pytest.raises(DataError, match="no more"):
        position(Side.LONG, [fill(True, "1", "10"), fill(False, "1.0000000001", "10")])


@pytest.mark.parametrize(
    ("name", "bad"), [("quantity", "0"), ("quantity", "-1"), ("price", "NaN"), ("fee", "Infinity")]
)
def test_what_is_no_amount_is_refused(name, bad):
    good = {"quantity": "1", "price": "1", "fee": "0"}
    with pytest.raises(DataError, match=name):
        position(Side.LONG, [fill(True, **(good | {name: bad}))])


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1,5"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(DataError, match="not a number"):
        exact(text)


def test_a_tenth_is_a_tenth():
    assert exact(0.1) == D("0.1")


def amounts(most):
    return st.decimals(min_value=D("0.00000001"), max_value=most, places=8)


@given(
    side=st.sampled_from(Side),
    entries=st.lists(st.tuples(amounts(1000), amounts(1_000_000), amounts(10)), min_size=1, max_size=20),
    cuts=st.lists(st.tuples(st.integers(1, 99), amounts(1_000_000), amounts(10)), max_size=20),
)
def test_a_closed_trade_has_earned_its_cash_difference(side, entries, cuts):
    fills = [fill(side is Side.LONG, q, p, f) for q, p, f in entries]
    held = sum((q for q, _, _ in entries), D(0))
    for percent, price, fee in cuts:
        part = (held * percent / 100).quantize(D("0.00000001"))
        if part:
            fills.append(fill(side is Side.SHORT, part, price, fee))
            held -= part
    if held:
        fills.append(fill(side is Side.SHORT, held, D(100)))
    found = position(side, fills)
    cash = sum(((-1 if f.buy else 1) * f.quantity * f.price - f.fee for f in fills), D(0))
    assert found.quantity == 0
    assert found.realised == found.cash == cash


def test_a_hundred_thousand_fills_do_not_drift():
    units = [(i * 7919 % 100_003 + 1, i * 104_729 % 9_999_991 + 1) for i in range(50_000)]
    bought = [fill(True, D(q).scaleb(-8), D(p).scaleb(-2), D(q).scaleb(-9)) for q, p in units]
    sold = [fill(False, D(q).scaleb(-8), D(p + 3).scaleb(-2), D(q).scaleb(-9)) for q, p in reversed(units)]
    found = position(Side.LONG, bought + sold)
    # The same in integers: 3 hundredths a unit of quantity earned, two fees of a tenth of the quantity paid.
    total = sum(q for q, _ in units)
    assert found.realised == D(3 * total).scaleb(-10) - D(2 * total).scaleb(-9)


def test_a_hundred_thousand_random_fills_leave_the_cash_that_integers_say():
    rng, fills, held, cash = random.Random(11), [], 0, 0
    for _ in range(99_999):
        buy = not held or rng.random() < 0.5
        quantity = rng.randint(1, 10**12 if buy else held)  # in units of 1e-8 of the coin
        price, fee = rng.randint(1, 10**9), rng.randint(0, 10**7)  # 1e-2 and 1e-10 of the money
        fills.append(fill(buy, D(quantity).scaleb(-8), D(price).scaleb(-2), D(fee).scaleb(-10)))
        held += quantity if buy else -quantity
        cash -= (quantity if buy else -quantity) * price + fee
    if held:
        fills.append(fill(False, D(held).scaleb(-8), D(7)))
        cash += held * 700
    rng.shuffle(fills)  # in whatever order they are told
    found = position(Side.LONG, fills)
    assert found.quantity == 0
    assert found.realised == found.cash == D(cash).scaleb(-10)
