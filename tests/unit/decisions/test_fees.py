"""What fees leave of a proposal, by hand and against what the rules would have made of it."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.decisions.fees import HEAVY_R, burden, with_fees_told
from hybridd.model.candle import Candles
from hybridd.model.trade import Side, Target
from hybridd.trading.rules_alone import FollowRules, rules_alone
from tests.makers import STEP, T0
from tests.unit.pipeline.trade_house import proposal

D = Decimal


def near(side=Side.LONG, risk="0.1", reward="2"):
    """A stop `risk` percent away from 100, and one target."""
    sign, risk, reward = side.sign, D(risk), D(reward)
    target = Target(r=reward, price=D(100) + sign * risk * reward, share=D(1))
    return replace(proposal(side), stop=D(100) - sign * risk, targets=(target,))


def test_a_near_stop_by_hand():
    found = burden(near(), 0.1)
    # 0.1 % of 100 and of 99.9 at the stop, of 100 and of 100.2 at the target; the stop is 0.1 away.
    assert found.at_stop == pytest.approx(1.999)
    assert (found.at_targets, found.reward) == (pytest.approx(2.002), pytest.approx(2.0))
    assert (found.share, found.needed) == (pytest.approx(1.001), 1.0)


def test_what_has_no_fees_needs_what_its_reward_says():
    assert burden(near(), 0.0).needed == pytest.approx(1 / 3)
    assert burden(replace(near(), stop=D(100)), 0.1).share == 1.0


@given(
    side=st.sampled_from(Side),
    risk=st.decimals("0.05", "20", places=3),
    reward=st.decimals("0.2", "10", places=2),
    fee=st.floats(0, 1),
)
def test_it_is_what_the_rules_would_really_make(side, risk, reward, fee):
    made = near(side, risk, reward)
    found = burden(made, fee)

    def ending(price):
        column = np.array([price], dtype=float)
        candles = Candles(
            open_time=np.array([T0]), open=np.array([100.0]), high=np.maximum(column, 100.0),
            low=np.minimum(column, 100.0), close=column, volume=column, step=STEP,
        )  # fmt: skip
        return rules_alone(made, candles, FollowRules(fee_percent=fee)).r

    lost, won = ending(float(made.stop)), ending(float(made.targets[0].price))
    assert lost == pytest.approx(-1 - found.at_stop, rel=1e-9)
    assert won == pytest.approx(found.reward - found.at_targets, rel=1e-9, abs=1e-9)
    if won > 0:
        assert found.needed * won + (1 - found.needed) * lost == pytest.approx(0, abs=1e-9)


def test_heavy_fees_are_the_first_reason_against_and_light_ones_are_not_spoken_of():
    made = replace(near(risk="0.4"), reasons_against=("trend: down",))
    told = with_fees_told(made, burden(made, 0.1))
    assert told.reasons_against == (
        "fees: they cost 0.50 R whatever comes, 25% of the gain at the targets; "
        "to break even the targets must be reached 50% of the time",
        "trend: down",
    )
    far = near(risk="1")
    assert burden(far, 0.1).at_stop < HEAVY_R
    assert with_fees_told(far, burden(far, 0.1)) == far
