"""Which rows are trusted, and what is said of the others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.market.quality import Fault, IncidentKind, gaps, inspect
from hybridd.model.candle import candles_from_rows
from hybridd.model.timeframe import parse_timeframe
from tests.unit.market.rows import M5, T0, places_of, row, rows, run

FAR = T0 + 10_000 * M5.ms


def look(given_rows, *, now=FAR, known=None):
    return inspect(given_rows, timeframe=M5, now=now, known=known)


def kinds(seen):
    return [incident.kind for incident in seen.incidents]


def test_good_rows_pass_without_a_word():
    seen = look(rows(range(10)))
    assert places_of(seen.candles) == places_of(seen.fresh) == list(range(10))
    assert seen.incidents == ()


def test_no_rows_give_no_candles():
    seen = look([])
    assert len(seen.candles) == 0
    assert seen.incidents == ()


@pytest.mark.parametrize(("early", "count"), [(1, 9), (0, 10)])
def test_a_candle_counts_from_the_instant_of_its_close(early, count):
    now = T0 + 10 * M5.ms - early
    assert len(look(rows(range(10)), now=now).candles) == count


def test_the_open_candle_is_left_out_in_silence_and_the_last_row_is_not_dropped_by_habit():
    seen = look(rows(range(10)), now=T0 + 9 * M5.ms + 1)
    assert places_of(seen.candles) == list(range(9))
    assert seen.incidents == ()
    seen = look(rows(range(10)), now=T0 + 10 * M5.ms)
    assert places_of(seen.candles) == list(range(10))


T = T0 + 3 * M5.ms
BAD = [
    ((T, 100.0, 99.0, 101.0, 100.0, 1.0), Fault.RANGE),
    ((T, 100.0, 101.0, 99.0, 102.0, 1.0), Fault.RANGE),
    ((T, 98.0, 101.0, 99.0, 100.0, 1.0), Fault.RANGE),
    ((T, 100.0, 101.0, 0.0, 100.0, 1.0), Fault.PRICE),
    ((T, -1.0, 101.0, -2.0, 100.0, 1.0), Fault.PRICE),
    ((T, 100.0, 101.0, 99.0, float("nan"), 1.0), Fault.NOT_A_NUMBER),
    ((T, 100.0, float("inf"), 99.0, 100.0, 1.0), Fault.NOT_A_NUMBER),
    ((float("nan"), 100.0, 101.0, 99.0, 100.0, 1.0), Fault.NOT_A_NUMBER),
    ((T, 100.0, 101.0, 99.0, 100.0, None), Fault.NOT_A_NUMBER),
    ((T, 100.0, 101.0, 99.0, 100.0, -1.0), Fault.VOLUME),
    ((T + 1000, 100.0, 101.0, 99.0, 100.0, 1.0), Fault.MISALIGNED),
    ((T + 0.5, 100.0, 101.0, 99.0, 100.0, 1.0), Fault.MISALIGNED),
    ((FAR + M5.ms, 100.0, 101.0, 99.0, 100.0, 1.0), Fault.FUTURE),
    ((1e300, 100.0, 101.0, 99.0, 100.0, 1.0), Fault.FUTURE),
    ((T, 100.0, 101.0), Fault.SHAPE),
    ("<html>", Fault.SHAPE),
    ((T, "a lot", 101.0, 99.0, 100.0, 1.0), Fault.SHAPE),
    (None, Fault.SHAPE),
]


@pytest.mark.parametrize(("bad", "fault"), BAD, ids=[f"{fault}-{k}" for k, (_, fault) in enumerate(BAD)])
def test_an_impossible_row_is_quarantined_with_its_reason(bad, fault):
    seen = look([*rows([0, 1, 2]), bad, *rows([3, 4])])
    assert places_of(seen.candles) == [0, 1, 2, 3, 4]
    (incident,) = seen.incidents
    assert (incident.kind, incident.fault) == (IncidentKind.QUARANTINED, fault)
    assert "\n" not in incident.detail
    assert len(incident.detail) < 200


def test_a_price_may_leave_its_range_by_float_noise():
    noisy = (T0, 0.1 + 0.2, 0.3, 0.3, 0.3, 1.0)
    assert look([noisy]).incidents == ()


def test_a_candle_without_trades_is_a_candle():
    assert len(look([(T0, 100.0, 100.0, 100.0, 100.0, 0.0)]).candles) == 1


def test_rows_out_of_order_are_sorted_and_noted():
    seen = look(rows([3, 1, 2, 0]))
    assert places_of(seen.candles) == [0, 1, 2, 3]
    assert kinds(seen) == [IncidentKind.UNORDERED]
    assert seen.incidents[0].count == 2


def test_the_same_row_twice_is_counted_once():
    seen = look(rows([0, 1, 1, 2, 2, 2]))
    assert places_of(seen.candles) == [0, 1, 2]
    assert kinds(seen) == [IncidentKind.DUPLICATE]
    assert seen.incidents[0].count == 3


def test_of_two_different_rows_for_a_candle_the_last_stands():
    seen = look([row(0), row(1, 102.0), row(1, 103.0)])
    assert seen.candles.close[-1] == 103.0
    (incident,) = seen.incidents
    assert (incident.kind, incident.before, incident.after) == (IncidentKind.REVISION, 102.0, 103.0)


def test_a_candle_that_changes_after_it_was_known_is_a_revision():
    known = run(range(5))
    seen = look([row(3), row(4, 104.25), row(5)], known=known)
    assert places_of(seen.candles) == [0, 1, 2, 3, 4, 5]
    assert places_of(seen.fresh) == [5]
    assert seen.candles.close[4] == 104.25
    (incident,) = seen.incidents
    assert (incident.kind, incident.before, incident.after) == (IncidentKind.REVISION, known.close[4], 104.25)
    assert known.close[4] != 104.25


def test_a_bad_row_never_replaces_a_known_candle():
    seen = look([(T0, 100.0, 90.0, 110.0, 100.0, 1.0)], known=run(range(3)))
    assert places_of(seen.candles) == [0, 1, 2]
    assert seen.candles.close[0] == run([0]).close[0]


def test_missing_candles_are_told_with_their_place_and_number():
    (incident,) = look(rows([0, 1, 5, 6])).incidents
    assert (incident.kind, incident.open_time, incident.count) == (IncidentKind.GAP, T0 + 2 * M5.ms, 3)
    assert "3 candles missing" in incident.detail
    assert "2025-06-15T" in incident.detail


def test_a_gap_between_known_candles_and_new_ones_is_told_but_an_old_one_is_not_told_again():
    seen = look(rows([9, 10]), known=run([0, 1, 5, 6]))
    assert [(i.kind, i.count) for i in seen.incidents] == [(IncidentKind.GAP, 2)]
    assert gaps(seen.candles) == [(T0 + 2 * M5.ms, 3), (T0 + 7 * M5.ms, 2)]


def test_older_candles_that_come_later_take_their_place():
    seen = look(rows([2, 3]), known=run([0, 1, 4]))
    assert places_of(seen.candles) == [0, 1, 2, 3, 4]
    assert places_of(seen.fresh) == [2, 3]


def test_weekly_candles_open_on_mondays():
    week = parse_timeframe("1w")
    monday, thursday = 1_749_427_200_000, 1_749_686_400_000
    body = (100.0, 101.0, 99.0, 100.0, 1.0)
    assert len(inspect([(monday, *body)], timeframe=week, now=2**60).candles) == 1
    assert len(inspect([(thursday, *body)], timeframe=week, now=2**60).candles) == 0


def test_a_table_of_numbers_is_taken_as_well_as_rows():
    assert places_of(look(np.array(rows(range(4)))).candles) == [0, 1, 2, 3]


@settings(max_examples=30, deadline=None)
@given(data=st.data(), size=st.integers(1, 40))
def test_disorder_never_invents_or_loses_a_good_candle(data, size):
    kept = data.draw(st.lists(st.sampled_from(range(size)), unique=True, min_size=1))
    twice = data.draw(st.lists(st.sampled_from(kept), max_size=10))
    bad = data.draw(st.lists(st.sampled_from([b for b, _ in BAD]), max_size=5))
    known = data.draw(st.lists(st.sampled_from(range(size)), unique=True))
    sent = data.draw(st.permutations([*rows(kept), *rows(twice), *bad]))
    seen = look(sent, known=run(sorted(known)))
    assert places_of(seen.candles) == sorted({*kept, *known})
    assert places_of(seen.fresh) == sorted({*kept} - {*known})
    assert seen.candles.close.tolist() == run(sorted({*kept, *known})).close.tolist()
    assert kinds(seen).count(IncidentKind.QUARANTINED) == len(bad)
    assert sum(i.count for i in seen.incidents if i.kind is IncidentKind.DUPLICATE) == len(twice)


@settings(max_examples=25, deadline=None)
@given(kept=st.lists(st.integers(0, 60), unique=True, min_size=1), cut=st.integers(0, 60))
def test_looking_twice_tells_nothing_new(kept, cut):
    first = look(rows(sorted(kept)))
    again = look(rows(sorted(k for k in kept if k >= cut)), known=first.candles)
    assert again.incidents == ()
    assert len(again.fresh) == 0
    assert places_of(again.candles) == sorted(kept)


@given(known=st.sets(st.integers(0, 30)), asked=st.lists(st.integers(-2, 32)))
def test_bisection_finds_the_candles_that_are_there(known, asked):
    candles = candles_from_rows(M5.ms, [(at * M5.ms, 1.0, 1.0, 1.0, 1.0, 1.0) for at in sorted(known)])
    times = np.array([at * M5.ms for at in asked], dtype=np.int64)
    assert candles.holds(times).tolist() == [at in known for at in asked]
