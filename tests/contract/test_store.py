"""What every state database must do, whatever engine it runs on; an engine is added by a line in ENGINES."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from hybridd.clock import ManualClock
from hybridd.errors import DataError
from hybridd.model.alert import Alert, AlertEvent, AlertState, Before
from hybridd.model.analysis import Direction, Odds, Signal, SignalState, Trend
from hybridd.model.candle import candles_from_rows
from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.delivery import DeliveryEvent, DeliveryState
from hybridd.model.reading import Abstain, Reading
from hybridd.model.state import IllegalTransition
from hybridd.model.trade import Side, TradeState
from hybridd.store.inbox import Entry, EntryEvent
from hybridd.store.store import Store, open_store
from hybridd.trading.ledger import close_trade
from tests.makers import STEP, T0, analysis, trade

ENGINES = {
    "sqlite file": lambda folder: f"sqlite:///{folder}/state.db",
    "sqlite passing": lambda folder: "sqlite://:memory:",
}
NAN = float("nan")


@pytest.fixture(params=ENGINES)
def store(request, tmp_path):
    opened = open_store(ENGINES[request.param](tmp_path), clock=ManualClock(T0))
    yield opened
    assert opened.verify() == []
    opened.close()


def change(reason: Reason = Reason.SCORE_JUMP, subject: str = "BTC/USDT", **more) -> Change:
    return Change(**{"subject": subject, "reason": reason, "at": T0, "before": 62.0, "after": 75.5} | more)


def alert(key: str = "a", *changes: Change, **more) -> Alert:
    made = Alert(
        key=key, subject="BTC/USDT", created_at=T0, expires_at=T0 + 900_000, changes=changes or (change(),)
    )  # fmt: skip
    return replace(made, **more)


def alert_with_deliveries(store: Store, key: str, *events: tuple[DeliveryEvent, ...]) -> int:
    alert_id = store.alerts.add(alert(key))
    store.outbox.plan(alert_id, [("email", f"{i}@example.org", 0, T0, T0 + 900_000) for i in range(len(events))])
    for delivery, happened in zip(store.outbox.of_alert(alert_id), events, strict=True):
        for event in happened:
            if event is DeliveryEvent.LEASE:
                assert store.outbox.lease(delivery.id, T0)
            else:
                store.outbox.settle(delivery.id, event, now=T0 + 5)
    return alert_id


class TestTransactions:
    def test_all_or_nothing(self, store):
        def half_done() -> None:
            with store.transaction():
                store.analyses.add_many([analysis(60.0)])
                store.bot_state.set("k", 1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            half_done()
        assert store.analyses.count() == 0
        assert store.bot_state.get("k") is None

    def test_an_inner_one_joins_the_outer(self, store):
        def half_done() -> None:
            with store.transaction():
                with store.transaction():
                    store.bot_state.set("k", 1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            half_done()
        assert store.bot_state.get("k") is None

    def test_others_see_it_when_it_is_complete(self, store):
        seen = []

        def look() -> None:
            seen.append(store.bot_state.get("k"))

        with store.transaction():
            store.bot_state.set("k", 1)
            _in_thread(look)
        _in_thread(look)
        assert seen == [None, 1]

    def test_threads_write_side_by_side(self, store):
        def write(name: int) -> None:
            for i in range(10):
                with store.transaction():
                    store.audit.append(f"thread {name}", "count", "test", {"i": i}, T0)

        threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(store.audit.list(100)) == 40
        assert store.audit.verify() == ""


def _in_thread(work) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)


class TestAnalyses:
    FULL = analysis(
        0.0,
        "LONG",
        price=0.000012345678901234567,
        state=SignalState(signal=Signal.LONG, candidate=Signal.SHORT, streak=2),
        confidence=0.9234567890123,
        degraded=True,
        missing=("macro", "sentiment"),
        readings=(
            Reading(layer="trend", score=71.23456789012345, weight=1.5, reason="EMA 20 über EMA 50 „gut“ 中"),
            Reading(layer="macro", score=None, weight=1.0, reason="no data", abstain=Abstain.NO_DATA),
        ),
        odds=Odds(probability=0.55, low=0.49, high=0.61, n=210),
        simulated=True,
        late=True,
    )

    def test_come_back_as_they_went_in(self, store):
        stored = store.analyses.add_many([self.FULL])
        (found,) = store.analyses.between("BTC/USDT", "5m", T0, T0)
        assert list(stored) == [T0]
        assert math.isnan(found.high)
        assert structs.replace(found, high=0, low=0) == structs.replace(self.FULL, high=0, low=0)

    @pytest.mark.parametrize("number", [math.inf, -math.inf, NAN])
    @pytest.mark.parametrize("column", ["score", "weight"])
    def test_a_reading_whose_number_is_none_is_refused(self, store, column, number):
        broken = structs.replace(self.FULL.readings[0], **{column: number})
        with pytest.raises(ValueError, match="not finite"):
            store.analyses.add_many([structs.replace(self.FULL, readings=(*self.FULL.readings, broken))])
        assert store.analyses.count() == 0

    def test_the_second_of_one_candle_is_left_alone(self, store):
        first = store.analyses.add_many([analysis(60.0), analysis(61.0, at=T0 + STEP)])
        again = store.analyses.add_many([analysis(99.0), analysis(62.0, at=T0 + 2 * STEP)])
        assert list(first) == [T0, T0 + STEP]
        assert list(again) == [T0 + 2 * STEP]
        assert store.analyses.scores("BTC/USDT", "5m", 0, T0 + 9 * STEP) == [60, 61, 62]
        assert len({*first.values(), *again.values()}) == 3

    def test_another_symbol_or_time_frame_is_another_analysis(self, store):
        store.analyses.add_many([analysis(60.0)])
        assert store.analyses.add_many([analysis(61.0, symbol="ETH/USDT")])
        assert store.analyses.add_many([analysis(62.0, timeframe="1h")])
        assert store.analyses.count() == 3

    def test_several_markets_at_once_are_refused(self, store):
        with pytest.raises(ValueError, match="one symbol"):
            store.analyses.add_many([analysis(60.0), analysis(61.0, symbol="ETH/USDT")])

    def test_nothing_to_add_is_nothing_added(self, store):
        assert store.analyses.add_many([]) == {}

    def test_the_last_is_the_newest_candle_not_the_newest_row(self, store):
        store.analyses.add_many([analysis(61.0, at=T0 + STEP)])
        store.analyses.add_many([analysis(60.0)])
        assert store.analyses.last("BTC/USDT", "5m").score == 61
        assert store.analyses.last("BTC/USDT", "1h") is None

    def test_the_last_without_the_late_ones(self, store):
        store.analyses.add_many([analysis(60.0), analysis(61.0, at=T0 + STEP, late=True)])
        assert store.analyses.last("BTC/USDT", "5m").score == 61
        assert store.analyses.last("BTC/USDT", "5m", include_late=False).score == 60

    def test_between_includes_both_ends(self, store):
        store.analyses.add_many([analysis(float(i), at=T0 + i * STEP) for i in range(5)])
        found = store.analyses.between("BTC/USDT", "5m", T0 + STEP, T0 + 3 * STEP)
        assert [a.score for a in found] == [1, 2, 3]

    def test_the_latest_of_each_symbol(self, store):
        assert store.analyses.latest() == []
        for symbol in ("ETH/USDT", "BTC/USDT", "ADA/USDT"):
            store.analyses.add_many([analysis(60.0 + i, at=T0 + i * STEP, symbol=symbol) for i in range(3)])
        store.analyses.add_many([analysis(90.0, at=T0 + 9 * STEP, timeframe="1h")])
        found = [(a.symbol, a.score) for a in store.analyses.latest()]
        assert found == [("ADA/USDT", 62), ("BTC/USDT", 90), ("ETH/USDT", 62)]


class TestAlerts:
    FULL = alert(
        "BTC/USDT:1",
        change(),
        change(Reason.SIGNAL_CHANGED, before="NEUTRAL", after="LONG", deferred_from=T0 - STEP),
        change(Reason.TRADE_AGAINST, subject="trade 42", before=None, after=None, detail="turned"),
        analysis=structs.replace(TestAnalyses.FULL, high=1.5, low=NAN),
        before=Before(candle_close=T0 - STEP, price=1.0, score=0.0, signal=Signal.NEUTRAL, confidence=0.5),
        trend=Trend(trend=Direction.UP, change=13.0, percent_change=None, first_score=0.0, last_score=13.0, samples=2),
        simulated=True,
        resolves=7,
    )

    def test_come_back_exactly(self, store):
        whole = replace(self.FULL, analysis=structs.replace(self.FULL.analysis, low=1.25))
        alert_id = store.alerts.add(whole)
        assert store.alerts.get(alert_id) == replace(whole, id=alert_id)

    def test_a_number_that_is_missing_stays_missing(self, store):
        found = store.alerts.get(store.alerts.add(self.FULL))
        assert math.isnan(found.analysis.low)
        assert found.analysis.high == 1.5

    def test_the_same_key_never_makes_two(self, store):
        assert store.alerts.add(alert("k")) is not None
        assert store.alerts.add(alert("k", subject="ETH/USDT")) is None
        assert len(store.alerts.list()) == 1

    def test_move_through_their_table_and_leave_a_trace(self, store):
        alert_id = store.alerts.add(alert())
        acked = store.alerts.advance(alert_id, AlertEvent.ACK, now=T0 + 1, actor="dashboard")
        assert acked == store.alerts.get(alert_id)
        assert acked.state is AlertState.ACKED
        (entry,) = store.audit.list(10, subject=str(alert_id))
        assert (entry.actor, entry.action, entry.data, entry.at) == (
            "dashboard",
            "alert.ack",
            {"from": "firing"},
            T0 + 1,
        )

    def test_a_step_that_the_table_lacks_changes_nothing(self, store):
        alert_id = store.alerts.add(alert())
        store.alerts.advance(alert_id, AlertEvent.RESOLVE, now=T0, actor="hybridd")
        with pytest.raises(IllegalTransition):
            store.alerts.advance(alert_id, AlertEvent.ACK, now=T0, actor="dashboard")
        assert store.alerts.get(alert_id).state is AlertState.RESOLVED
        assert len(store.audit.list(10)) == 1

    def test_one_that_does_not_exist_is_said_so(self, store):
        assert store.alerts.get(99) is None
        with pytest.raises(DataError, match="there is no alert 99"):
            store.alerts.advance(99, AlertEvent.ACK, now=T0, actor="cli")

    def test_the_open_one_of_a_reason(self, store):
        old = store.alerts.add(alert("1", change(Reason.FEED_STALE)))
        new = store.alerts.add(alert("2", change(Reason.CYCLE_LATE), change(Reason.FEED_STALE)))
        store.alerts.add(alert("3", change(Reason.CYCLE_LATE)))
        store.alerts.add(alert("4", change(Reason.FEED_STALE), subject="ETH/USDT"))
        assert store.alerts.open_of(Reason.FEED_STALE, "BTC/USDT").id == new
        store.alerts.advance(new, AlertEvent.RESOLVE, now=T0, actor="hybridd")
        store.alerts.advance(old, AlertEvent.ACK, now=T0, actor="cli")
        assert store.alerts.open_of(Reason.FEED_STALE, "BTC/USDT").id == old
        assert store.alerts.open_of(Reason.DISK_LOW, "BTC/USDT") is None

    def test_expire_at_their_end_unless_somebody_answered(self, store):
        due, answered = store.alerts.add(alert("1")), store.alerts.add(alert("2"))
        later = store.alerts.add(alert("3", expires_at=T0 + 900_001))
        store.alerts.advance(answered, AlertEvent.ACK, now=T0, actor="cli")
        assert [a.id for a in store.alerts.expire_due(T0 + 900_000)] == [due]
        assert store.alerts.expire_due(T0 + 900_000) == []
        assert [a.state for a in store.alerts.list()] == ["firing", "acked", "expired"]
        assert [a.id for a in store.alerts.list(state=AlertState.FIRING)] == [later]

    def test_are_listed_by_reason(self, store):
        store.alerts.add(alert("1"))
        wanted = store.alerts.add(alert("2", change(Reason.DISK_LOW)))
        found = store.alerts.list(reasons=[Reason.DISK_LOW, Reason.FEED_STALE])
        assert [a.id for a in found] == [wanted]


class TestChanges:
    def test_come_back_with_their_verdict(self, store):
        ids = store.analyses.add_many([analysis(60.0)])
        alert_id = store.alerts.add(alert())
        told = Verdict(change=change(before="NEUTRAL", after=None, detail="d", deferred_from=3))
        mute = Verdict(change=change(subject="ETH/USDT", before=1.5, after=0), suppressed=Suppression.COOL_DOWN)
        store.changes.add(told, analysis_id=ids[T0], alert_id=alert_id)
        store.changes.add(mute, analysis_id=None, alert_id=None)
        told, mute = (structs.replace(one, judged_at=T0) for one in (told, mute))
        assert store.changes.of_alert(alert_id) == [told]
        assert store.changes.list(10) == [mute, told]
        assert store.changes.list(1) == [mute]
        assert store.changes.list(10, subject="BTC/USDT") == [told]

    def test_every_one_is_accounted_for(self, store):
        accept, fail = (DeliveryEvent.LEASE, DeliveryEvent.ACCEPT), (DeliveryEvent.LEASE, DeliveryEvent.FAIL)
        lost, waits = (DeliveryEvent.LEASE, DeliveryEvent.LOSE), ()
        fates = {
            "delivered": [[fail, accept], [accept, waits]],
            "pending": [[fail, waits], [lost], [(DeliveryEvent.LEASE,)]],
            "failed": [[], [fail], [(DeliveryEvent.CANCEL,), (DeliveryEvent.EXPIRE,)]],
        }
        for fate, alerts in fates.items():
            for i, events in enumerate(alerts):
                alert_id = alert_with_deliveries(store, f"{fate} {i}", *events)
                store.changes.add(Verdict(change=change()), analysis_id=None, alert_id=alert_id)
        for reason in Suppression:
            store.changes.add(Verdict(change=change(), suppressed=reason), analysis_id=None, alert_id=None)
        found = store.changes.conservation()
        assert (found.delivered, found.pending, found.failed) == (2, 3, 3)
        assert (found.suppressed, found.missing) == (len(Suppression), 0)
        assert found.changes == 8 + len(Suppression)

    def test_an_empty_state_is_in_balance(self, store):
        found = store.changes.conservation()
        assert (found.changes, found.missing) == (0, 0)


class TestOutbox:
    ROW = ("email", "a@example.org", 0, T0, T0 + 900_000)

    @pytest.fixture
    def alert_id(self, store) -> int:
        return store.alerts.add(alert())

    def one(self, store, alert_id: int, row=ROW):
        store.outbox.plan(alert_id, [row])
        return store.outbox.of_alert(alert_id)[-1]

    def test_plans_once(self, store, alert_id):
        rows = [self.ROW, ("email", "b@example.org", 0, T0, T0 + 1), ("sms", "+1", 1, T0, T0 + 1)]
        assert store.outbox.plan(alert_id, rows) == 3
        assert store.outbox.plan(alert_id, [*rows, ("sms", "+1", 2, T0, T0 + 1)]) == 1
        assert store.outbox.plan(alert_id, []) == 0
        planned = store.outbox.of_alert(alert_id)[0]
        assert (planned.state, planned.attempts, planned.next_at) == (DeliveryState.PLANNED, 0, T0)
        assert planned.key == f"{alert_id}:a@example.org:email:0"

    def test_due_is_what_waited_longest(self, store, alert_id):
        times = {"late": T0 + 50, "soon": T0 + 10, "now": T0 + 20, "never": T0 + 999}
        store.outbox.plan(alert_id, [("email", name, 0, at, T0 + 900_000) for name, at in times.items()])
        store.outbox.plan(alert_id, [("sms", "soon", 0, T0, T0 + 900_000)])
        assert [d.recipient for d in store.outbox.due("email", T0 + 50)] == ["soon", "now", "late"]
        assert [d.recipient for d in store.outbox.due("email", T0 + 50, limit=1)] == ["soon"]
        assert store.outbox.next_due("email") == T0 + 10
        assert store.outbox.next_due("push") is None

    def test_is_leased_to_one_only(self, store, alert_id):
        delivery = self.one(store, alert_id)
        leased = store.outbox.lease(delivery.id, T0)
        assert (leased.state, leased.attempts) == (DeliveryState.LEASED, 1)
        assert store.outbox.lease(delivery.id, T0) is None
        assert store.outbox.due("email", T0) == []

    def test_threads_race_for_a_lease_and_one_wins(self, store, alert_id):
        delivery = self.one(store, alert_id)
        won, start = [], threading.Barrier(4)

        def race() -> None:
            start.wait(10)
            won.append(store.outbox.lease(delivery.id, T0))

        threads = [threading.Thread(target=race) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sum(lease is not None for lease in won) == 1

    def test_is_not_leased_before_its_turn_nor_after_its_deadline(self, store, alert_id):
        delivery = self.one(store, alert_id)
        assert store.outbox.lease(delivery.id, T0 - 1) is None
        assert store.outbox.lease(delivery.id, T0 + 900_000) is None
        assert store.outbox.lease(99, T0) is None

    def test_a_retry_waits_its_time_and_is_another_attempt(self, store, alert_id):
        delivery = store.outbox.lease(self.one(store, alert_id).id, T0)
        waiting = store.outbox.settle(delivery.id, DeliveryEvent.RETRY, now=T0, next_at=T0 + 60, reason="SMTP 451")
        assert (waiting.state, waiting.reason) == (DeliveryState.RETRY_WAIT, "SMTP 451")
        assert store.outbox.due("email", T0 + 59) == []
        assert store.outbox.lease(delivery.id, T0 + 60).attempts == 2

    def test_what_the_provider_took_is_told(self, store, alert_id):
        delivery = store.outbox.lease(self.one(store, alert_id).id, T0)
        assert store.outbox.last_told("email") is None
        store.outbox.settle(delivery.id, DeliveryEvent.ACCEPT, now=T0 + 7, provider_id="<1@x>")
        seen = store.outbox.settle(delivery.id, DeliveryEvent.RECEIPT, now=T0 + 99)
        assert (seen.state, seen.provider_id) == (DeliveryState.DELIVERED, "<1@x>")
        assert store.outbox.last_told("email") == T0 + 7

    def test_a_step_that_the_table_lacks_changes_nothing(self, store, alert_id):
        delivery = self.one(store, alert_id)
        with pytest.raises(IllegalTransition):
            store.outbox.settle(delivery.id, DeliveryEvent.ACCEPT, now=T0, provider_id="x")
        assert store.outbox.of_alert(alert_id) == [delivery]
        with pytest.raises(DataError, match="there is no delivery 99"):
            store.outbox.settle(99, DeliveryEvent.ACCEPT, now=T0)

    def test_a_lease_left_by_a_crash_is_unknown(self, store, alert_id):
        delivery = self.one(store, alert_id)
        store.outbox.lease(delivery.id, T0)
        assert store.outbox.recover(T0 + 5) == 1
        assert store.outbox.recover(T0 + 5) == 0
        (again,) = store.outbox.due("email", T0 + 5)
        assert (again.state, again.next_at, again.attempts) == (DeliveryState.UNKNOWN, T0 + 5, 1)
        assert again.reason

    def test_what_came_too_late_is_missed(self, store, alert_id):
        store.outbox.plan(alert_id, [(*self.ROW[:1], name, 0, T0, T0 + 10) for name in ("waits", "sent")])
        waits, sent = store.outbox.of_alert(alert_id)
        store.outbox.lease(sent.id, T0)
        assert store.outbox.expire_due(T0 + 9) == []
        assert [d.id for d in store.outbox.expire_due(T0 + 10)] == [waits.id]
        assert [d.state for d in store.outbox.of_alert(alert_id)] == ["expired", "leased"]

    def test_cancels_what_is_certainly_not_sent(self, store, alert_id):
        store.outbox.plan(alert_id, [(*self.ROW[:1], name, 0, T0, T0 + 10) for name in ("a", "b", "c")])
        a, b, c = store.outbox.of_alert(alert_id)
        store.outbox.lease(b.id, T0)
        store.outbox.lease(c.id, T0)
        store.outbox.settle(c.id, DeliveryEvent.LOSE, now=T0)
        assert store.outbox.cancel_for(alert_id, T0, "acked") == 1
        assert [d.state for d in store.outbox.of_alert(alert_id)] == ["cancelled", "leased", "unknown"]
        assert store.outbox.get(a.id).reason == "acked"

    def test_counts_every_state(self, store, alert_id):
        self.one(store, alert_id)
        counts = store.outbox.counts()
        assert set(counts) == set(DeliveryState)
        assert (counts[DeliveryState.PLANNED], sum(counts.values())) == (1, 1)


class TestAddresses:
    def test_one_that_nobody_complained_of_is_unknown(self, store):
        assert store.addresses.get("sms", "+1") is None
        assert not store.addresses.is_disabled("sms", "+1")
        assert not store.addresses.enable("sms", "+1", "why not", T0)

    def test_is_given_up_once_and_brought_back_once(self, store):
        assert store.addresses.disable("sms", "+1", "30005", T0)
        assert not store.addresses.disable("sms", "+1", "30006", T0 + 1)
        (found,) = store.addresses.disabled()
        assert (found.channel, found.address, found.kind, found.reason, found.since) == (
            "sms",
            "+1",
            "phone",
            "30005",
            T0,
        )
        assert not store.addresses.is_disabled("email", "+1"), "another channel's is another"
        assert store.addresses.enable("sms", "+1", "a test", T0 + 2)
        assert store.addresses.disabled() == []
        assert store.addresses.get("sms", "+1").since == T0 + 2

    def test_what_the_settings_do_not_name_is_forgotten(self, store):
        for channel, address in (("sms", "+1"), ("sms", "+2"), ("push", "t")):
            store.addresses.disable(channel, address, "x", T0)
        gone = store.addresses.forget_others({"sms": ("+2",)})
        assert [(a.channel, a.address) for a in gone] == [("sms", "+1"), ("push", "t")]
        assert [a.address for a in store.addresses.disabled()] == ["+2"]


class TestInbox:
    ENTRY = Entry(
        channel="sms", kind="twilio_sms", provider_id="SM1", sender="+1", text="ACK 1", received_at=T0, data={"To": ""}
    )  # fmt: skip

    def test_keeps_what_came_once_and_as_it_came(self, store):
        entry_id = store.inbox.add(self.ENTRY)
        assert store.inbox.add(replace(self.ENTRY, text="other")) is None
        assert store.inbox.add(replace(self.ENTRY, channel="telegram")) is not None
        assert store.inbox.get(entry_id) == replace(self.ENTRY, id=entry_id)

    def test_is_worked_on_oldest_first_and_once(self, store):
        first, second = (store.inbox.add(replace(self.ENTRY, provider_id=name)) for name in ("a", "b"))
        assert [e.id for e in store.inbox.new()] == [first, second]
        done = store.inbox.settle(first, EntryEvent.OBEY, "acknowledged", T0 + 5)
        assert (done.state, done.outcome) == ("done", "acknowledged")
        with pytest.raises(IllegalTransition):
            store.inbox.settle(first, EntryEvent.IGNORE, "again", T0 + 6)
        assert [e.id for e in store.inbox.new()] == [second]
        with pytest.raises(DataError, match="no inbox entry 99"):
            store.inbox.settle(99, EntryEvent.OBEY, "", T0)


class TestMissed:
    def test_is_noted_once_told_once_and_taken_back_once(self, store):
        alert_id = store.alerts.add(alert("a", analysis=analysis(70.0, "LONG")))
        stored = store.alerts.get(alert_id)
        assert store.missed.add(stored, T0 + 1)
        assert not store.missed.add(stored, T0 + 2)
        assert [(m.alert.id, m.at, m.notice) for m in store.missed.untold()] == [(alert_id, T0 + 1, None)]
        assert store.missed.subjects() == {"BTC/USDT"}
        store.missed.tell([alert_id], 7)
        assert store.missed.untold() == []
        assert [m.alert.id for m in store.missed.told_in(7)] == [alert_id]
        assert [a.id for a in store.missed.to_restore("BTC/USDT")] == [alert_id]
        store.missed.restored([alert_id])
        assert store.missed.to_restore("BTC/USDT") == []
        assert store.missed.subjects() == frozenset()
        assert [m.alert.id for m in store.missed.since(T0 + 1)] == [alert_id]
        assert store.missed.since(T0 + 2) == []

    def test_the_last_that_was_heard_is_the_newest_that_was_not_missed(self, store):
        turned = change(Reason.SIGNAL_CHANGED, before="NEUTRAL", after="LONG")
        store.alerts.add(alert("a", turned, analysis=analysis(70.0, "LONG")))
        store.alerts.add(alert("b", analysis=analysis(60.0)))
        lost = store.alerts.add(alert("c", turned, analysis=analysis(20.0, "SHORT")))
        store.missed.add(store.alerts.get(lost), T0)
        assert store.missed.last_heard("BTC/USDT").score == 60.0
        assert store.missed.last_heard("BTC/USDT", Reason.SIGNAL_CHANGED).score == 70.0
        assert store.missed.last_heard("ETH/USDT") is None


ROWS = [(T0 + i * STEP, 1.0 + i, 2.0 + i, 0.5 + i, 1.5 + i, 10.0 * i) for i in (0, 1, 2, 5)]


class TestCandles:
    def test_come_back_with_their_gaps(self, store):
        store.candles.save("BTC/USDT", "5m", candles_from_rows(STEP, ROWS))
        found = store.candles.load("BTC/USDT", "5m", STEP, 100)
        expected = candles_from_rows(STEP, ROWS)
        for name in ("open_time", "open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert found.step == STEP

    def test_the_newest_are_loaded_oldest_first(self, store):
        store.candles.save("BTC/USDT", "5m", candles_from_rows(STEP, ROWS))
        assert store.candles.load("BTC/USDT", "5m", STEP, 2).open_time.tolist() == [T0 + 2 * STEP, T0 + 5 * STEP]
        assert len(store.candles.load("ETH/USDT", "5m", STEP, 2)) == 0

    def test_a_revised_candle_replaces_the_older(self, store):
        store.candles.save("BTC/USDT", "5m", candles_from_rows(STEP, ROWS))
        store.candles.save("BTC/USDT", "5m", candles_from_rows(STEP, [(T0, 9.0, 9.0, 9.0, 9.0, 9.0)]))
        assert store.candles.load("BTC/USDT", "5m", STEP, 100).close.tolist() == [9.0, 2.5, 3.5, 6.5]

    def test_none_is_no_trouble(self, store):
        store.candles.save("BTC/USDT", "5m", candles_from_rows(STEP, []))
        assert len(store.candles.load("BTC/USDT", "5m", STEP, 5)) == 0

    def test_the_quarantine_keeps_what_was_not_believed(self, store):
        store.candles.quarantine("BTC/USDT", "5m", T0, "high under low", T0 + 1)
        store.candles.quarantine("ETH/USDT", "5m", T0, "price of 0", T0 + 2)
        assert [(q.symbol, q.detail) for q in store.candles.quarantined(1)] == [("ETH/USDT", "price of 0")]
        assert len(store.candles.quarantined()) == 2


class TestTrades:
    def test_are_opened_and_closed_once(self, store):
        made = trade(stop_price=45_000.0, target_price=46_000.0, fee_percent=0.1, simulated=True)
        trade_id = store.trades.open(made)
        opened = store.trades.get(trade_id)
        assert opened == structs.replace(made, id=trade_id)
        closed = store.trades.update(close_trade(opened, exit_price=46_000, exit_at=T0, reason="target"))
        assert store.trades.get(trade_id) == closed
        assert closed.state is TradeState.CLOSED
        with pytest.raises(DataError, match=f"trade {trade_id} is closed already"):
            store.trades.update(closed)
        with pytest.raises(DataError, match="trade 99 does not exist"):
            store.trades.update(structs.replace(closed, id=99))

    def test_the_open_ones(self, store):
        btc = store.trades.open(trade())
        eth = store.trades.open(trade("SHORT", symbol="ETH/USDT"))
        gone = store.trades.open(trade())
        store.trades.update(close_trade(store.trades.get(gone), exit_price=1.0, exit_at=T0))
        assert [t.id for t in store.trades.open_trades()] == [btc, eth]
        assert [(t.id, t.side) for t in store.trades.open_trades("ETH/USDT")] == [(eth, Side.SHORT)]

    def test_history_is_what_began_or_ended_in_the_window(self, store):
        day = 86_400_000
        old = store.trades.open(trade(at=T0 - 9 * day))
        ended = store.trades.open(trade(at=T0 - 8 * day))
        store.trades.update(close_trade(store.trades.get(ended), exit_price=1.0, exit_at=T0 - day))
        new = store.trades.open(trade(at=T0 - 2 * day, symbol="ETH/USDT"))
        assert [t.id for t in store.trades.list(days=7)] == [ended, new]
        assert [t.id for t in store.trades.list()] == [old, ended, new]
        assert [t.id for t in store.trades.list(days=7, symbol="ETH/USDT")] == [new]


class TestSmallTables:
    @pytest.mark.parametrize("value", [0, 1.5, "x", None, True, [1, {"a": None}], {"b": [1.25], "a": "ü"}])
    def test_values_survive(self, store, value):
        store.bot_state.set("k", value)
        assert store.bot_state.get("k", "default") == value

    def test_values_are_replaced_and_listed(self, store):
        store.bot_state.set("memory:BTC", 1)
        store.bot_state.set("memory:BTC", 2)
        store.bot_state.set("other", 3)
        assert store.bot_state.items("memory:") == {"memory:BTC": 2}
        assert store.bot_state.get("absent", "default") == "default"

    def test_events_are_tailed(self, store):
        first = store.events.append("analysis", "BTC/USDT", {"score": 62.5}, T0)
        second = store.events.append("alert", "BTC/USDT", {"id": 1}, T0 + 1)
        assert store.events.last_id() == second
        assert [e.id for e in store.events.after(0)] == [first, second]
        assert [e.id for e in store.events.after(0, limit=1)] == [first]
        (event,) = store.events.after(first)
        assert (event.kind, event.subject, event.data, event.at) == ("alert", "BTC/USDT", {"id": 1}, T0 + 1)

    def test_the_audit_trail_is_a_chain(self, store):
        ids = [store.audit.append("cli", "ack", str(i), {"i": i, "f": 0.1, "none": NAN}, T0 + i) for i in range(5)]
        assert store.audit.verify() == ""
        assert [e.id for e in store.audit.list(2)] == ids[:2:-1]


def test_two_stores_live_side_by_side(tmp_path):
    one = open_store(f"sqlite:///{tmp_path}/one.db", clock=ManualClock())
    two = open_store(f"sqlite:///{tmp_path}/two.db", clock=ManualClock())
    one.bot_state.set("k", 1)
    two.bot_state.set("k", 2)
    assert (one.bot_state.get("k"), two.bot_state.get("k")) == (1, 2)
    one.close()
    two.close()
