"""What was missed is not known: the watch tells it later, if it still holds."""

import pytest

from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import AlertState
from hybridd.model.change import Reason
from hybridd.model.delivery import Failure, Outcome
from hybridd.pipeline.housekeep import Housekeeper
from tests.makers import STEP
from tests.unit.pipeline.house import House, Said, path_of_scores

DOWN = [Outcome(failure=Failure.RETRY, detail="refused")] * 999


def house_of(tmp_path, *scores, script=DOWN, **changes):
    return House(tmp_path, brain=Said(path_of_scores(*scores)), channels=[MemoryChannel(script=script)], **changes)


def expire(house):
    Housekeeper(store=house.store, clock=house.clock)._expire(house.clock.now())


def candles(house, count):
    """Candles as the daemon lives them: what came too late is let go between them."""
    made = []
    for _ in range(count):
        made += house.candles(1)
        expire(house)
    return made


def turns(alerts):
    return [
        (c.before, c.after, c.deferred_from) for a in alerts for c in a.changes if c.reason is Reason.SIGNAL_CHANGED
    ]


@pytest.mark.parametrize("restart", [False, True])
def test_a_signal_that_nobody_heard_of_is_told_later_if_it_still_holds(tmp_path, restart):
    house = house_of(tmp_path, 50, 70)
    (first,) = candles(house, 2)
    since = first.analysis.candle_close
    assert turns([first]) == [("NEUTRAL", "LONG", None)]
    assert candles(house, 2) == []
    house.clock.advance(STEP)
    expire(house)
    assert house.store.alerts.get(first.id).state is AlertState.EXPIRED
    house.channel.script.clear()
    if restart:
        house.restart()
    again = house.again()
    assert turns(again) == [("NEUTRAL", "LONG", since)]
    house.clock.advance(120_000)
    house.deliver()
    assert "LONG" in house.titles()[-1]
    assert candles(house, 3) == [], "and once is enough"
    house.close()


def test_a_signal_that_came_and_went_unheard_is_not_told_as_news(tmp_path):
    house = house_of(tmp_path, 50, 70, 70, 70, 50)
    candles(house, 4)
    house.channel.script.clear()
    house.clock.advance(STEP)
    expire(house)
    made = house.again()
    assert turns(made) == []
    assert [c.reason for a in made for c in a.changes] == [Reason.SCORE_JUMP], "that it fell is news"
    assert house.store.missed.subjects() == frozenset()
    house.close()


def test_two_turns_that_nobody_heard_of_are_measured_from_what_was_last_heard(tmp_path):
    house = house_of(tmp_path, 50, 70, *[70] * 3, 30)
    made = candles(house, 12)
    assert [turn[:2] for turn in turns(made)] == [("NEUTRAL", "LONG"), ("LONG", "SHORT"), ("NEUTRAL", "SHORT")]
    house.close()


def test_what_was_heard_is_not_taken_back(tmp_path):
    house = house_of(tmp_path, 50, 70, script=[])
    candles(house, 2)
    for _ in range(6):
        assert candles(house, 1) == []
    assert house.store.missed.since(0) == []
    assert len(house.channel.sent) == 1
    house.close()
