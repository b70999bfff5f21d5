"""Stops and targets, candle by candle."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.model.order import Leg
from hybridd.model.trade import Side, Target
from hybridd.trading.walk import Plan, walk

D = Decimal


def plan(side=Side.LONG, shares=("0.5", "0.5"), **changes):
    sign = side.sign
    targets = tuple(
        Target(r=D(r), price=D(100) + sign * 10 * r, share=D(share)) for r, share in zip((1, 2), shares, strict=True)
    )
    return Plan(**({"side": side, "entry": D(100), "stop": D(100) - sign * 10, "targets": targets} | changes))


def exits(plan, *candles):
    return [(e.at, float(e.price), float(e.share), e.leg) for e in walk(plan, candles)]


@pytest.mark.parametrize(
    ("candles", "expected"),
    [
        ([(1, 100, 105, 91)], []),
        ([(1, 100, 105, 90)], [(1, 90, 1, Leg.STOP)]),
        ([(1, 85, 105, 80)], [(1, 85, 1, Leg.STOP)]),
        ([(1, 100, 110, 95)], [(1, 110, 0.5, Leg.TARGET)]),
        ([(1, 113, 115, 112)], [(1, 113, 0.5, Leg.TARGET)]),
        ([(1, 100, 121, 95)], [(1, 110, 0.5, Leg.TARGET), (1, 120, 0.5, Leg.TARGET)]),
        # Both in one candle: the worse one.
        ([(1, 100, 120, 90)], [(1, 90, 1, Leg.STOP)]),
        # After the first target the rest cannot lose any more; but only from the next candle on.
        ([(1, 100, 111, 99), (2, 105, 106, 99)], [(1, 110, 0.5, Leg.TARGET), (2, 100, 0.5, Leg.STOP)]),
        ([(1, 100, 111, 99), (2, 105, 125, 101)], [(1, 110, 0.5, Leg.TARGET), (2, 120, 0.5, Leg.TARGET)]),
    ],
)
def test_a_long_trade(candles, expected):
    assert exits(plan(), *candles) == expected


def test_a_short_trade_is_its_mirror():
    assert exits(plan(Side.SHORT), (1, 100, 101, 89), (2, 95, 100, 94)) == [
        (1, 90, 0.5, Leg.TARGET),
        (2, 100, 0.5, Leg.STOP),
    ]


def test_without_break_even_the_stop_stays():
    assert exits(plan(break_even_after=0), (1, 100, 111, 99), (2, 105, 106, 95), (3, 95, 96, 89)) == [
        (1, 110, 0.5, Leg.TARGET),
        (3, 90, 0.5, Leg.STOP),
    ]


candle = st.tuples(st.floats(50, 150), st.floats(0, 30), st.floats(0, 30)).map(
    lambda c: (0, c[0], c[0] + c[1], c[0] - c[2])
)


@given(side=st.sampled_from(Side), candles=st.lists(candle, max_size=30), after=st.integers(0, 2))
def test_never_more_than_everything_leaves_and_never_beyond_the_candle(side, candles, after):
    found = list(walk(plan(side, break_even_after=after), candles))
    assert sum((e.share for e in found), D(0)) <= 1
    for e in found:
        assert any(low <= float(e.price) <= high for _, _, high, low in candles)
