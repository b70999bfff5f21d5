"""Which answers are answers."""

import pytest

from hybridd.brains.answer import answer_from
from hybridd.errors import BrainError
from hybridd.model.analysis import Signal

GOOD = {"final_score": 75, "signal": "LONG", "confidence": 0.92, "layers": {"trend": 80.5, "macro": None}}


def test_a_full_answer_is_read():
    answer = answer_from(GOOD, "mine")
    assert (answer.score, answer.signal, answer.confidence) == (75.0, Signal.LONG, 0.92)
    assert answer.layers == {"trend": 80.5, "macro": None}


@pytest.mark.parametrize("score", [0, 100, 0.0])
def test_both_ends_of_the_scale_are_scores(score):
    assert answer_from({**GOOD, "final_score": score}, "mine").score == score


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_named(key):
    with pytest.raises(BrainError, match=f"without {key}"):
        answer_from({k: v for k, v in GOOD.items() if k != key}, "mine")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("final_score", "75"), ("final_score", None), ("final_score", True), ("final_score", float("nan")),
        ("final_score", -0.1), ("final_score", 100.1), ("final_score", 10**400), ("final_score", float("inf")),
        ("confidence", 92), ("confidence", -1), ("confidence", [0.5]),
        ("signal", "BUY"), ("signal", "long"), ("signal", None), ("signal", ["LONG"]),
        ("layers", None), ("layers", [1]), ("layers", {"a": "x"}), ("layers", {"a": 101}), ("layers", {"": 5}),
        ("layers", {"a\nb": 5}), ("layers", {1: 5}), ("layers", {str(i): 5 for i in range(101)}),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_in_one_short_line(key, value):
    with pytest.raises(BrainError, match="the brain mine answered") as caught:
        answer_from({**GOOD, key: value}, "mine")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("data", [None, [], "text", 75])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(BrainError, match="where an object belongs"):
        answer_from(data, "mine")
