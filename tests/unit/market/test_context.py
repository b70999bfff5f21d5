"""What a value beyond candles must be to be believed, and when it became public."""

import numpy as np
import pytest

from hybridd.clock import as_ms
from hybridd.errors import FeedUnavailable
from hybridd.market.basis import basis_series
from hybridd.market.context import number, sifted
from hybridd.market.derivatives import perpetual_of, spot_of
from hybridd.market.order_book import imbalance
from hybridd.market.publication import DAY_MS, PUBLICATIONS, known_at, stale_after
from hybridd.model.context import FEAR_GREED, FUNDING, IMBALANCE, MACRO, OPEN_INTEREST
from hybridd.model.instrument import Instrument
from tests.unit.market.exchange_parts import NOW
from tests.unit.market.rows import run

FRIDAY = 1_789_689_600_000  # 2026-09-18T00:00Z


def days(*numbers: int) -> np.ndarray:
    return FRIDAY + DAY_MS * np.array(numbers, dtype=np.int64)


def test_every_series_has_its_publication():
    assert set(PUBLICATIONS) == {FUNDING, OPEN_INTEREST, IMBALANCE, FEAR_GREED, *MACRO}


def test_rows_come_out_in_order_and_each_instant_once():
    rows = [(NOW, 40), (NOW - DAY_MS, 30.0), (NOW, 41)]
    assert sifted(FEAR_GREED, "it", rows, NOW) == ([(NOW - DAY_MS, 30.0), (NOW, 41.0)], "")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((NOW, 140), r"fear_greed 140 for 2026-09-21T.*\(it lies in 0 to 100\)"),
        ((NOW, -1), "fear_greed -1 for"),
        ((NOW, "forty"), "fear_greed 'forty' for"),
        ((NOW, None), "fear_greed 'None' for"),
        ((NOW, True), "fear_greed 'True' for"),
        ((NOW, float("nan")), "fear_greed 'nan' for"),
        ((NOW + DAY_MS, 40), "a fear_greed of the future"),
        ((NOW // 1000, 40), "a fear_greed with the time"),
        ((None, 40), "a fear_greed with the time 'None'"),
    ],
)
def test_nonsense_is_left_out_and_told_in_one_line(row, why):
    good, refused = sifted(FEAR_GREED, "the index", [(NOW - DAY_MS, 30), row], NOW)
    assert good == [(NOW - DAY_MS, 30.0)]
    assert refused.startswith("the index gave ")
    assert refused.endswith(": left out")
    assert "\n" not in refused
    with pytest.raises(FeedUnavailable, match=f"the index gave .*{why}.*nothing of it was used"):
        sifted(FEAR_GREED, "the index", [row], NOW)


def test_several_refusals_are_counted():
    _, refused = sifted(FUNDING, "binance", [(NOW - 1, 0.1), (NOW, 7), (NOW, 8), (NOW, 9)], NOW)
    assert "and 2 more that cannot be" in refused


def test_a_text_that_spells_a_number_is_one():
    assert [number(cell) for cell in ("40", " 1.5", "forty", None, 3)] == [40.0, 1.5, "forty", None, 3]


def test_sentiment_and_funding_are_public_soon_after_their_stamp():
    known = known_at(FEAR_GREED, days(0), looked_before=None, now=NOW)
    assert 0 < known[0] - FRIDAY < 3_600_000
    settled = known_at(FUNDING, days(0), looked_before=None, now=NOW)[0]
    assert 60_000 < settled - FRIDAY < 300_000, (
        "not with the candle that closes then, but with the next of five minutes"
    )


def test_fridays_close_is_not_known_on_saturday():
    assert known_at("vix", days(-1, 0), looked_before=None, now=NOW).tolist() == days(1, 4).tolist()


def test_the_dollars_week_is_known_on_the_tuesday_after_it():
    assert known_at("dxy", days(-4, -1, 0, 3), looked_before=None, now=NOW).tolist() == days(4, 4, 4, 11).tolist()


