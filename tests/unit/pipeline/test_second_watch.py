"""The second watcher's invariants, each broken in a real state; and that all is well where all is well."""

import sqlite3
from contextlib import closing

import pytest

from hybridd.alerts.compose import health_alert
from hybridd.clock import ManualClock
from hybridd.model.alert import AlertState
from hybridd.model.change import Reason, Verdict
from hybridd.model.delivery import DeliveryEvent
from hybridd.pipeline import conditions, heartbeat, second_watch
from hybridd.pipeline.second_watch import INVARIANTS, blind, judge
from hybridd.pipeline.watch_scene import SERVICE_KEY, SOUND_FOR_MS, survey
from hybridd.store.glance import ACKED, FIRING, glance
from hybridd.store.store import open_store
from tests.makers import STEP, T0, analysis

MINUTE = 60_000
HOUR = 60 * MINUTE
NOW = T0 + 30_000


class House:
    """A state as a healthy daemon leaves it at NOW, and a clock."""

    def __init__(self, folder):
        self.path, self.clock = folder / "state.db", ManualClock(NOW)
        self.store = open_store(f"sqlite:///{self.path}", clock=self.clock)
        self.store.analyses.add_many([analysis(60.0)])
        self.service = {
            "state": "ok", "heartbeat_at": NOW - 5_000, "started_at": NOW - HOUR, "ahead_ms": 0, "source": "binance",
            "timeframe": "5m", "step_ms": STEP, "symbols": ["BTC/USDT"], "channels": {"email": ["a@b.c"]},
        }  # fmt: skip
        self.beat()

    def beat(self, **changes):
        self.service |= changes
        self.store.bot_state.set(SERVICE_KEY, self.service)

    def alert(self, *, at, reason=Reason.TEST, subject="hybridd", plans=(("email", 0),), lives=HOUR):
        made = health_alert(reason, subject, "why", at, lives, simulated=False)
        alert_id = self.store.alerts.add(made)
        self.store.outbox.plan(alert_id, [(name, "a@b.c", step, at, at + lives) for name, step in plans])
        self.store.changes.add(Verdict(change=made.changes[0]), analysis_id=None, alert_id=alert_id)
        return alert_id

    def tell(self, alert_id, at):
        delivery = self.store.outbox.of_alert(alert_id)[0]
        self.store.outbox.lease(delivery.id, at)
        self.store.outbox.settle(delivery.id, DeliveryEvent.ACCEPT, now=at)

    def judge(self, **more):
        arguments = {"settle_ms": 2000, "settings_trouble": "", "sound_at": 0, "synchronised": None}
        return judge(survey(f"sqlite:///{self.path}", self.clock, **(arguments | more)))

    def found(self, **more):
        return [(f.id, f.subject, f.severity.value) for f in self.judge(**more).findings]


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(("source", "missed"), [("binance", True), ("recorded candles", False)])
def test_recorded_candles_that_have_ended_are_not_missing(house, source, missed):
    house.clock.advance(2 * HOUR)
    house.beat(source=source, heartbeat_at=house.clock.now() - 5_000)
    assert ("BTC/USDT" in [subject for _, subject, _ in house.found()]) is missed


def test_all_is_well_where_all_is_well(house):
    house.tell(house.alert(at=NOW - 1000), NOW)
    assert house.judge() == second_watch.Judgement(findings=(), unknown={})


def test_each_invariant_has_an_id_of_its_own_and_rests_on_those_before_it():
    ids = [invariant.id for invariant in INVARIANTS]
    assert len(set(ids)) == len(ids)
    for position, invariant in enumerate(INVARIANTS):
        assert set(invariant.rests_on) <= set(ids[:position])


def test_what_is_written_twice_to_stay_light_is_the_same():
    assert SERVICE_KEY == heartbeat.SERVICE_KEY
    assert second_watch.SILENT_AFTER_MS == heartbeat.SILENT_AFTER_MS
    assert second_watch.DISK_LOW_BYTES == conditions.DISK_LOW_BYTES
    assert (AlertState.FIRING.value, AlertState.ACKED.value) == (FIRING, ACKED)
    assert {reason for invariant in INVARIANTS for reason in invariant.told_as} <= set(Reason)


@pytest.mark.parametrize(("age", "found"), [(59_000, []), (61_000, [("C01", "hybridd", "critical")])])
def test_a_daemon_without_a_sign_of_life_is_dead(house, age, found):
    house.beat(heartbeat_at=NOW - age)
    assert house.found() == found


