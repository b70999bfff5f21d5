"""Candlestick patterns against TA-Lib called directly."""

import numpy as np
import pytest
import talib

from hybridd.analysis.candle_patterns import BLOCK, NAMES, PATTERNS, WARM, pattern_hits, rising
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
