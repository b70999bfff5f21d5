"""The arithmetic of forecasts, against scipy and against loops written from the definitions."""

import numpy as np
import pytest
from scipy import stats

from hybridd.reports.calibration import (
    brier_score,
    cluster_error,
    effective_n,
    expected_calibration_error,
    expected_chance_error,
    information_coefficient,
    ranks,
    reliability,
    wilson_interval,
)


def forecasts(n=5000, seed=1, skill=1.0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.2, 0.8, n)
    return p, rng.uniform(0, 1, n) < 0.5 + skill * (p - 0.5)


def test_the_brier_score_is_the_mean_squared_error():
    p, up = forecasts(200)
    assert brier_score(p, up) == pytest.approx(sum((a - b) ** 2 for a, b in zip(p, up, strict=True)) / 200)
    assert np.isnan(brier_score(np.zeros(0), np.zeros(0, dtype=bool)))


def test_the_calibration_error_is_that_of_its_definition():
    p, up = forecasts(1000)
    order = np.argsort(p)
    by_hand = sum(abs(up[part].mean() - p[part].mean()) * 100 / 1000 for part in np.split(order, 10))
    assert expected_calibration_error(p, up) == pytest.approx(by_hand, abs=1e-12)


def test_equal_forecasts_share_a_bin():
    p = np.repeat([0.5, 0.5, 0.5, 0.7], 25)
    up = np.arange(100) % 2 == 0
    curve = reliability(p, up)
    assert [one.n for one in curve] == [75, 25]
    assert [one.forecast for one in curve] == pytest.approx([0.5, 0.7])
    assert sum(one.observed * one.n for one in curve) == pytest.approx(up.sum())
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool)) == ()
    assert np.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)))


def test_overconfident_forecasts_have_a_calibration_error_and_sound_ones_little_more_than_chance():
    cluster = np.arange(5000)
    sound, bold = forecasts(), forecasts(skill=0.0)
    chance = expected_chance_error(*sound, cluster)
    assert expected_calibration_error(*sound) < 2 * chance
    assert expected_calibration_error(*bold) > 0.1
    errors = [expected_calibration_error(*forecasts(seed=seed)) for seed in range(20)]
    assert np.mean(errors) == pytest.approx(chance, rel=0.25)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (50, 100), (10, 10), (517, 1000)])
def test_wilsons_interval_is_scipys(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    found = wilson_interval(hits / n, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_cases_the_interval_says_nothing():
    found = wilson_interval(float("nan"), 0)
    assert (found.low, found.high) == (0.0, 1.0)


def test_ranks_and_correlation_are_scipys():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 50, 2000).astype(float)
    y = 0.3 * x + rng.normal(0, 20, 2000)
    assert np.array_equal(ranks(x), stats.rankdata(x))
    assert information_coefficient(x, y, np.arange(2000)).value == pytest.approx(stats.spearmanr(x, y).statistic)


def test_the_interval_of_the_correlation_is_that_of_many_draws():
    rng = np.random.default_rng(4)
    found, values = [], []
    for _ in range(200):
        x = rng.normal(0, 1, 300)
        ic = information_coefficient(x, 0.3 * x + rng.normal(0, 1, 300), np.arange(300))
        values.append(ic.value)
        found.append(ic.interval.high - ic.interval.low)
    assert np.mean(found) == pytest.approx(2 * 1.96 * np.std(values), rel=0.15)


def test_what_never_moves_has_no_correlation():
    one = information_coefficient(np.full(10, 3.0), np.arange(10.0), np.arange(10))
    assert np.isnan(one.value)
    assert np.isnan(one.interval.low)
    assert np.isnan(information_coefficient(np.zeros(0), np.zeros(0), np.zeros(0, dtype=int)).value)
    assert np.isnan(information_coefficient(np.arange(9.0), np.arange(9.0), np.zeros(9, dtype=int)).interval.low)


def test_repeated_outcomes_are_worth_one_case_each():
    rng = np.random.default_rng(5)
    once = rng.uniform(0, 1, 500) < 0.5
    assert effective_n(once, np.arange(500)) == pytest.approx(500, rel=0.01)
    assert effective_n(np.repeat(once, 12), np.repeat(np.arange(500), 12)) == pytest.approx(500, rel=0.01)


def test_the_error_of_a_mean_counts_what_goes_together_once():
    once = np.random.default_rng(6).normal(0, 1, 400)
    alone = cluster_error(once, np.arange(400))
    assert alone == pytest.approx(once.std(ddof=1) / 20)
    assert cluster_error(np.repeat(once, 12), np.repeat(np.arange(400), 12)) == pytest.approx(alone)
    assert cluster_error(once, np.zeros(400, dtype=int)) == cluster_error(once[:0], np.zeros(0, dtype=int)) == np.inf


def test_cases_that_agree_or_are_none_are_worth_their_clusters():
    assert effective_n(np.ones(100, dtype=bool), np.arange(100) // 10) == 10
    assert effective_n(np.zeros(0, dtype=bool), np.zeros(0, dtype=int)) == 0
    assert effective_n(np.arange(10) % 2 == 0, np.zeros(10, dtype=int)) == 1