def test_what_follows_from_a_dead_daemon_is_not_judged(house):
    house.beat(heartbeat_at=NOW - HOUR)
    house.clock.set(NOW + 10 * HOUR)
    judgement = house.judge()
    assert [finding.id for finding in judgement.findings] == ["C01"]
    assert judgement.unknown == {"C02": "C01", "C03": "C01", "C04": "C01", "C05": "C01"}


@pytest.mark.parametrize(("age", "found"), [(9 * MINUTE, []), (11 * MINUTE, [("C01", "hybridd", "warning")])])
def test_a_stop_in_order_is_a_warning_after_ten_minutes(house, age, found):
    house.beat(state="stopped", heartbeat_at=NOW - age)
    assert house.found() == found


def test_a_heartbeat_from_the_future_is_no_sign_of_life(house):
    house.beat(heartbeat_at=NOW + HOUR)
    assert house.found() == [("C01", "hybridd", "warning")]
    assert "future" in house.judge().findings[0].detail


def test_a_state_that_no_daemon_has_used_is_said(tmp_path):
    open_store(f"sqlite:///{tmp_path}/state.db", clock=ManualClock(NOW)).close()
    scene = survey(
        f"sqlite:///{tmp_path}/state.db", ManualClock(NOW),
        settle_ms=0, settings_trouble="", sound_at=0, synchronised=None,
    )  # fmt: skip
    assert [f.detail for f in judge(scene).findings] == ["hybridd has never run on this state"]


@pytest.mark.parametrize(("age", "found"), [(661_000, []), (663_000, [("C02", "BTC/USDT", "critical")])])
def test_an_analysis_is_fresh_for_two_candles_and_a_minute(house, age, found):
    house.clock.set(T0 + age)
    house.beat(heartbeat_at=T0 + age)
    assert house.found() == found


def test_a_symbol_that_was_never_analysed_is_found(house):
    house.beat(symbols=["BTC/USDT", "ETH/USDT"])
    assert house.found() == [("C02", "ETH/USDT", "critical")]


def test_after_a_start_old_analyses_have_a_moment_to_be_made_up_for(house):
    house.clock.set(T0 + 10 * HOUR)
    house.beat(heartbeat_at=T0 + 10 * HOUR, started_at=T0 + 10 * HOUR - 60_000)
    assert house.found() == []
    house.beat(started_at=T0 + 10 * HOUR - 121_000)
    assert house.found() == [("C02", "BTC/USDT", "critical")]


def test_what_the_daemon_has_told_of_is_not_told_twice(house):
    house.clock.set(T0 + HOUR)
    house.beat(heartbeat_at=T0 + HOUR)
    alert = house.alert(at=T0 + HOUR - 1000, reason=Reason.FEED_STALE, subject="BTC/USDT")
    assert house.judge().findings[0].known == "", "it is only about to tell"
    house.tell(alert, T0 + HOUR)
    assert house.judge().findings[0].known == f"alert {alert} has told of it"


def test_the_journal_is_nobody_that_could_be_told(house):
    house.clock.set(T0 + HOUR)
    house.beat(heartbeat_at=T0 + HOUR)
    house.tell(
        house.alert(at=T0 + HOUR - 1, reason=Reason.FEED_STALE, subject="BTC/USDT", plans=(("journal", 0),)), T0 + HOUR
    )
    assert house.judge().findings[0].known == ""


@pytest.mark.parametrize(("age", "found"), [(299_000, []), (301_000, [("C03", "email", "critical")])])
def test_a_delivery_may_be_overdue_for_five_minutes(house, age, found):
    house.alert(at=NOW - age)
    assert house.found() == found


def test_a_channel_that_is_gone_is_named_as_such(house):
    house.alert(at=NOW - HOUR + 1, plans=(("push", 0),))
    assert "a channel that is not set up any more" in house.judge().findings[0].detail


@pytest.mark.parametrize(("age", "found"), [(299_000, []), (301_000, [("C04", "outbox", "critical")])])
def test_a_lease_ends_within_five_minutes(house, age, found):
    alert = house.alert(at=NOW - age)
    house.store.outbox.lease(house.store.outbox.of_alert(alert)[0].id, NOW - age)
    assert house.found() == found


