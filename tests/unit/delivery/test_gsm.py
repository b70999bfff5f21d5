"""The line that fits one SMS."""

from hypothesis import given
from hypothesis import strategies as st

from hybridd.delivery.gsm import _ALPHABET, gsm, one_segment


def test_signs_are_written_out():
    assert gsm("62 → 78 – “≥ 5”… [a] €5") == '62 -> 78 - ">= 5"... (a) EUR5'
    assert gsm("é ç 日本 a\nb\tc\u00a0d") == "é c ?? a b c d"


def test_parts_are_added_while_they_fit_and_never_cut():
    assert one_segment("head", ["one", "x" * 200, "two"]) == "head. one. two"


def test_a_long_head_is_cut_and_shows_it():
    line = one_segment("SIMULATED: " + "x" * 300)
    assert len(line) == 160
    assert line.startswith("SIMULATED")
    assert line.endswith("...")


@given(st.text(max_size=400), st.lists(st.text(max_size=100), max_size=4))
def test_whatever_is_said_is_one_segment(head, parts):
    line = one_segment(head, parts)
    assert len(line) <= 160
    assert set(line) <= _ALPHABET


def test_half_a_sign_is_told_and_not_dropped():
    assert gsm("A\ud800B") == "A?B"
