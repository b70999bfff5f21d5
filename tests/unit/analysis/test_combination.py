"""The combination against the book's arithmetic."""

import numpy as np
import pytest

from hybridd.analysis.combination import (
    agreement,
    combined,
    correlation_matrix,
    diversification_multiplier,
    multipliers,
)

NAN = float("nan")


def score(opinions, weights, rho, gain=1.0):
    """Of opinions from −1 to 1, NaN where a layer does not answer."""
    values = 50 + 50 * opinions
    return combined(values, ~np.isnan(values), weights, rho, gain)


def test_the_multiplier_is_one_for_copies_and_grows_as_opinions_differ():
    half = np.array([0.5, 0.5])
    assert diversification_multiplier(half, np.ones((2, 2))) == pytest.approx(1.0)
    assert diversification_multiplier(half, np.eye(2)) == pytest.approx(np.sqrt(2))
    three = np.full(3, 1 / 3)
    rho = np.where(np.eye(3) > 0, 1.0, 0.5)
    assert diversification_multiplier(three, rho) == pytest.approx(1.2247, abs=1e-4)  # Carver (2015), table 18


def test_negative_correlation_counts_as_none_and_unknown_as_the_average():
    rho = correlation_matrix(("a", "b", "mine"), {("a", "b"): -0.4, ("a", "c"): 0.6})
    assert rho[0, 1] == 0
    assert rho[0, 2] == rho[1, 2] == pytest.approx(0.3)
    assert np.array_equal(rho, rho.T)
    assert np.array_equal(correlation_matrix(("a", "b"), {}), np.eye(2))


def test_the_score_is_the_weighted_mean_of_those_that_answered_times_their_multiplier():
    opinions = np.array([[0.4, 0.4, NAN, NAN], [0.1, NAN, 0.1, NAN], [-0.2, NAN, NAN, NAN]])
    weights = np.array([2.0, 1.0, 1.0])
    x = score(opinions, weights, np.eye(3))
    share = weights / 4
    assert x[0] == pytest.approx((0.8 + 0.1 - 0.2) / 4 / np.sqrt(share @ share))
    assert x[1] == pytest.approx(0.4)
    assert x[2] == pytest.approx(0.1)
    assert np.isnan(x[3])


def test_the_score_is_clipped_and_the_gain_applies_before():
    opinions = np.array([[0.9], [0.9]])
    assert score(opinions, np.ones(2), np.eye(2))[0] == 1.0
    assert score(opinions, np.ones(2), np.eye(2), gain=0.5)[0] == pytest.approx(0.45 * np.sqrt(2))


def test_the_multiplier_is_right_for_every_set_of_more_than_eight_layers():
    rng = np.random.default_rng(4)
    answers, weights = rng.random((19, 300)) > 0.4, rng.uniform(0.1, 2, 19)
    rho = np.where(np.eye(19) > 0, 1.0, 0.25)
    found = multipliers(answers, weights, rho)
    alone = [multipliers(answers[:, i : i + 1], weights, rho)[0] for i in range(300)]
    assert found.tolist() == alone
    for i in range(300):
        chosen = answers[:, i]
        share = weights[chosen] / weights[chosen].sum()
        assert found[i] == pytest.approx(diversification_multiplier(share, rho[np.ix_(chosen, chosen)]))


def test_confidence_is_the_weight_on_the_scores_side_of_all_weight():
    opinions = np.array([[0.4, NAN, 0.0, 0.3], [0.1, 0.2, 0.0, -0.3], [-0.2, NAN, 0.0, NAN]])
    weights = np.array([2.0, 1.0, 1.0])
    confidence, agreeing = agreement(50 + 50 * opinions, np.array([0.3, 0.2, 0.0, NAN]), weights)
    np.testing.assert_allclose(confidence, [0.75, 0.25, 0.0, 0.0])
    assert agreeing.tolist() == [2, 1, 0, 0]


def test_no_candles_no_score():
    assert score(np.empty((3, 0)), np.ones(3), np.eye(3)).shape == (0,)
