"""The words of an answer: what is made is read, however a thumb types it, and a carrier's own words never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridd.delivery.answer_words import Answer, Words, ack, action, make, parse

IDS = st.integers(1, 2**63 - 1)
CODES = st.integers(0, 255).map("{:02X}".format)
ANSWERS = st.one_of(
    st.builds(Words, answer=st.just(Answer.ACK), id=IDS),
    st.builds(Words, answer=st.sampled_from([Answer.YES, Answer.NO]), id=IDS, code=CODES),
)
SPACE = st.sampled_from([" ", "  ", " #", ": ", "-", "\u00a0", "\t", ". ", ", "])
SEEN_42 = Words(answer=Answer.ACK, id=42)


@given(ANSWERS)
def test_what_is_made_is_read(words):
    assert parse(make(words)) == words
    assert parse(action(words).data) == words


@given(
    ANSWERS, st.lists(SPACE, min_size=4, max_size=4), st.sampled_from(["", "!", ".", " ", '"', "\nSent from a phone"])
)
def test_case_space_and_punctuation_do_not_matter(words, gaps, end):
    parts = make(words).lower().title().split(" ")
    typed = gaps[0] + "".join(part + gap for part, gap in zip(parts, gaps[1:], strict=False)).rstrip() + end
    assert parse(typed) == words


@pytest.mark.parametrize(
    "typed", ["ack42", "ACK #42", "Ack: 42.", "(ack 42)", "\n ack 42 \n\nJane", "ＡＣＫ ４２", "ack 0042"]
)
def test_an_ack_is_read_as_thumbs_type_it(typed):
    assert parse(typed) == SEEN_42


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "\n", "ACK", "42", "YES", "NO", "yes!", "STOP", "CANCEL", "END", "QUIT", "STOPALL", "START", "HELP",
        "UNSUBSCRIBE", "stop 42", "YES 42", "NO 42", "YES 7F", "YES 42 7", "YES 42 7FF", "YES 42 XY", "ACK 0", "ACK -",
        "ACK 42 43", "ACK 42 7F", "I said ack 42", "do not ACK 42", "ACK 99999999999999999999", "ACK x42",
        "ACK 9223372036854775808", "BACK 42", "YES 4 2 7F", "NACK 42", "ACK ٤٢", "😀",
    ],
)  # fmt: skip
def test_what_is_no_whole_answer_is_none(typed):
    assert parse(typed) is None


@given(st.text(max_size=60))
def test_whatever_comes_is_an_answer_or_none(text):
    found = parse(text)
    assert found is None or parse(make(found)) == found


@pytest.mark.parametrize("bad", [Words(answer=Answer.YES, id=42), Words(answer=Answer.ACK, id=0)])
def test_words_that_would_not_be_read_are_not_made(bad):
    with pytest.raises(ValueError, match="is no answer"):
        make(bad)


def test_a_button_says_what_it_does_in_few_bytes():
    assert ack(42).data == "ACK 42"
    assert ack(42).label == "I have seen it"
    assert len(ack(2**63 - 1).data.encode()) <= 64, "Telegram takes no more"
