"""Candlestick patterns against TA-Lib called directly."""

import numpy as np
import pytest
import talib

from hybridd.analysis.candle_marks import measures, spelled, true_of, true_of_few
from hybridd.analysis.candle_patterns import BLOCK, NAMES, PATTERNS, WARM, pattern_hits, rising
from hybridd.analysis.candle_shapes import SHAPES, TRAPS, WORDS, found_in, found_in_few
from hybridd.model.candle import Candles
from tests.recorded_candles import recorded, walk


def test_every_pattern_of_talib_has_a_name_of_its_own():
    assert sorted(NAMES) == sorted(talib.get_function_groups()["Pattern Recognition"])
    assert len(NAMES) == 61
    assert len(set(PATTERNS.values())) == 61


def test_patterns_are_talibs_but_for_ties():
    c = recorded("BTC/USDT")[:8000]
    hits = pattern_hits(c)
    flat = c.high == c.low
    expected = np.array([np.sign(getattr(talib, name)(c.open, c.high, c.low, c.close)) for name in NAMES])
    expected[:, flat] = 0
    differ = np.count_nonzero(hits[:, BLOCK + WARM :] != expected[:, BLOCK + WARM :])
    assert np.count_nonzero(expected) > 10_000
    assert differ < 1e-3 * np.count_nonzero(expected)


@pytest.mark.parametrize("tick", [2, 3, 5, 8, 20])
def test_every_pattern_is_talibs_to_the_last_candle_where_prices_are_few_ticks_apart(tick):
    """Whole ticks tie often: which side a tie falls on is TA-Lib's, in each of the 61."""
    columns, n = coarse(tick), 12_000
    seen = found_in(true_of(measures(*columns), WORDS), (1 << n) - 1, (1 << n) - 1)
    for row, name in enumerate(NAMES):
        expected = np.sign(getattr(talib, name)(*columns))
        up, down = (ones(bits, n) for bits in seen[2 * row : 2 * row + 2])
        assert np.array_equal((up - down)[20:], expected[20:]), name


@pytest.mark.parametrize("n", [1, 4, 20, 63, 64])
def test_words_are_as_true_of_few_candles_as_of_many(n):
    found = measures(*coarse(3))[:, :500]
    many, few = true_of(found, WORDS), true_of_few(found[:, :n], WORDS)
    everywhere = (1 << n) - 1
    assert [bits & everywhere for bits in few.tolist()] == [bits & everywhere for bits in many]


@pytest.mark.parametrize("n", [1, 5, 33, 64])
def test_the_same_patterns_are_in_few_candles_whether_all_are_looked_for_at_once(n):
    found, everywhere, met = measures(*coarse(3)), (1 << n) - 1, 0
    for start in range(0, 11_900, 61):
        marks, asked = found[:, start : start + n], everywhere >> 1 << 1
        expected = found_in(true_of(marks, WORDS), everywhere, asked)
        assert found_in_few(true_of_few(marks, WORDS), everywhere, asked).tolist() == expected
        met += sum(map(bool, expected))
    assert met > 100 or n == 1


def coarse(tick: int) -> list[np.ndarray]:
    """Open, high, low, close in whole numbers, with gaps, dojis and shadows in plenty."""
    rng, n = np.random.default_rng(tick), 12_000
    close = 1000.0 + np.cumsum(rng.integers(-tick, tick + 1, n))
    opened = np.r_[1000.0, close[:-1]] + rng.integers(-tick, tick + 1, n) * (rng.random(n) < 0.5)
    high = np.maximum(opened, close) + rng.integers(0, tick, n) * (rng.random(n) < 0.6)
    low = np.minimum(opened, close) - rng.integers(0, tick, n) * (rng.random(n) < 0.6)
    return [x * 2.0**20 for x in (opened, high, low, close)]


def ones(bits: int, n: int) -> np.ndarray:
    return np.array([bits >> i & 1 for i in range(n)])


def test_every_pattern_is_told_in_words_that_are_known():
    assert sorted([*SHAPES, *TRAPS]) == sorted(NAMES)
    with pytest.raises(KeyError):
        true_of(measures(*coarse(2)), ["c>nothing1"])
    with pytest.raises(ValueError, match="compares nothing"):
        true_of(measures(*coarse(2)), ["a_word_of_no_meaning"])
    assert spelled({"long": "body>mean c>o"}, "long.2 o>c1") == ("body>mean.2", "c>o.2", "o>c1")


@pytest.mark.parametrize("unit", [1000.0, 1 / 64, 0.01])
def test_patterns_do_not_depend_on_the_unit_of_price(unit):
    c = recorded("XRP/USDT")[:4000]
    other = Candles(c.step, c.open_time, c.open * unit, c.high * unit, c.low * unit, c.close * unit, c.volume)
    assert np.array_equal(pattern_hits(c), pattern_hits(other))


def test_patterns_do_not_depend_on_where_the_history_begins():
    c = recorded("XRP/USDT")[:6000]
    whole = pattern_hits(c)
    for begin in (1, 77, 1999):
        part = pattern_hits(c[begin:])
        assert np.array_equal(whole[:, begin + BLOCK + WARM :], part[:, BLOCK + WARM :])


def test_a_gap_in_time_breaks_a_pattern():
    c = walk(1200)
    at = 900
    cut = c.masked(np.r_[0:at, at + 20 : 1200])
    assert not pattern_hits(cut)[:, at : at + 4].any()
    assert pattern_hits(c)[:, at : at + 4].any()


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_handful_of_candles_is_no_error(length):
    assert pattern_hits(walk(length)).shape == (61, length)
    assert not rising(walk(length)).any()
