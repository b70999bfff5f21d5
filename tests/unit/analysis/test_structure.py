"""Swings, levels and what the structure layer makes of them, against a slow reading of the same chart."""

from datetime import UTC, datetime

import numpy as np
import pytest

from hybridd.analysis.indicators import atr
from hybridd.analysis.levels import _period_number, pivots, value_areas
from hybridd.analysis.swings import REACH, SPAN, breaks, swing_highs, swing_lows
from hybridd.model.candle import Candles
from hybridd.model.reading import Abstain
from tests.more_layers import alone, layer
from tests.recorded_candles import recorded, walk

PLACES = (2_000, 2_001, 2_017, 3_333, 5_004, 7_999)


def chart() -> Candles:
    return recorded("ETH/USDT")[30_000:38_000]


def turns(price: list[float], i: int) -> list[int]:
    """Positions of the swing highs that are known at candle i and not too old, in order; walked one by one."""
    return [
        s
        for s in range(max(SPAN, i - REACH), i - SPAN + 1)
        if price[s] > max(price[s - SPAN : s]) and price[s] >= max(price[s + 1 : s + SPAN + 1])
    ]


@pytest.mark.parametrize("i", PLACES)
def test_swings_are_those_that_stand_out_from_ten_candles_a_side(i):
    c = chart()
    high, low = turns(c.high.tolist(), i), turns((-c.low).tolist(), i)
    highs, lows = swing_highs(c.high), swing_lows(c.low)
    assert (highs.last[i], highs.before[i], highs.at[i]) == (c.high[high[-1]], c.high[high[-2]], high[-1])
    assert (lows.last[i], lows.before[i], lows.at[i]) == (c.low[low[-1]], c.low[low[-2]], low[-1])


def test_a_swing_is_known_ten_candles_after_its_extreme_and_no_sooner():
    high = np.r_[np.linspace(1, 2, 30), np.linspace(2, 1, 31)[1:]]
    found = swing_highs(high)
    assert np.isnan(found.last[: 29 + SPAN]).all()
    assert (found.last[29 + SPAN :] == 2.0).all()


def test_of_equal_highs_the_first_is_the_swing():
    high = np.r_[np.linspace(1, 2, 30), 2.0, 2.0, np.linspace(2, 1, 31)[1:]]
    assert swing_highs(high).at[-1] == 29


def test_a_swing_breaks_once():
    high = np.r_[np.linspace(1, 2, 30), np.linspace(2, 1, 16)[1:], np.linspace(1, 3, 5)[1:]]
    close = np.r_[high[:-3] - 0.01, 2.5, 1.9, 2.6]
    found = swing_highs(high)
    assert np.flatnonzero(breaks(close, found.last, found.at)).tolist() == [len(high) - 3]


@pytest.mark.parametrize("i", PLACES[2:4])
def test_breaks_fade_with_their_age(i):
    c = chart()
    total = 0.0
    for price, close, side in ((c.high.tolist(), c.close, 1), ((-c.low).tolist(), -c.close, -1)):
        newest = {j: (turns(price, j) or [None])[-1] for j in range(i - 95 - REACH, i + 1)}
        for j in range(i - 95, i + 1):
            swing = newest[j]
            if swing is None or close[j] <= price[swing]:
                continue
            if not any(close[k] > price[swing] and newest[k] == swing for k in range(swing + SPAN, j)):
                total += side * 0.97 ** (i - j)
    assert layer("structure").parts(alone("ETH/USDT", c))["structure.breaks"][i] == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("i", PLACES)
def test_pivots_are_those_of_the_utc_day_before(i):
    c = chart()
    day = [datetime.fromtimestamp(t / 1000, UTC).date() for t in c.open_time.tolist()]
    yesterday = [k for k in range(i) if (day[i] - day[k]).days == 1]
    high, low, close = max(c.high[yesterday]), min(c.low[yesterday]), c.close[yesterday[-1]]
    found = pivots(c)
    assert found.pivot[i] == pytest.approx((high + low + close) / 3, rel=1e-14)
    first_resistance, first_support = (2 * found.pivot[i] - level for level in (low, high))
    assert found.spread[i] == pytest.approx(first_resistance - first_support, rel=1e-9)


@pytest.mark.parametrize(
    ("step", "length"),
    [
        (60_000, 3_600_000),
        (300_000, 86_400_000),
        (900_000, 86_400_000),
        (3_600_000, 604_800_000),
        (86_400_000, 28 * 86_400_000),
        (420_000, 60 * 420_000),
    ],
)
def test_the_pivot_period_follows_the_time_frame(step, length):
    number = _period_number(walk(2_000, step=step))
    counts = np.bincount(number - number[0])
    assert counts[1] == length // step
    assert counts.max() <= 420


def test_a_week_of_pivots_begins_on_monday():
    c = walk(2_000, step=3_600_000)
    number = _period_number(c)
    starts = c.open_time[1:][np.diff(number) > 0].tolist()
    assert {datetime.fromtimestamp(t / 1000, UTC).strftime("%a %H:%M") for t in starts} == {"Mon 00:00"}


