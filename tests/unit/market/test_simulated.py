"""The made-up market: always the same, from wherever it is looked at, and with the habits of real ones."""

import numpy as np
import pytest

from hybridd.clock import ManualClock
from hybridd.errors import FeedUnavailable, UnknownSymbol
from hybridd.market.price_path import BLOCK, PricePath, block_of, border
from hybridd.market.simulated import SimulatedFeed
from hybridd.model.candle import candles_from_rows, resample
from hybridd.model.timeframe import parse_timeframe, timeframe_of

NOW = 1_790_000_123_456
M5, H1, S1, D1 = (parse_timeframe(text) for text in ("5m", "1h", "1s", "1d"))


def a_feed(seed=1, frame=M5, now=NOW):
    return SimulatedFeed(clock=ManualClock(now), seed=seed, timeframe=frame)


def ask(feed, symbol="BTC/USDT", frame=M5, back=500, count=500):
    return feed.rows(feed.instrument(symbol), frame, frame.open_at(NOW) - back * frame.ms, count)


def test_it_says_what_it_is():
    assert a_feed().simulated is True


def test_a_restart_changes_nothing():
    before = ask(a_feed())
    block_of.cache_clear()
    assert ask(a_feed()) == before


@pytest.mark.parametrize(("back", "count"), [(500, 1), (499, 37), (250, 250), (3, 10)])
def test_candles_are_the_same_from_any_start(back, count):
    whole = {row[0]: row for row in ask(a_feed())}
    part = ask(a_feed(), back=back, count=count)
    assert len(part) == min(count, back)
    assert all(whole[row[0]] == row for row in part)


def test_seeds_and_symbols_make_different_markets():
    runs = [ask(a_feed(seed), symbol) for seed in (1, 2) for symbol in ("BTC/USDT", "ETH/USDT")]
    returns = [np.diff(np.log([row[4] for row in run])) for run in runs]
    for i in range(4):
        for j in range(i):
            assert abs(np.corrcoef(returns[i], returns[j])[0, 1]) < 0.25


def test_only_closed_candles_are_shown():
    last = ask(a_feed(), count=10_000)[-1]
    assert last[0] + M5.ms == M5.open_at(NOW)


def test_every_candle_opens_where_the_one_before_it_closed():
    run = np.array(ask(a_feed(), back=3 * BLOCK, count=3 * BLOCK))
    assert run[1:, 1].tolist() == run[:-1, 4].tolist()


def test_every_candle_is_possible_and_on_the_tick():
    run = np.array(ask(a_feed(), back=5_000, count=5_000))
    assert (run[:, 3] <= np.minimum(run[:, 1], run[:, 4])).all()
    assert (run[:, 2] >= np.maximum(run[:, 1], run[:, 4])).all()
    assert (run[:, 5] > 0).all()
    tick = PricePath(key="1|BTC/USDT", step=M5.ms).tick
    assert run[:, 1:5] / tick == pytest.approx(np.round(run[:, 1:5] / tick), abs=1e-5)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "XRP/USDT"])
def test_returns_have_fat_tails_and_cluster_and_bring_volume(symbol):
    run = np.array(ask(a_feed(), symbol, back=15_000, count=15_000))
    returns = np.diff(np.log(run[:, 4]))
    sizes = np.abs(returns)
    assert ((returns - returns.mean()) ** 4).mean() / returns.var() ** 2 > 4
    assert np.corrcoef(sizes[:-1], sizes[1:])[0, 1] > 0.1
    assert np.corrcoef(sizes[:-20], sizes[20:])[0, 1] > 0.05
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.05
    assert np.corrcoef(sizes, run[1:, 5])[0, 1] > 0.4
    assert 0.3 < returns.std() * np.sqrt(365.25 * 288) < 1.5


def test_decades_neither_blow_up_nor_die():
    path = PricePath(key="1|BTC/USDT", step=M5.ms)
    blocks_a_year = 365 * 86_400_000 // (BLOCK * M5.ms)
    prices = [border(path, k) for k in range(0, 60 * blocks_a_year, 11)]
    assert 1.0 < np.ptp(prices) < 7.0
    assert abs(np.mean(prices) - np.log(path.level)) < 1.0


def test_longer_candles_are_the_shorter_ones_put_together():
    base = candles_from_rows(M5.ms, ask(a_feed(), back=600, count=600))
    made = ask(a_feed(), frame=H1, back=40, count=40)
    expected = resample(base, H1.ms).since(int(made[0][0]))
    assert [row[4] for row in made] == expected.close.tolist()
    assert [row[2] for row in made] == expected.high.tolist()
    assert [row[5] for row in made] == pytest.approx(expected.volume.tolist())


def test_the_past_of_longer_candles_is_long_but_has_an_end():
    feed = a_feed(frame=S1)
    days = feed.rows(feed.instrument("BTC/USDT"), D1, 0, 2000)
    assert 2 <= len(days) <= 5
    assert days[-1][0] == D1.open_at(NOW) - D1.ms


@pytest.mark.parametrize("frame", ["1s", "1m", "4h", "1d", "1w"])
def test_any_time_frame_can_be_made_up(frame):
    timeframe = parse_timeframe(frame)
    run = ask(a_feed(frame=timeframe), frame=timeframe, back=50, count=50)
    assert [row[0] for row in run] == [timeframe.open_at(NOW) - k * timeframe.ms for k in range(50, 0, -1)]


def test_a_shorter_time_frame_than_the_base_is_not_there():
    feed = a_feed()
    with pytest.raises(FeedUnavailable, match="multiples"):
        feed.rows(feed.instrument("BTC/USDT"), timeframe_of(60_000), 0, 10)


def test_a_text_that_is_no_symbol_is_refused():
    with pytest.raises(UnknownSymbol, match="BTC/USDT"):
        a_feed().instrument("???")