def test_an_alert_that_fires_beyond_its_end_is_found(house):
    house.tell(house.alert(at=NOW - 10 * MINUTE, lives=4 * MINUTE), NOW - 9 * MINUTE)
    assert house.found() == [("C05", "alerts", "warning")]


def test_an_alert_that_goes_to_nobody_is_found(house):
    house.alert(at=NOW - 6 * MINUTE, plans=())
    assert house.found() == [("C05", "routes", "critical")]


def test_a_change_without_a_fate_is_found(house):
    lost = health_alert(Reason.TEST, "x", "", NOW, HOUR, simulated=False).changes[0]
    house.store.changes.add(Verdict(change=lost), analysis_id=None, alert_id=None)
    assert house.found() == [("C06", "hybridd", "critical")]


def test_changes_that_were_accounted_for_are_not_counted_again(house):
    number = house.alert(at=NOW - MINUTE)
    house.tell(number, NOW - MINUTE)
    url = f"sqlite:///{house.path}"
    ask = {"clock": house.clock, "patience_ms": MINUTE, "service_key": SERVICE_KEY}
    first = glance(url, **ask)
    assert (first.missing, first.accounted) == (0, 1)
    lost = health_alert(Reason.TEST, "x", "", NOW, HOUR, simulated=False).changes[0]
    house.store.changes.add(Verdict(change=lost), analysis_id=None, alert_id=None)
    second = glance(url, accounted=first.accounted, **ask)
    assert (second.missing, second.accounted) == (1, 1)
    assert glance(url, accounted=2, **ask).missing == 0, "only what comes later is looked at"
    assert glance(url, accounted=99, **ask).missing == 1, "of an older state that was put back all are counted"


def test_a_full_disk_is_found(house, monkeypatch):
    monkeypatch.setattr(second_watch, "DISK_LOW_BYTES", 1 << 60)
    assert house.found() == [("C07", str(house.path.parent), "critical")]


def test_a_clock_that_nobody_keeps_is_found(house):
    assert house.found(synchronised=True) == []
    assert house.found(synchronised=False) == [("C08", "clock", "warning")]


def test_settings_that_would_not_load_are_found_beside_the_rest(house):
    house.beat(heartbeat_at=NOW - HOUR)
    assert house.found(settings_trouble="line 3 is wrong") == [
        ("C12", "hybridd", "warning"), ("C01", "hybridd", "critical"),
    ]  # fmt: skip


def test_settings_that_hide_where_the_state_is_leave_the_rest_unknown():
    judgement = blind("the file cannot be read")
    assert [f.id for f in judgement.findings] == ["C12"]
    assert set(judgement.unknown) == {invariant.id for invariant in INVARIANTS} - {"C12"}


def test_a_missing_state_stops_what_needs_it_and_nothing_else(house):
    house.store.close()
    for path in house.path.parent.glob("state.db*"):
        path.unlink()
    judgement = house.judge(synchronised=False)
    assert [f.id for f in judgement.findings] == ["C09", "C08"]
    assert set(judgement.unknown) == {"C01", "C02", "C03", "C04", "C05", "C06", "C10"}
    assert not house.path.exists(), "looking makes nothing"


def test_damage_is_found_by_reading_the_whole_file_now_and_then(house):
    house.store.close()
    with closing(sqlite3.connect(house.path)) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'candles'").fetchone()
    content = bytearray(house.path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    house.path.write_bytes(content)
    assert house.found() == [("C09", "state", "critical")]
    assert house.found(sound_at=NOW - SOUND_FOR_MS + 1) == [], "it was read a while ago, and costs too much each time"


def test_it_changes_nothing_in_the_state(house):
    house.alert(at=NOW - HOUR)
    house.store.close()
    before = house.path.read_bytes()
    house.judge()
    assert house.path.read_bytes() == before


def test_it_looks_while_another_process_writes(house):
    with closing(sqlite3.connect(house.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert house.found() == []


def test_a_demo_in_a_time_of_its_own_is_only_asked_for_life(house):
    house.alert(at=NOW - HOUR)
    house.beat(ahead_ms=10 * HOUR)
    assert house.found() == []


def test_an_unproven_channel_is_told_beside_and_is_no_finding(house):
    house.beat(unproven={"email": "no message has gone by it yet"})
    judgement = house.judge()
    assert judgement.findings == ()
    assert judgement.unproven == {"email": "no message has gone by it yet"}
