"""What price did after each candle."""

import numpy as np
import pytest

from hybridd.model.candle import Candles
from hybridd.reports.outcomes import DAY, clusters, independent, moves
from tests.recorded_candles import walk


def test_a_move_is_the_close_later_over_the_close():
    candles = walk(50)
    found = moves(candles, 12)
    assert found[:38] == pytest.approx([candles.close[i + 12] / candles.close[i] - 1 for i in range(38)])
    assert np.isnan(found[38:]).all()
    assert np.isnan(moves(candles, 50)).all()
    assert np.isnan(moves(candles, 0)).all()


def test_no_move_runs_across_a_gap():
    whole = walk(40)
    kept = np.delete(np.arange(40), 20)
    candles: Candles = whole.masked(kept)
    known = ~np.isnan(moves(candles, 5))
    assert known.tolist() == [i < 15 or 20 <= i < 34 for i in range(39)]


def test_analyses_of_a_day_go_together_and_of_three_horizons_where_longer():
    times = np.arange(10) * DAY
    assert len(np.unique(clusters(times, 3_600_000))) == 10
    assert len(np.unique(clusters(times, DAY))) == 4


def test_overlapping_outcomes_count_once():
    hits = np.arange(1200) % 2 == 0
    times = np.arange(1200) * 300_000
    assert independent(hits, times, np.zeros(1200, dtype=np.int64), 3_600_000) <= 100
    both = np.tile(times, 2), np.repeat([0, 1], 1200)
    assert independent(np.tile(hits, 2), *both, 3_600_000) <= 200
