"""Series joined by publication, and opinions put together."""

import math

import numpy as np
import pytest

from hybridd.analysis.as_known import (
    Part,
    as_known,
    averaged,
    bent,
    nearness,
    rank,
    silent,
    stacked,
    turning_points,
    z_value,
)
from hybridd.analysis.ranks import rank_in_window
from hybridd.analysis.windows import rolling_mean
from hybridd.model.context import ContextSeries
from hybridd.model.reading import Abstain

SERIES = ContextSeries(
    "x", np.array([10, 20, 30]), np.array([100, 200, 300]), np.array([1.0, 2.0, 6.0]), stale_after=150
)


def codes(*parts):
    return [Abstain(code) for part in parts for code in part.abstain]


def test_a_statistic_is_known_from_its_last_values_publication_on():
    part = as_known(
        SERIES, lambda x, last: rolling_mean(x, 2, last), 2, np.array([99, 100, 199, 200, 299, 300, 450, 451])
    )
    np.testing.assert_array_equal(part.values, [np.nan, np.nan, np.nan, 1.5, 1.5, 4.0, 4.0, np.nan])
    assert codes(part) == [
        Abstain.NO_DATA, Abstain.WARM_UP, Abstain.WARM_UP, Abstain.ANSWERS, Abstain.ANSWERS, Abstain.ANSWERS,
        Abstain.ANSWERS, Abstain.STALE,
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_many_moments_are_known_as_each_by_itself(seed):
    """Also where nothing came for long and then several values at once, or none yet at the first moments."""
    rng = np.random.default_rng(seed)
    known_at = np.sort(rng.integers(0, 60, rng.integers(1, 40)))
    series = ContextSeries("x", known_at - 1, known_at, rng.random(len(known_at)), stale_after=int(rng.integers(1, 9)))
    moments = int(rng.integers(-5, 40)) + np.cumsum(rng.integers(1, 3, 25))
    need = int(rng.integers(1, 4))

    def mean(x, last):
        return rolling_mean(x, need, last)

    part, alone = as_known(series, mean, need, moments), [as_known(series, mean, need, one[None]) for one in moments]
    np.testing.assert_allclose(part.values, [one.values[0] for one in alone], rtol=1e-12)
    assert codes(part) == codes(*alone)


def test_only_the_values_that_are_needed_are_looked_at():
    seen = []

    def statistic(x, last):
        seen.append(len(x))
        return x[-last:]

    part = as_known(SERIES, statistic, 2, np.array([301, 302]))
    assert seen == [2]
    assert part.values.tolist() == [6.0, 6.0]


def test_a_statistic_without_a_value_is_undefined():
    flat = ContextSeries("x", SERIES.at, SERIES.known_at, np.full(3, 0.1), 150)
    assert codes(as_known(flat, lambda x, last: z_value(x, 3, last), 3, np.array([300]))) == [Abstain.UNDEFINED]


@pytest.mark.parametrize("series", [None, SERIES.known_by(5)])
def test_a_series_that_is_not_there_is_no_data(series):
    assert codes(as_known(series, lambda x, _: x, 1, np.array([300, 400]))) == [Abstain.NO_DATA] * 2


def test_opinions_stack_to_the_spread_of_one():
    one, other = (
        Part(np.array(x), np.array(c, dtype=np.int8)) for x, c in (([0.5, 0.5], [0, 0]), ([1.0, np.nan], [0, 3]))
    )
    raw = stacked([one, other])
    less, more = bent(np.array([0.5, 1.0]))
    np.testing.assert_allclose(raw.values, [(less + more) / 2**0.5, less])
    assert less == pytest.approx(3 * math.tanh(0.5 / 3), rel=1e-14)
    spread = np.std(
        stacked(
            [Part(x, np.zeros(4000, dtype=np.int8)) for x in np.random.default_rng(1).normal(0, 1, (5, 4000))]
        ).values
    )
    assert spread == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(
    ("reasons", "joint"),
    [
        ([Abstain.NO_DATA, Abstain.STALE], Abstain.STALE),
        ([Abstain.STALE, Abstain.WARM_UP], Abstain.WARM_UP),
        ([Abstain.WARM_UP, Abstain.UNDEFINED, Abstain.NO_DATA], Abstain.UNDEFINED),
        ([Abstain.NO_DATA, Abstain.NO_DATA], Abstain.NO_DATA),
    ],
)
def test_where_nobody_answers_the_reason_is_that_of_who_came_nearest(reasons, joint):
    for n in (1, 2):
        parts = [silent(n, reason) for reason in reasons]
        for raw in (stacked(parts), averaged(parts)):
            assert raw.abstain.tolist() == [joint] * n
            assert np.isnan(raw.values).all()


def test_which_reason_came_nearer_can_be_told():
    for n in (1, 2):
        parts = [silent(n, Abstain.STALE), silent(n, Abstain.WARM_UP)]
        raw = averaged(parts, nearness(Abstain.WARM_UP, Abstain.STALE))
        assert raw.abstain.tolist() == [Abstain.STALE] * n


def test_opinions_on_one_candle_are_put_together_as_those_on_many():
    rng = np.random.default_rng(4)
    codes = np.where(rng.uniform(size=(4, 300)) < 0.3, rng.integers(1, 5, (4, 300)), 0).astype(np.int8)
    parts = [Part(np.where(c, np.nan, x), c) for x, c in zip(rng.normal(0, 2, (4, 300)), codes, strict=True)]
    units = (0.5, 1.0, 2.0, 0.1)
    for together in (stacked, averaged, lambda some: stacked(some, units)):
        many = together(parts)
        for i in range(300):
            one = together([Part(part.values[i : i + 1], part.abstain[i : i + 1]) for part in parts])
            np.testing.assert_allclose(one.values, many.values[i : i + 1], rtol=1e-13, atol=1e-15)
            assert one.abstain[0] == many.abstain[i]


def test_ranks_are_those_of_the_windows():
    x = np.round(np.random.default_rng(3).normal(0, 2, 500))
    x[100] = np.nan
    np.testing.assert_allclose((1 + rank(x, 60)) / 2, rank_in_window(x, 60), atol=1e-15)
    assert np.isnan(rank(x[:60], 60)).all()


def test_turning_points_are_where_a_value_is_known_or_stale_for_the_first_time():
    moments = np.arange(90, 700, 20)
    later = ContextSeries("y", SERIES.at, SERIES.known_at + 5, SERIES.values, 1_000)
    points = moments[turning_points(moments, [SERIES, None, later])].tolist()
    assert points == [90, 110, 210, 310, 470]
    assert turning_points(moments[:1], [SERIES]).tolist() == [0]
    assert turning_points(moments[:0], [SERIES]).tolist() == []
    every = as_known(SERIES, lambda x, last: x[-last:], 1, moments)
    seldom = as_known(SERIES, lambda x, last: x[-last:], 1, np.array(points))
    held = np.searchsorted(points, moments, side="right") - 1
    assert np.array_equal(every.values, seldom.values[held], equal_nan=True)
    assert np.array_equal(every.abstain, seldom.abstain[held])