def test_a_value_counts_from_when_it_was_found_and_not_before_it_is_public():
    wednesday = FRIDAY + 5 * DAY_MS
    looked = wednesday - 6 * 3_600_000
    known = known_at("vix", days(0, 3, 4), looked_before=looked, now=wednesday)
    assert known.tolist() == [wednesday, wednesday, wednesday + DAY_MS]
    assert known_at("vix", days(0), looked_before=FRIDAY, now=wednesday).tolist() == [wednesday]
    assert known_at("vix", days(0), looked_before=None, now=wednesday).tolist() == days(4).tolist()


def test_a_book_speaks_for_the_present_until_the_next_look():
    assert stale_after(IMBALANCE, 3_600_000) == 7_200_000
    assert stale_after(IMBALANCE, 1_000) == stale_after(IMBALANCE, 300_000) == 600_000
    assert stale_after(FUNDING, 86_400_000) == DAY_MS


def test_each_market_has_its_perpetual_and_each_perpetual_its_market():
    spot, swap = Instrument("BTC", "USDT"), Instrument("BTC", "USDT", "USDT")
    assert (perpetual_of(spot), perpetual_of(swap)) == (swap, swap)
    assert (spot_of(spot), spot_of(swap)) == (spot, spot)


def test_the_basis_is_the_perpetual_over_spot_where_both_have_a_candle():
    spot, perpetual = run([0, 1, 2, 4, 5]), run([1, 2, 3, 4])
    series = basis_series(perpetual, spot)
    assert series.at.tolist() == [int(spot.close_time[k]) for k in (1, 2, 3)]
    assert (series.known_at - series.at).tolist() == [spot.step] * 3
    assert series.values.tolist() == [0.0, 0.0, 0.0]
    dearer = run([1, 2]), run([1, 2])
    dearer[0].close[:] *= 1.001
    assert basis_series(*dearer).values.tolist() == pytest.approx([0.001, 0.001])
    assert len(basis_series(run([7]), run([8]))) == 0


def test_the_imbalance_counts_what_stands_within_one_percent_of_the_middle():
    book = {"bids": [[99.9, 3.0], [98.0, 500.0]], "asks": [[100.1, 1.0], [102.0, 900.0]]}
    assert imbalance(book) == 0.5
    assert imbalance({"bids": [[99.9, 1.0, 5]], "asks": [[100.1, 1.0, 7]]}) == 0.0
    assert imbalance({"bids": [[99.9, 0.0]], "asks": [[100.1, 1.0]]}) == -1.0


@pytest.mark.parametrize(
    ("book", "why"),
    [
        (["no book"], "another form"),
        ({"bids": [], "asks": [[1, 1]]}, "there are no bids"),
        ({"bids": [[1, 1]]}, "there are no asks"),
        ({"bids": [[1, None]], "asks": [[2, 1]]}, "is no order"),
        ({"bids": [["1", "1"]], "asks": [[2, 1]]}, "is no order"),
        ({"bids": [[1, -1]], "asks": [[2, 1]]}, "is no order"),
        ({"bids": [[float("nan"), 1]], "asks": [[2, 1]]}, "is no order"),
        ({"bids": [3], "asks": [[2, 1]]}, "is no order"),
        ({"bids": [[2, 1]], "asks": [[2, 1]]}, "not below the best ask"),
        ({"bids": [[100, 0]], "asks": [[100.1, 0]]}, "nothing is bid or asked within 1%"),
        ({"bids": [[50, 1]], "asks": [[150, 1]]}, "nothing is bid or asked within 1%"),
    ],
)
def test_what_is_no_order_book_has_no_imbalance(book, why):
    with pytest.raises(ValueError, match=why):
        imbalance(book)


def test_the_instants_of_this_file_are_what_they_say():
    from datetime import UTC, datetime

    assert as_ms(datetime(2026, 9, 18, tzinfo=UTC)) == FRIDAY
