"""The tangent that bends every layer, of few values and of many."""

import numpy as np
import pytest

from hybridd.analysis.scoring import tanh

EDGES = [
    0.0,
    -0.0,
    1e-300,
    2.0**-8,
    -(2.0**-8),
    19.999,
    20.0,
    -20.0,
    20.001,
    1e6,
    -1e12,
    1e300,
    np.inf,
    -np.inf,
    np.nan,
]


@pytest.mark.parametrize("n", [1, 512, 513, 100_000])
def test_it_is_the_librarys_to_the_twelfth_digit(n):
    x = np.linspace(-25, 25, n)
    assert tanh(x) == pytest.approx(np.tanh(x), rel=0, abs=2e-13)


def test_beyond_all_bounds_it_is_one_and_of_no_number_none():
    x = np.array(EDGES * 40)
    assert tanh(x) == pytest.approx(np.tanh(x), rel=0, abs=2e-13, nan_ok=True)
    assert np.abs(tanh(x)[~np.isnan(x)]).max() <= 1


def test_it_leaves_what_it_is_given_as_it_was():
    x = np.linspace(-3, 3, 1_000)
    kept = x.copy()
    tanh(x)
    assert np.array_equal(x, kept)