@pytest.mark.parametrize("i", PLACES)
def test_the_value_area_grows_from_the_fullest_row_to_seven_tenths(i):
    c = chart()
    start = next(k for k in range(i, 0, -1) if c.open_time[k] % (12 * c.step) == 0)
    rows, bottom = [0.0] * 48, min(c.low[start - 288 : start])
    height = (max(c.high[start - 288 : start]) - bottom) / 48
    for k in range(start - 288, start, 6):
        ends = (min(c.low[k : k + 6]), max(c.high[k : k + 6]))
        first, last = (min(47, int((p - bottom) / height + 1e-6)) for p in ends)
        for row in range(first, last + 1):
            rows[row] += sum(c.volume[k : k + 6]) / (last - first + 1)
    low = high = rows.index(max(rows))
    while sum(rows[low : high + 1]) < 0.7 * sum(rows):
        above = rows[high + 1] if high < 47 else -1.0
        below = rows[low - 1] if low > 0 else -1.0
        low, high = (low, high + 1) if above >= below else (low - 1, high)
    found = value_areas(c)
    assert found.low[i] == pytest.approx(bottom + low * height, rel=1e-12)
    assert found.high[i] == pytest.approx(bottom + (high + 1) * height, rel=1e-12)


def test_the_newest_value_area_alone_is_the_one_of_the_whole_chart():
    """Beginnings, every place within the twelve candles that one holds for, and candles that are missing."""
    c = chart()[:2_000]
    for candles in (c, c.masked(np.random.default_rng(5).random(len(c)) > 0.1)):
        whole = value_areas(candles)
        for i in (*range(280, 320), *range(1_700, 1_713)):
            now = value_areas(candles[: i + 1], 1)
            assert np.array_equal([now.low[0], now.high[0]], [whole.low[i], whole.high[i]], equal_nan=True)
        assert np.isnan(whole.low[280:320]).any()
        assert (whole.low[280:320] > 0).any()


@pytest.mark.parametrize("i", PLACES)
def test_the_parts_are_what_the_chart_shows(i):
    c = chart()
    parts = {name.split(".")[1]: x[i] for name, x in layer("structure").parts(alone("ETH/USDT", c)).items()}
    highs, lows = turns(c.high.tolist(), i), turns((-c.low).tolist(), i)
    lifted = (c.high[highs[-1]] - c.high[highs[-2]] + c.low[lows[-1]] - c.low[lows[-2]]) / 2
    assert parts["swings"] == pytest.approx(lifted / atr(c)[i], rel=1e-12)
    top, bottom, rose = c.high[highs[-1]], c.low[lows[-1]], highs[-1] > lows[-1]
    back = ((top - c.close[i]) if rose else (c.close[i] - bottom)) / (top - bottom)
    if back <= 0:
        worth = 0.0
    elif back < 0.382:
        worth = back / 0.382
    elif back <= 0.618:
        worth = 1.0
    elif back < 0.786:
        worth = (0.786 - back) / 0.168
    else:
        worth = max(-1.0, (0.786 - back) / 0.214)
    assert parts["retracement"] == pytest.approx(worth if rose else -worth, abs=1e-9)
    area, pivot = value_areas(c), pivots(c)
    assert parts["pivots"] == pytest.approx((c.close[i] - pivot.pivot[i]) / pivot.spread[i])
    middle = (area.high[i] + area.low[i]) / 2
    assert parts["value"] == pytest.approx((c.close[i] - middle) / (area.high[i] - middle))


def waves(drift: float, n: int = 2_000) -> Candles:
    """Waves of 60 candles that lean one way."""
    noise = np.random.default_rng(5).normal(0, 0.0003, n)
    close = 100 * np.exp(drift * np.arange(n) + 0.01 * np.sin(np.arange(n) * 2 * np.pi / 60) + noise)
    before = np.r_[close[0], close[:-1]]
    opened = 1_750_032_000_000 + 300_000 * np.arange(n, dtype=np.int64)
    high, low = np.maximum(before, close) * 1.0002, np.minimum(before, close) * 0.9998
    return Candles(300_000, opened, before, high, low, close, np.full(n, 5.0))


@pytest.mark.parametrize(("drift", "words"), [(2e-4, "higher highs, higher lows"), (-2e-4, "lower highs, lower lows")])
def test_rising_waves_are_bullish_and_falling_ones_bearish(drift, words):
    market = alone("ETH/USDT", waves(drift))
    mean = layer("structure").evaluate(market).values[-60:].mean()
    assert mean > 65 if drift > 0 else mean < 35
    assert words in layer("structure").explain(market, 1999)


def test_without_swings_to_compare_it_has_seen_nothing():
    close = 100 * np.exp(0.001 * np.arange(2_000))
    opened = 1_750_032_000_000 + 300_000 * np.arange(2_000, dtype=np.int64)
    c = Candles(300_000, opened, close, close * 1.0001, close * 0.9999, close, np.full(2_000, 5.0))
    market = alone("ETH/USDT", c)
    assert layer("structure").evaluate(market).abstain[-1] == Abstain.NOTHING_SEEN
    assert layer("structure").explain(market, 1999) == "too few swings of late to compare"
