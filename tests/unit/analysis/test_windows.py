"""Windows against slow, literal sums."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from hybridd.analysis import windows
from hybridd.analysis.ranks import rank_in_window
from hybridd.analysis.spreads import rolling_spread, spreads, weighted_spread

X = np.random.default_rng(1).normal(50_000, 30, 700)
WEIGHT = np.random.default_rng(2).uniform(0, 5, 700)
LENGTHS = (1, 2, 3, 14, 20, 48, 96, 200, 384)


def slow(function, n, *columns):
    views = [sliding_window_view(column, n) for column in columns]
    return np.array([function(*(view[i] for view in views)) for i in range(len(views[0]))])


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(
    ("fast", "literal"),
    [
        (windows.rolling_sum, np.sum),
        (windows.rolling_mean, np.mean),
        (windows.rolling_max, np.max),
        (windows.rolling_min, np.min),
        (lambda x, n: rolling_spread(x, n)[0], np.mean),
        (lambda x, n: rolling_spread(x, n)[1], np.std),
        (lambda x, n: windows.ewma(x, 0.9, n), lambda w: np.average(w, weights=0.9 ** np.arange(len(w))[::-1])),
        (lambda x, n: windows.decayed_sum(x, 0.9, n), lambda w: np.sum(w * 0.9 ** np.arange(len(w))[::-1])),
    ],
)
def test_a_window_says_what_its_values_say(fast, literal, n):
    out = fast(X, n)
    assert np.isnan(out[: n - 1]).all()
    np.testing.assert_allclose(out[n - 1 :], slow(literal, n, X), rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("n", LENGTHS)
def test_a_weighted_window_counts_each_value_by_its_weight(n):
    mean, sigma = weighted_spread(X, WEIGHT, n)
    literal = slow(lambda x, w: np.average(x, weights=w), n, X, WEIGHT)
    np.testing.assert_allclose(mean[n - 1 :], literal, rtol=1e-13)
    spread = slow(lambda x, w: np.sqrt(np.average((x - np.average(x, weights=w)) ** 2, weights=w)), n, X, WEIGHT)
    np.testing.assert_allclose(sigma[n - 1 :], spread, atol=1e-8)


def test_a_window_without_weight_has_no_mean():
    for last in (None, 1):
        mean, sigma = weighted_spread(X[:10], np.zeros(10), 4, last)
        assert np.isnan(mean).all()
        assert np.isnan(sigma).all()


@pytest.mark.parametrize("n", LENGTHS)
def test_the_same_window_says_the_same_wherever_the_history_begins(n):
    for function in (
        windows.rolling_sum,
        windows.rolling_mean,
        windows.rolling_max,
        windows.rolling_min,
        lambda x, n, last=None: rolling_spread(x, n, last)[0],
        lambda x, n, last=None: rolling_spread(x, n, last)[1],
        lambda x, n, last=None: weighted_spread(x, WEIGHT[len(WEIGHT) - len(x) :], n, last)[0],
        lambda x, n, last=None: weighted_spread(x, WEIGHT[len(WEIGHT) - len(x) :], n, last)[1],
        lambda x, n, last=None: windows.ewma(x, 0.95, n, last),
        lambda x, n, last=None: windows.recursive_mean(x, 27, n, last),
        lambda x, n, last=None: rank_in_window(x, n, last),
    ):
        whole = function(X, n)
        for begin in (1, 17, 255):
            np.testing.assert_allclose(whole[begin + n :], function(X[begin:], n)[n:], rtol=1e-11, atol=1e-9)
        for last in (1, 5, 17, 200, 700):
            np.testing.assert_allclose(whole[-last:], function(X, n, last), rtol=1e-11, atol=1e-9)
        assert np.isnan(function(X[: n - 1], n, 5)).all()


def test_several_windows_are_summed_up_at_once():
    lengths = (20, 50, 200)
    for x in (X, X[:300], X[:120], X[:30], X[:5]):
        for last in (None, 1, 40):
            for n, (mean, sigma) in zip(lengths, spreads(x, lengths, last), strict=True):
                expected = rolling_spread(x, n, last)
                np.testing.assert_allclose(mean, expected[0], rtol=1e-13)
                np.testing.assert_allclose(sigma, expected[1], rtol=1e-9)


def test_a_window_in_which_nothing_moved_says_so_exactly_whatever_came_before():
    x = np.r_[X[:300], np.full(300, X[299]), X[300:]]
    assert (rolling_spread(x, 96)[1][394:600] == 0).all()
    assert (rolling_spread(x, 96, 500)[1][:100] == 0).all()
    assert (rolling_spread(x[:600], 96, 80)[1] == 0).all()
    assert (rolling_spread(x[:600], 96, 1)[1] == 0).all()
    assert (weighted_spread(x[:600], np.ones(600), 96, 1)[1] == 0).all()
    assert (weighted_spread(x, np.ones(1000), 96)[1][394:600] == 0).all()
    assert (windows.recursive_mean(x - X[299], 27, 96)[395:600] == 0).all()
    assert (windows.recursive_mean(x, 27, 96)[395:600] == X[299]).all()


def test_a_spread_passes_over_what_is_not_known():
    x = np.r_[np.nan, np.nan, X]
    x[350] = np.nan
    for n in (3, 60):
        mean, sigma = rolling_spread(x, n)
        np.testing.assert_allclose(mean[n - 1 :], slow(np.mean, n, x), rtol=1e-13)
        np.testing.assert_allclose(sigma[n - 1 :], slow(np.std, n, x), atol=1e-9)
        for last in (1, 30):
            for found, expected in zip(rolling_spread(x[: 351 + n], n, last), (mean, sigma), strict=True):
                np.testing.assert_allclose(found, expected[351 + n - last : 351 + n], atol=1e-9)


def test_an_average_by_recursion_passes_over_what_is_not_known():
    x = np.r_[np.nan, X]
    np.testing.assert_allclose(windows.recursive_mean(x, 27, 96)[1:], windows.recursive_mean(X, 27, 96))
    x[400] = np.nan
    expected = windows.ewma(x, 13 / 14, 96)
    np.testing.assert_allclose(windows.recursive_mean(x, 27, 96), expected, rtol=1e-12)


def test_any_of_a_window():
    x = np.array([False, True, False, False, False, True])
    assert windows.any_of(x, 3).tolist() == [False, True, True, True, False, True]
    assert windows.any_of(x, 1).tolist() == x.tolist()


def test_a_constant_has_no_spread_at_all():
    assert (rolling_spread(np.full(300, 0.1 + 0.2), 96)[1][95:] == 0).all()


def test_a_window_that_holds_nan_is_nan_and_the_next_one_is_not():
    x = X.copy()
    x[100] = np.nan
    out = windows.rolling_mean(x, 10)
    assert np.isnan(out[100:110]).all()
    assert not np.isnan(out[110:]).any()


def test_the_cut_and_renormalised_average_is_the_endless_one_less_its_past():
    decay, n = 0.9, 50
    endless = np.empty_like(X)
    endless[0] = X[0]
    for i in range(1, len(X)):
        endless[i] = decay * endless[i - 1] + (1 - decay) * X[i]
    expected = (endless[n:] - decay**n * endless[:-n]) / (1 - decay**n)
    np.testing.assert_allclose(windows.ewma(X, decay, n)[n:], expected, rtol=1e-12)


def test_rank_counts_what_lies_below_and_half_of_what_is_equal():
    x = np.array([1.0, 2.0, 2.0, 3.0, 2.0])
    np.testing.assert_allclose(rank_in_window(x, 4)[4], (1 + 0.5 * 2) / 4)
    ranks = rank_in_window(X, 288)
    literal = slow(lambda w: np.mean(w[:-1] < w[-1]), 289, X)
    np.testing.assert_allclose(ranks[288:], literal, atol=1e-12)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_too_few_values_give_nothing_and_no_error(length):
    x = np.ones(length)
    for out in (
        windows.rolling_sum(x, 6),
        windows.ewma(x, 0.5, 6),
        rank_in_window(x, 6),
        *rolling_spread(x, 6),
    ):
        assert out.shape == (length,)
        assert np.isnan(out).all()


def test_a_ratio_has_no_value_where_the_bottom_is_not_above_zero():
    out = windows.ratio(np.array([1.0, 1.0, 1.0]), np.array([2.0, 0.0, np.nan]))
    assert out[0] == 0.5
    assert np.isnan(out[1:]).all()


def test_lagged_looks_back():
    np.testing.assert_array_equal(windows.lagged(np.array([1.0, 2.0, 3.0]), 2), [np.nan, np.nan, 1.0])
    assert np.isnan(windows.lagged(np.array([1.0]), 5)).all()
