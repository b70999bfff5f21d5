"""What stop and targets alone would have made of a proposal, by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.model.outcome import Standing
from hybridd.model.trade import Target
from hybridd.trading.rules_alone import FollowRules, rules_alone
from tests.makers import STEP, T0
from tests.unit.reports.cases import D, candles, proposal

FREE = FollowRules(fee_percent=0.0)
FEES = FollowRules(fee_percent=0.1)


def told(p, *rows, rules=FREE):
    found = rules_alone(p, candles(*rows), rules)
    return found.standing, found.r, found.exits


@pytest.mark.parametrize(
    ("side", "rows", "expected"),
    [
        ("LONG", [(100, 121, 95, 110)], (Standing.FINAL, 2.0, ("target",))),
        ("LONG", [(100, 105, 95, 104), (104, 104, 90, 91)], (Standing.FINAL, -1.0, ("stop",))),
        ("SHORT", [(100, 105, 79, 85)], (Standing.FINAL, 2.0, ("target",))),
        ("SHORT", [(100, 111, 95, 104)], (Standing.FINAL, -1.0, ("stop",))),
        # Both in one candle: the worse one. A gap beyond the stop fills where it opens.
        ("LONG", [(100, 120, 90, 110)], (Standing.FINAL, -1.0, ("stop",))),
        ("LONG", [(85, 86, 80, 85)], (Standing.FINAL, -1.5, ("stop",))),
        ("LONG", [(100, 105, 95, 104)], (Standing.OPEN, 0.4, ())),
        ("LONG", [], (Standing.OPEN, None, ())),
        # A candle is missing: what happened in it nobody knows.
        ("LONG", [(100, 105, 95, 104), None, (104, 121, 104, 120)], (Standing.UNKNOWN, None, ())),
        ("LONG", [None, (104, 121, 104, 120)], (Standing.UNKNOWN, None, ())),
        ("LONG", [(100, 121, 95, 110), None, (104, 121, 104, 120)], (Standing.FINAL, 2.0, ("target",))),
    ],
)
def test_it_is_as_by_hand(side, rows, expected):
    standing, r, exits = told(proposal(side), *rows)
    assert (standing, exits) == (expected[0], expected[2])
    assert r == (None if expected[1] is None else pytest.approx(expected[1]))


def test_both_fees_are_paid():
    # 20 earned; 0.1 % of 100 and of 120 paid: 0.22. R is 10.
    found = rules_alone(proposal(), candles((100, 121, 95, 110)), FEES)
    assert found.r == pytest.approx(1.978)
    assert found.percent == pytest.approx(19.78)
    assert found.fees == pytest.approx(0.022)


def test_targets_take_their_shares_and_the_rest_breaks_even():
    targets = (Target(r=D(1), price=D(110), share=D("0.5")), Target(r=D(3), price=D(130), share=D("0.5")))
    p = proposal(targets=targets)
    rows = [(100, 112, 99, 111), (111, 112, 100, 101)]
    # Half at +1 R; then the stop stands at the entry and takes the other half there.
    assert told(p, *rows) == (Standing.FINAL, 0.5, ("target", "stop"))
    kept = replace(FREE, break_even_after=0)
    standing, r, exits = told(p, *rows, rules=kept)
    # Half at +1 R, half still held at 101: 0.5 + 0.05.
    assert (standing, r, exits) == (Standing.OPEN, pytest.approx(0.55), ("target",))


def test_it_says_when_it_ended():
    found = rules_alone(proposal(), candles((100, 105, 95, 104), (104, 121, 95, 110)), FREE)
    assert found.ended_at == T0 + STEP


prices = st.floats(min_value=80, max_value=125, allow_nan=False)


@given(st.lists(st.tuples(prices, prices, prices, prices), max_size=30), st.sampled_from(["LONG", "SHORT"]))
def test_no_course_earns_more_than_the_targets_or_loses_more_than_the_worst_open(rows, side):
    rows = [(o, max(o, h, low, c), min(o, h, low, c), c) for o, h, low, c in rows]
    p = proposal(side)
    found = rules_alone(p, candles(*rows), FEES)
    if not rows:
        assert found.standing is Standing.OPEN
        return
    # What opens beyond stop or target fills there, and no candle opens further away than 20 or 25.
    assert -2.6 - found.fees <= found.r <= 2.6
    assert found.r == pytest.approx(float(Decimal(str(found.percent)) * 10 / 100))
    assert (found.standing is Standing.FINAL) == (found.ended_at is not None)
