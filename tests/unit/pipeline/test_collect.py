"""The collector: each symbol on its own, nothing brought twice, nothing forgotten before it is in the state."""

import threading

import numpy as np
import pytest

from hybridd.clock import ManualClock
from hybridd.errors import FeedUnavailable
from hybridd.market.backoff import Backoff
from hybridd.market.keeper import SeriesKeeper
from hybridd.model.candle import no_candles
from hybridd.pipeline.collect import Collector
from tests.makers import STEP, T0
from tests.recorded_candles import walk
from tests.unit.pipeline.house import FRAME, READY, ScriptFeed

NAMES = tuple(f"{letter}X/USDT" for letter in "ABCDEFGHIJKL")
PATIENCE = 10.0


class Slow(ScriptFeed):
    """A feed whose answers for some symbols come when a test lets them."""

    def __init__(self, clock, markets, slow=()):
        super().__init__(clock, markets)
        self.slow, self.go = set(slow), threading.Event()

    def rows(self, instrument, timeframe, since, limit):
        if instrument.symbol in self.slow:
            assert self.go.wait(PATIENCE)
        return super().rows(instrument, timeframe, since, limit)


def desk(slow=()):
    clock = ManualClock(T0)
    market = walk(READY + 50, start=T0 - READY * STEP)
    feed = Slow(clock, dict.fromkeys(NAMES, market), slow)
    collector = Collector(
        feed=feed, keeper=SeriesKeeper(feed=feed, history=READY), backoff=Backoff(), clock=clock, timeframe=FRAME,
        stored=lambda _, frame: no_candles(frame.ms),
    )  # fmt: skip
    return collector, feed, clock


def gathered(collector, names):
    return {one.text: one for batch in collector.gather(names) for one in batch}


def test_a_slow_symbol_delays_none_that_is_ready():
    collector, feed, _ = desk(slow=NAMES[:1])
    batches = collector.gather(NAMES[:3])
    first = [one.text for _ in range(1) for one in next(batches)]
    while len(first) < 2:
        first += [one.text for one in next(batches)]
    assert set(first) == set(NAMES[1:3])
    feed.go.set()
    assert [one.text for batch in batches for one in batch] == [NAMES[0]]
    collector.close()


def test_what_nobody_kept_is_brought_again_with_what_is_new():
    collector, _, clock = desk()
    first = gathered(collector, NAMES[:1])[NAMES[0]]
    assert len(first.fresh["5m"]) == READY
    clock.advance(STEP)
    second = gathered(collector, NAMES[:1])[NAMES[0]]
    assert len(second.fresh["5m"]) == READY + 1
    collector.kept(second)
    clock.advance(STEP)
    third = gathered(collector, NAMES[:1])[NAMES[0]]
    assert third.fresh["5m"].open_time.tolist() == [T0 + STEP]
    collector.close()


def test_to_say_kept_of_an_older_answer_loses_nothing_of_a_newer_one():
    collector, _, clock = desk()
    first = gathered(collector, NAMES[:1])[NAMES[0]]
    clock.advance(STEP)
    second = gathered(collector, NAMES[:1])[NAMES[0]]
    collector.kept(first)
    third = gathered(collector, NAMES[:1])[NAMES[0]]
    assert np.isin(second.fresh["5m"].open_time[-1], third.fresh["5m"].open_time)
    collector.close()


def test_a_correction_by_the_source_reaches_the_state():
    collector, feed, clock = desk()
    collector.kept(gathered(collector, NAMES[:1])[NAMES[0]])
    feed.revise(NAMES[0], READY - 1, 777.0)
    clock.advance(STEP)
    found = gathered(collector, NAMES[:1])[NAMES[0]]
    assert found.fresh["5m"].close.tolist()[0] == 777.0
    assert len(found.incidents) >= 1
    collector.kept(found)
    assert gathered(collector, NAMES[:1])[NAMES[0]].incidents == ()
    collector.close()


def test_a_defect_is_raised_when_all_others_have_had_their_turn():
    collector, feed, _ = desk()
    feed.trouble[NAMES[3]].append(ZeroDivisionError("a defect"))
    found = []

    def take():
        for batch in collector.gather(NAMES):
            found.extend(one.text for one in batch)

    with pytest.raises(ZeroDivisionError):
        take()
    assert sorted(found) == sorted(set(NAMES) - {NAMES[3]})
    collector.close()


def test_a_longer_time_frame_that_is_missing_costs_only_itself():
    collector, feed, _ = desk()
    feed.trouble[NAMES[0]].extend([None, FeedUnavailable("no 15m"), None, None, None])
    found = gathered(collector, NAMES[:1])[NAMES[0]]
    assert found.error is None
    assert "15m" not in found.market.higher
    assert "1h" in found.market.higher
    collector.close()


def test_closing_ends_the_wait_for_symbols_that_were_never_asked():
    """More symbols than workers, and all workers held: what is cancelled then is never reported as done."""
    collector, feed, _ = desk(slow=NAMES)
    waiting, ended = threading.Event(), threading.Event()

    def work():
        for batch in collector.gather(NAMES):
            if not batch:
                waiting.set()
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert waiting.wait(PATIENCE)
    collector.close()
    feed.go.set()
    assert ended.wait(PATIENCE), "a cycle waits for ever after the end"
    thread.join(PATIENCE)
    assert list(collector.gather(NAMES)) == [], "a cycle that begins after the end finds nothing to do"
