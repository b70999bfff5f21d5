import pytest

from hybridd.model.analysis import Direction
from hybridd.signals.trend import trend_of


@pytest.mark.parametrize(
    ("scores", "trend", "change"),
    [
        ((62, 64, 75), Direction.UP, 13),
        ((78, 42, 72), Direction.DOWN, -6),
        ((50, 90, 55), Direction.STABLE, 5),
        ((50, 45), Direction.STABLE, -5),
        ((0, 6), Direction.UP, 6),
    ],
)
def test_compares_the_last_score_with_the_first(scores, trend, change):
    found = trend_of(scores)
    assert (found.trend, found.change, found.samples) == (trend, change, len(scores))
    assert (found.first_score, found.last_score) == (scores[0], scores[-1])


def test_percent_is_of_the_first_score():
    assert trend_of([50, 60]).percent_change == pytest.approx(20)


def test_there_is_no_percent_of_nothing():
    assert trend_of([0, 60]).percent_change is None


@pytest.mark.parametrize("scores", [(), (70,)])
def test_one_score_is_no_trend(scores):
    found = trend_of(scores)
    assert (found.trend, found.change, found.percent_change) == (Direction.INSUFFICIENT_DATA, None, None)
    assert found.samples == len(scores)


def test_a_first_score_next_to_zero_has_no_change_in_percent():
    assert trend_of([5e-324, 100.0]).percent_change is None
