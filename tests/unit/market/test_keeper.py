"""The series that are kept: what is fetched, what is told, what is remembered."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.errors import FeedUnavailable
from hybridd.market.keeper import OVERLAP, REFETCHES, SeriesKeeper
from hybridd.market.quality import IncidentKind
from hybridd.model.instrument import Instrument
from tests.unit.market.rows import M5, T0, places_of, row, rows, run

BTC, ETH = Instrument("BTC", "USDT"), Instrument("ETH", "USDT")


@dataclass
class ListFeed:
    """A feed of exactly the rows that a test puts into it."""

    name: str = "list"
    simulated: bool = True
    clock: int = T0
    table: dict[int, tuple] = field(default_factory=dict)
    asked: list[tuple[int, int]] = field(default_factory=list)
    broken: Exception | None = None

    def has(self, places, close=None):
        self.table |= {k: row(k, close) for k in places}

    def at(self, place):
        self.clock = T0 + place * M5.ms
        return self

    def now(self):
        return self.clock

    def instrument(self, text):
        return BTC

    def rows(self, instrument, timeframe, since, limit):
        self.asked.append(((since - T0) // M5.ms, limit))
        if self.broken is not None:
            raise self.broken
        found = [self.table[k] for k in sorted(self.table) if self.table[k][0] >= since]
        return found[:limit]

    def close(self):
        pass


def a_keeper(places=range(100), at=100, history=50):
    feed = ListFeed()
    feed.has(places)
    feed.at(at)
    return SeriesKeeper(feed=feed, history=history), feed


def told(update):
    return [(i.kind, (i.open_time - T0) // M5.ms, i.count) for i in update.incidents]


def test_the_first_update_fetches_the_whole_history():
    keeper, feed = a_keeper()
    update = keeper.update(BTC, M5)
    assert places_of(update.candles) == places_of(update.fresh) == list(range(50, 100))
    assert feed.asked == [(50, 51)]
    assert update.expected_close == T0 + 100 * M5.ms
    assert not update.behind


def test_nothing_is_asked_while_no_candle_can_have_closed():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.clock += M5.ms - 1
    update = keeper.update(BTC, M5)
    assert len(feed.asked) == 1
    assert len(update.fresh) == 0
    assert len(update.candles) == 50


def test_the_next_update_asks_for_the_new_candle_and_a_few_before_it():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.has([100])
    update = (feed.at(101), keeper.update(BTC, M5))[1]
    assert feed.asked[-1] == (100 - OVERLAP, OVERLAP + 2)
    assert places_of(update.fresh) == [100]
    assert places_of(update.candles) == list(range(51, 101))


def test_a_source_that_lags_is_behind_and_is_asked_again():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.at(101)
    assert keeper.update(BTC, M5).behind
    feed.has([100])
    update = keeper.update(BTC, M5)
    assert not update.behind
    assert places_of(update.fresh) == [100]


def test_a_market_without_candles_is_behind():
    keeper, _ = a_keeper(places=[])
    update = keeper.update(BTC, M5)
    assert update.behind
    assert len(update.candles) == 0


def test_a_seed_that_reaches_back_far_enough_saves_the_history():
    keeper, feed = a_keeper()
    keeper.seed(BTC, M5, run(range(45, 98)))
    update = keeper.update(BTC, M5)
    assert feed.asked == [(95, 6)]
    assert places_of(update.fresh) == [98, 99]
    assert places_of(update.candles) == list(range(49, 100)), "a history up to each of the two that are new"


def test_a_seed_that_is_too_short_is_completed():
    keeper, feed = a_keeper()
    keeper.seed(BTC, M5, run(range(90, 98)))
    update = keeper.update(BTC, M5)
    assert feed.asked == [(49, 52)]
    assert places_of(update.candles) == list(range(49, 100))


def test_after_an_absence_each_candle_has_its_history_until_the_next_update():
    keeper, feed = a_keeper(places=range(500), at=100)
    keeper.update(BTC, M5)
    update = (feed.at(200), keeper.update(BTC, M5))[1]
    assert feed.asked[-1] == (97, 104)
    assert places_of(update.candles) == list(range(51, 200))
    assert (update.missed, update.short_until) == (100, -1)
    assert places_of(keeper.update(BTC, M5).candles) == list(range(51, 200))
    update = (feed.at(201), keeper.update(BTC, M5))[1]
    assert places_of(update.candles) == list(range(151, 201))
    assert update.missed == 1


def test_after_a_long_absence_two_histories_are_made_up_for_and_the_one_before_is_for_them():
    keeper, feed = a_keeper(places=range(500), at=100)
    keeper.update(BTC, M5)
    update = (feed.at(500), keeper.update(BTC, M5))[1]
    assert feed.asked[-1] == (350, 151)
    assert places_of(update.candles) == list(range(350, 500))
    assert update.short_until == T0 + 399 * M5.ms, "the first to be judged has fifty up to it"
    assert (update.missed, places_of(update.fresh)) == (150, list(range(350, 500)))
    assert keeper.update(BTC, M5).short_until == update.short_until, "whoever asks again must know it too"
    feed.has([500])
    update = (feed.at(501), keeper.update(BTC, M5))[1]
    assert (update.short_until, update.missed, len(update.candles)) == (-1, 1, 50)


def test_a_seed_of_another_time_frame_is_refused():
    keeper, _ = a_keeper()
    with pytest.raises(ValueError, match="cannot seed"):
        keeper.seed(BTC, type(M5)(60_000, "1m"), run(range(3)))


def test_a_gap_is_asked_for_once_and_stays_a_gap_when_the_source_confirms_it():
    keeper, feed = a_keeper(places=[k for k in range(100) if k not in (70, 71)])
    update = keeper.update(BTC, M5)
    assert told(update) == [(IncidentKind.GAP, 70, 2)]
    assert feed.asked == [(50, 51), (70, 2)]
    feed.has([100])
    update = (feed.at(101), keeper.update(BTC, M5))[1]
    assert told(update) == []
    assert len(feed.asked) == 3


def test_a_gap_that_the_second_request_fills_is_told_as_filled():
    keeper, feed = a_keeper(places=[k for k in range(100) if k != 70])
    ask = feed.rows
    feed.rows = lambda *a: (ask(*a), feed.has([70]))[0]
    update = keeper.update(BTC, M5)
    assert told(update) == [(IncidentKind.GAP_FILLED, 70, 1)]
    assert places_of(update.fresh) == list(range(50, 100))


def test_a_candle_that_comes_late_fills_its_gap():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.has([101])
    assert told((feed.at(102), keeper.update(BTC, M5))[1]) == [(IncidentKind.GAP, 100, 1)]
    feed.has([100, 102])
    update = (feed.at(103), keeper.update(BTC, M5))[1]
    assert told(update) == [(IncidentKind.GAP_FILLED, 100, 1)]
    assert places_of(update.fresh) == [100, 102]


def test_a_ragged_history_cannot_stall_one_update():
    keeper, feed = a_keeper(places=range(0, 100, 2), at=99)
    update = keeper.update(BTC, M5)
    assert len(feed.asked) == 1 + REFETCHES
    assert len([i for i in update.incidents if i.kind is IncidentKind.GAP]) == 24
    feed.has([99, 100])
    feed.at(101)
    assert len([i for i in keeper.update(BTC, M5).incidents if i.kind is IncidentKind.GAP]) == 0


def test_a_failing_second_request_costs_no_candle_and_is_made_up_for():
    keeper, feed = a_keeper(places=[k for k in range(100) if k != 70])
    ask = feed.rows

    def once(instrument, timeframe, since, limit):
        if limit == 1:
            raise FeedUnavailable("down")
        return ask(instrument, timeframe, since, limit)

    feed.rows = once
    update = keeper.update(BTC, M5)
    assert len(update.candles) == 49
    assert told(update) == [(IncidentKind.GAP, 70, 1)]
    feed.rows = ask
    feed.has([70, 100])
    update = (feed.at(101), keeper.update(BTC, M5))[1]
    assert told(update) == [(IncidentKind.GAP_FILLED, 70, 1)]
    assert places_of(update.fresh) == [70, 100]


def test_a_revision_inside_the_overlap_is_seen():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.has([99], close=150.0)
    feed.has([100])
    update = (feed.at(101), keeper.update(BTC, M5))[1]
    assert told(update) == [(IncidentKind.REVISION, 99, 1)]
    assert update.candles.close[-2] == 150.0


def test_incidents_carry_the_name_of_their_series():
    keeper, _ = a_keeper(places=[0, 1, 5, 6], at=7)
    (incident,) = keeper.update(BTC, M5).incidents
    assert (incident.symbol, incident.timeframe) == ("BTC/USDT", "5m")


def test_a_failure_leaves_the_series_as_it_was():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.broken = FeedUnavailable("down")
    feed.at(101)
    with pytest.raises(FeedUnavailable):
        keeper.update(BTC, M5)
    feed.broken = None
    feed.has([100])
    assert places_of(keeper.update(BTC, M5).fresh) == [100]


def test_series_of_different_symbols_do_not_mix_and_may_be_shorter():
    keeper, _ = a_keeper()
    assert len(keeper.update(BTC, M5).candles) == 50
    assert len(keeper.update(ETH, M5, 10).candles) == 10


def test_a_candle_that_closes_while_the_answer_travels_counts_but_is_not_yet_owed():
    keeper, feed = a_keeper()
    keeper.update(BTC, M5)
    feed.has([100])
    ask = feed.rows

    def slowly(*a):
        answer = ask(*a)
        feed.clock += M5.ms // 2
        return answer

    feed.rows = slowly
    feed.clock = T0 + 101 * M5.ms + M5.ms * 3 // 4
    update = keeper.update(BTC, M5)
    assert update.expected_close == T0 + 101 * M5.ms
    assert not update.behind


def test_history_must_hold_a_candle():
    with pytest.raises(ValueError, match="history"):
        SeriesKeeper(feed=ListFeed(), history=0)


def test_fetched_candles_are_those_of_the_source():
    keeper, _ = a_keeper()
    assert keeper.update(BTC, M5).candles.close.tolist() == [r[4] for r in rows(range(50, 100))]


@settings(max_examples=40, deadline=None)
@given(delays=st.lists(st.sampled_from([0, 0, 0, 1, 2, 99]), min_size=5, max_size=25), steps=st.integers(1, 4))
def test_whatever_comes_late_or_never_each_candle_is_fresh_once_and_none_is_invented(delays, steps):
    feed = ListFeed()
    feed.has(range(20))
    keeper = SeriesKeeper(feed=feed, history=60)
    seen: list[int] = []
    update = None
    for place in range(20, 20 + len(delays), steps):
        feed.has([k for k in range(20, place) if k + delays[k - 20] < place])
        feed.at(place)
        update = keeper.update(BTC, M5)
        seen += places_of(update.fresh)
        assert places_of(update.candles) == sorted(seen)
        assert update.behind == (place - 1 not in feed.table)
    assert update is not None
    assert len(seen) == len(set(seen))
    assert set(seen) <= set(feed.table)
    assert {k for k in range(20, place) if k in feed.table and delays[k - 20] == 0} <= set(seen)
