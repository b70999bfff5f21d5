"""Which markets another is compared with, and whether one is late: in a replay as candle by candle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.analysis.benchmarks import LATE, benchmarks_of, is_late, were_late
from hybridd.analysis.view import View, whole
from hybridd.model.candle import resample
from hybridd.model.instrument import parse_instrument
from hybridd.model.reading import Market
from tests.recorded_candles import walk

COUNT = 40
CANDLES = walk(COUNT)


def market(symbol="SOL/USDT", candles=CANDLES, **benchmarks):
    return Market(instrument=parse_instrument(symbol), candles=candles, benchmarks=benchmarks)


def pair(base):
    return f"{base}/USDT"


def late_by_the_book(opened, others):
    """Whether a benchmark has none for the candle that opened then and had one among the LATE before it."""
    step = CANDLES.step
    return any(
        opened not in times and any(opened - back * step in times for back in range(1, LATE + 1)) for times in others
    )


@settings(max_examples=200, deadline=None)
@given(
    there=st.lists(st.lists(st.booleans(), min_size=COUNT, max_size=COUNT), min_size=0, max_size=3),
    ends=st.integers(1, COUNT),
    asked=st.integers(1, COUNT),
)
def test_lateness_is_told_as_by_the_book_in_a_replay_and_live(there, ends, asked):
    kept = dict(zip(("BTC/USDT", "ETH/USDT", "PAXG/USDT"), (CANDLES.masked(np.array(t)) for t in there), strict=False))
    now = as_it_stood(market(**kept), ends)
    # A replay holds what came after a candle too: what is told of the candle must not know of it.
    ahead = replace(market(**kept), candles=CANDLES[:ends])
    times = [set(other.open_time.tolist()) for other in kept.values()]
    expected = [late_by_the_book(opened, times) for opened in CANDLES.open_time[:ends].tolist()]
    asked = min(asked, ends)
    assert were_late(View(now, asked)).tolist() == expected[-asked:]
    assert were_late(View(ahead, asked)).tolist() == expected[-asked:]
    assert is_late(View(now, 1)) == expected[-1]


def as_it_stood(found, ends):
    """The market as it stood when its candle `ends` - 1 closed."""
    close = int(CANDLES.open_time[ends - 1])
    seen = {
        name: other[: int(other.open_time.searchsorted(close, "right"))] for name, other in found.benchmarks.items()
    }
    return replace(found, candles=CANDLES[:ends], benchmarks=seen)


def test_a_market_is_not_compared_with_itself_nor_with_what_has_no_candles_or_others():
    hour = resample(CANDLES, 12 * CANDLES.step, 0)
    given_ = {pair("BTC"): CANDLES, pair("ETH"): CANDLES[:0], pair("PAXG"): hour}
    assert list(benchmarks_of(whole(market("SOL/USDT", **given_)))) == ["BTC"]
    assert list(benchmarks_of(whole(market("BTC/USDT", **given_)))) == []


def test_their_order_is_the_same_however_they_are_given():
    given_ = {pair(base): CANDLES for base in ("PAXG", "ETH", "BTC")}
    assert list(benchmarks_of(whole(market(**given_)))) == ["BTC", "ETH", "PAXG"]


@pytest.mark.parametrize(("gone", "late"), [(0, False), (1, True), (LATE, True), (LATE + 1, False)])
def test_one_that_has_stopped_is_waited_for_so_long(gone, late):
    stopped = market(**{pair("BTC"): CANDLES[: COUNT - gone]})
    assert is_late(View(stopped, 1)) is late
    assert bool(were_late(View(stopped, 1))[0]) is late
