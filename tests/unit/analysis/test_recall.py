"""What is recalled is what would have been computed."""

import numpy as np

from hybridd.analysis.recall import recalled


def test_the_same_numbers_are_computed_once_and_others_anew():
    asked = []

    def total(one, other):
        asked.append(len(one))
        return float(one.sum() - other.sum())

    first, second = np.arange(5.0), np.arange(3.0)
    assert recalled(total, first, second) == recalled(total, first.copy(), second.copy()) == 7.0
    assert asked == [5]
    first[0] = 1.0
    assert recalled(total, first, second) == 8.0
    assert recalled(total, second, first) == -8.0
    assert asked == [5, 5, 3]


def test_the_same_numbers_cut_elsewhere_are_another_question():
    numbers = np.arange(5.0)

    def first_total(one, _other):
        return float(one.sum())

    assert recalled(first_total, numbers[:2], numbers[2:]) == 1.0
    assert recalled(first_total, numbers[:3], numbers[3:]) == 3.0


def test_two_formulas_of_the_same_numbers_are_two_questions():
    numbers = np.array([3.0, 1.0, 2.0])
    assert recalled(np.max, numbers) == 3.0
    assert recalled(np.min, numbers) == 1.0
