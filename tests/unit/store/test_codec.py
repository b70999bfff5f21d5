import math
from decimal import Decimal

import numpy as np
import pytest

from hybridd.model.analysis import Odds, Signal, SignalState
from hybridd.model.change import Change, Reason
from hybridd.model.said import Abstain, Reading
from hybridd.store.codec import from_text, plain, quick_text, read_as, to_text


def test_equal_values_have_equal_texts():
    assert to_text({"b": 1, "a": (1, None)}) == to_text({"a": [1, None], "b": 1}) == '{"a":[1,null],"b":1}'


@pytest.mark.parametrize("number", [0.1, 1 / 3, 1e-300, 1.7976931348623157e308, -0.0, 45250.0, 12345678901234567])
def test_numbers_come_back_to_the_last_bit(number):
    back = from_text(to_text(number))
    assert back == number
    assert type(back) is type(number)


def test_what_is_not_a_number_is_null_and_an_infinite_one_is_refused():
    assert to_text([math.nan]) == "[null]"
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_text(math.inf)


@pytest.mark.parametrize(
    "value",
    [
        {"b": 1, "a": (1, None), "Ä": '"\n\u2028\x1f\\', "e": ""},
        [0.1, 1 / 3, 1e-300, 1e-5, 1e16, 1.7976931348623157e308, -0.0, 45250.0, 12345678901234567, True],
        [np.float64(1 / 3), np.int64(7), np.bool_(True)],
        [math.nan, np.float64(math.nan), 0.5],
        Odds(probability=1 / 3, low=0.25, high=0.5, n=10),
        SignalState(signal=Signal.LONG, candidate=Signal.SHORT, streak=1),
        Reading(layer="trend", score=math.nan, weight=1.0, reason="no null", abstain=Abstain.STALE),
        {"price": Decimal("0.10"), "kinds": [Signal.LONG, Reason.TEST]},
        [np.str_("rising"), {np.str_("kind"): np.float32(1.5)}],
        {True: 1, None: 2, 3: 4, 1.5: 6, (7, "a"): 8, np.int64(9): 10, Signal.LONG: 11},
    ],
)
def test_a_quick_text_reads_as_the_other_does(value):
    # Written once more, so that 1, 1.0 and True are not the same, nor 0.0 and -0.0.
    assert to_text(from_text(quick_text(value))) == to_text(value)


BROKEN = Odds(probability=math.nan, low=0.0, high=math.inf, n=1)


@pytest.mark.parametrize(
    "value", [math.inf, {"a": [-math.inf]}, [np.float64(math.inf), math.nan], (None, {"b": (1, math.inf)}), BROKEN]
)
def test_a_quick_text_of_an_infinite_number_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        quick_text(value)


def test_a_quick_text_of_what_has_no_json_form_is_refused():
    with pytest.raises(ValueError, match="has no JSON form"):
        quick_text(object())


def test_numpys_numbers_are_numbers():
    assert plain([np.float64(0.5), np.int64(7), np.bool_(True)]) == [0.5, 7, True]


def test_what_has_no_json_form_is_refused():
    with pytest.raises(ValueError, match="has no JSON form"):
        to_text({1, 2})


@pytest.mark.parametrize("after", ["LONG", 75.5, 75, None])
def test_a_value_of_several_kinds_keeps_its_kind(after):
    change = Change(subject="s", reason=Reason.TEST, at=1, before=None, after=after)
    assert read_as(Change, to_text(change)) == change


def test_enums_come_back_as_enums():
    state = SignalState(signal=Signal.LONG, candidate=None, streak=1)
    assert read_as(SignalState, to_text(state)).signal is Signal.LONG


def test_a_field_younger_than_the_text_takes_its_default():
    assert read_as(SignalState, '{"signal": "SHORT"}') == SignalState(signal=Signal.SHORT)


def test_a_field_older_than_the_program_is_left_out():
    text = '{"probability": 0.5, "low": 0.4, "high": 0.6, "n": 10, "gone": 1}'
    assert read_as(Odds, text) == Odds(probability=0.5, low=0.4, high=0.6, n=10)
