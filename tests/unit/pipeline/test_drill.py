"""The drill: once a week, by day, for channels that nothing real has proven; and what a channel's proof is worth."""

from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from hybridd.clock import ManualClock, as_ms
from hybridd.config.schema import Settings
from hybridd.delivery.memory import MemoryChannel
from hybridd.errors import UsageError
from hybridd.model.change import HEALTH, Reason
from hybridd.model.delivery import Failure, Outcome
from hybridd.pipeline.conditions import conditions
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.drill import drill_when_due, post_drill
from hybridd.pipeline.proof import failed_drills, unproven
from hybridd.store.store import open_store
from tests.unit.pipeline.house import House, put

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400_000
PROOF = 14 * DAY


def at(*moment, zone=BERLIN):
    return as_ms(datetime(*moment, tzinfo=zone))


SUNDAY = at(2025, 6, 15, 11, 0)


class Home:
    """A daemon's drill on a clock that is driven: three channels, one of them the journal."""

    def __init__(self, folder, **alerts):
        self.clock = ManualClock(SUNDAY - 5 * DAY)
        self.store = open_store(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.email, self.sms = MemoryChannel("email"), MemoryChannel("sms")
        self.couriers = [
            Courier(store=self.store, channel=channel, clock=self.clock, zone="UTC")
            for channel in (MemoryChannel("journal"), self.email, self.sms)
        ]
        health = alerts.pop("health", {})
        facts = {"alerts": {"timezone": "Europe/Berlin", **alerts}, "health": health}
        self.settings = Settings.model_validate(facts)
        self.channels = {courier.name: courier.recipients for courier in self.couriers}

    def tick(self, now):
        """What the tick does at `now`: whether there was something to send; all of it is sent."""
        self.clock.set(now)
        made = drill_when_due(self.store, self.settings, self.channels, now)
        for courier in self.couriers:
            courier.drain()
        return made

    def days(self, first, count, hour=11, minute=5):
        """The days of those on which a drill is made, looking at that time of each."""
        return [day for day in range(count) if self.tick(first + day * DAY + (hour - 11) * 3_600_000 + minute * 60_000)]

    def unproven(self):
        return unproven(self.store, self.couriers, self.clock.now(), PROOF)


@pytest.fixture
def home(tmp_path):
    made = []

    def build(**alerts):
        made.append(Home(tmp_path, **alerts))
        return made[-1]

    yield build
    for one in made:
        one.store.close()


def test_the_drill_comes_each_sunday_and_reaches_every_person_by_every_channel(home):
    house = home()
    assert house.days(SUNDAY - 5 * DAY, 20) == [5, 12, 19]
    assert [len(channel.sent) for channel in (house.email, house.sms)] == [3, 3]
    first = house.email.sent[0]
    assert "drill" in first.title.lower()
    assert first.severity == "info"
    assert Reason.DRILL not in HEALTH
    assert house.store.verify() == []


def test_it_comes_once_however_often_it_is_looked_for(home):
    house = home()
    house.days(SUNDAY - 5 * DAY, 5)
    assert [house.tick(SUNDAY + minute * 60_000) for minute in range(0, 180, 10)].count(True) == 1


def test_a_channel_that_a_real_alert_has_used_this_week_is_left_alone_and_a_test_is_no_real_alert(home):
    house = home()
    house.days(SUNDAY - 5 * DAY, 5)
    put(house.store, house.clock.now(), channels=[house.email], reason=Reason.FEED_STALE, key="real")
    put(house.store, house.clock.now(), channels=[house.sms], reason=Reason.TEST, key="test")
    house.couriers[1].drain()
    house.couriers[2].drain()
    assert house.tick(SUNDAY + 60_000)
    assert [message.key.split(":")[2] for message in house.email.sent] == ["email"]
    assert "drill" in house.sms.sent[-1].title.lower()


def test_where_everything_is_proven_there_is_none(home):
    house = home()
    house.days(SUNDAY - 5 * DAY, 5)
    put(house.store, house.clock.now(), channels=[house.email, house.sms], reason=Reason.FEED_STALE, key="real")
    house.couriers[1].drain()
    house.couriers[2].drain()
    assert house.days(SUNDAY, 3) == []


@pytest.mark.parametrize("hour", [3, 9, 14, 23])
def test_one_that_was_missed_waits_for_the_same_hours_of_the_next_day(home, hour):
    house = home()
    house.days(SUNDAY - 5 * DAY, 3)
    assert house.days(SUNDAY + DAY, 1, hour=hour) == []
    assert house.days(SUNDAY + 2 * DAY, 1, hour=12) == [0]
    assert house.days(SUNDAY + 3 * DAY, 4, hour=12) == []
    assert house.days(SUNDAY + 7 * DAY, 1) == [0]


def test_there_is_none_in_quiet_hours_and_none_where_it_is_switched_off(home):
    assert home(quiet_hours="10:30-12:30").days(SUNDAY - 5 * DAY, 20) == []
    assert home(health={"drill": ""}).days(SUNDAY - 5 * DAY, 20) == []


def test_a_night_owl_has_it_between_the_quiet_hours(home):
    house = home(quiet_hours="23:00-11:30", health={"drill": "sun 11:00"})
    house.days(SUNDAY - 5 * DAY, 5, minute=45)
    assert not house.tick(SUNDAY + 5 * 60_000)
    assert house.tick(SUNDAY + 31 * 60_000)


@pytest.mark.parametrize("sunday", [(2025, 3, 30), (2025, 10, 26)])
def test_the_hour_is_the_persons_own_on_the_days_when_the_clocks_change(home, sunday):
    house = home()
    house.store.bot_state.set("drill", {"at": at(*sunday, 11) - 5 * DAY})
    assert not house.tick(at(*sunday, 10, 55))
    assert house.tick(at(*sunday, 11, 5))


def test_a_drill_that_fails_is_trouble_until_something_arrives(home, tmp_path):
    house = home()
    house.days(SUNDAY - 5 * DAY, 5)
    house.sms.script.extend([Outcome(failure=Failure.MESSAGE, detail="no such number")])
    assert house.tick(SUNDAY + 60_000)
    assert list(failed_drills(house.store)) == [("sms", "the drill of 2025-06-15T09:01:00Z failed: no such number")]
    assert set(house.unproven()) == {"sms"}
    house.clock.advance(60_000)
    put(house.store, house.clock.now(), channels=[house.sms], key="later")
    house.couriers[2].drain()
    assert list(failed_drills(house.store)) == []
    assert house.unproven() == {}


def test_a_failed_drill_is_told_by_the_other_channels(tmp_path):
    house = House(tmp_path, channels=[MemoryChannel("email"), MemoryChannel("sms")])
    house.channels[1].script.extend([Outcome(failure=Failure.MESSAGE, detail="too strange")])
    post_drill(house.store, {c.name: c.recipients for c in house.channels}, [], house.clock.now())
    house.deliver()
    found = [(c.subject, c.detail) for c in conditions(house.scene()) if c.reason is Reason.CHANNEL_DOWN]
    assert [subject for subject, _ in found] == ["sms", "sms"]  # the courier knows of it too, until it restarts
    assert house.tick() == [("CHANNEL_DOWN", "sms", "begins")]
    house.restart()
    assert [c.subject for c in conditions(house.scene()) if c.reason is Reason.CHANNEL_DOWN] == ["sms"]
    house.close()


def test_what_has_been_silent_for_long_is_unproven_and_so_is_what_proves_nothing(home):
    house = home(health={"drill": ""})
    assert house.unproven() == dict.fromkeys(("email", "sms"), "no message has gone by it yet")
    put(house.store, house.clock.now(), channels=[house.email, house.sms], key="real")
    for courier in house.couriers:
        courier.drain()
    assert house.unproven() == {}
    house.sms.proves = False
    assert house.unproven() == {"sms": "nobody says what becomes of its messages"}
    house.clock.advance(PROOF + 1)
    assert house.unproven()["email"] == "the last message was taken at 2025-06-10T09:00:00Z"


def test_a_drill_needs_a_channel_that_reaches_a_person(home):
    house = home()
    with pytest.raises(UsageError, match="no channel that reaches a person"):
        post_drill(house.store, {"journal": ("journal",)}, [], SUNDAY)
    assert house.store.bot_state.get("drill") is None
    only = SimpleNamespace(**vars(house))
    assert not drill_when_due(only.store, only.settings, {"journal": ("journal",)}, SUNDAY)
