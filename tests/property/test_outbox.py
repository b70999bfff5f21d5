"""Whatever happens in whatever order, crashes included: the outbox obeys its table, leases once, and loses nothing."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from hybridd.clock import ManualClock
from hybridd.model.alert import Alert
from hybridd.model.change import Change, Reason, Verdict
from hybridd.model.delivery import DELIVERY_TABLE, PENDING, TOLD, DeliveryEvent, DeliveryState
from hybridd.model.state import IllegalTransition
from hybridd.store.outbox import ABANDONED_MS
from hybridd.store.store import Store, open_store
from tests.makers import T0

S, E = DeliveryState, DeliveryEvent
WAITS = {S.PLANNED, S.RETRY_WAIT, S.UNKNOWN, S.DEFERRED}
TTL = 1_000


class Outbox(RuleBasedStateMachine):
    """Two programs on one state, and a model of what they have done: state and attempts of every delivery."""

    deliveries = Bundle("deliveries")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hybridd-test-"))
        self.clock = ManualClock(T0)
        self.stores = [self.open(), self.open()]
        self.model: dict[int, tuple[DeliveryState, int]] = {}
        self.alert_of: dict[int, int] = {}
        self.next_at: dict[int, int] = {}
        self.deadline: dict[int, int] = {}
        self.told: set[int] = set()

    def open(self) -> Store:
        return open_store(f"sqlite:///{self.folder}/state.db", clock=self.clock, busy_seconds=1)

    @rule(target=deliveries, n=st.integers(0, 3), later=st.sampled_from([0, 50]))
    def fire(self, n, later):
        store, now = self.stores[0], self.clock.now()
        change = Change(subject="s", reason=Reason.TEST, at=now, before=None, after=None)
        with store.transaction():
            alert_id = store.alerts.add(
                Alert(
                    key=f"{len(store.alerts.list(999))}",
                    subject="s",
                    created_at=now,
                    expires_at=now + TTL,
                    changes=(change,),
                )
            )
            rows = [("email", str(i), 0, now + later, now + TTL) for i in range(n)]
            assert store.outbox.plan(alert_id, rows) == n
            assert store.outbox.plan(alert_id, rows) == 0
            store.changes.add(Verdict(change=change), analysis_id=None, alert_id=alert_id)
        made = store.outbox.of_alert(alert_id)
        for delivery in made:
            self.model[delivery.id] = (S.PLANNED, 0)
            self.alert_of[delivery.id] = alert_id
            self.next_at[delivery.id], self.deadline[delivery.id] = delivery.next_at, delivery.deadline
        return multiple(*(delivery.id for delivery in made))

    @rule(ms=st.sampled_from([1, 49, 300, TTL]))
    def time_passes(self, ms):
        self.clock.advance(ms)

    @rule(which=deliveries, program=st.integers(0, 1))
    def lease(self, which, program):
        now = self.clock.now()
        state, attempts = self.model[which]
        free = state in WAITS and self.next_at[which] <= now < self.deadline[which]
        leased = self.stores[program].outbox.lease(which, now)
        assert (leased is not None) == free
        assert self.stores[1 - program].outbox.lease(which, now) is None
        if free:
            self.model[which] = (S.LEASED, attempts + 1)

    @rule(which=deliveries, event=st.sampled_from(sorted(E)), program=st.integers(0, 1), wait=st.sampled_from([0, 200]))
    def happen(self, which, event, program, wait):
        state, attempts = self.model[which]
        if event is E.LEASE:
            return
        now = self.clock.now()
        if (state, event) not in DELIVERY_TABLE:
            with pytest.raises(IllegalTransition):
                self.stores[program].outbox.settle(which, event, now=now)
            return
        self.stores[program].outbox.settle(which, event, now=now, next_at=now + wait)
        self.next_at[which] = now + wait
        self.model[which] = (DELIVERY_TABLE[state, event], attempts)

    @rule(program=st.integers(0, 1))
    def expire(self, program):
        now = self.clock.now()
        late = {i for i, (state, _) in self.model.items() if state in WAITS and self.deadline[i] <= now}
        # What is held back is told as past, until long after its turn.
        held = {i for i in late if self.model[i][0] is S.DEFERRED and self.next_at[i] > now - ABANDONED_MS}
        due = late - held
        assert {delivery.id for delivery in self.stores[program].outbox.expire_due(now)} == due
        self._move(due, S.EXPIRED)

    @rule(which=deliveries, program=st.integers(0, 1))
    def answer(self, which, program):
        same = {i for i, alert_id in self.alert_of.items() if alert_id == self.alert_of[which]}
        open_ones = {i for i in same if self.model[i][0] in {S.PLANNED, S.RETRY_WAIT, S.DEFERRED}}
        found = self.stores[program].outbox.cancel_for(self.alert_of[which], self.clock.now(), "acked")
        assert found == len(open_ones)
        self._move(open_ones, S.CANCELLED)

    @rule(program=st.integers(0, 1))
    def crash(self, program):
        self.stores[program].close()
        self.stores[program] = self.open()
        leased = {i for i, (state, _) in self.model.items() if state is S.LEASED}
        assert self.stores[program].outbox.recover(self.clock.now()) == len(leased)
        self._move(leased, S.UNKNOWN)
        self.next_at |= dict.fromkeys(leased, self.clock.now())

    def _move(self, which: set[int], state: DeliveryState) -> None:
        for i in which:
            self.model[i] = (state, self.model[i][1])

    @invariant()
    def both_programs_see_what_happened(self):
        for store in self.stores:
            counts = store.outbox.counts()
            assert sum(counts.values()) == len(self.model)
            for i, (state, attempts) in self.model.items():
                found = store.outbox.get(i)
                assert (found.state, found.attempts) == (state, attempts)

    @invariant()
    def due_is_what_can_be_leased(self):
        now = self.clock.now()
        due = {delivery.id for delivery in self.stores[0].outbox.due("email", now, limit=999)}
        assert due == {i for i, (state, _) in self.model.items() if state in WAITS and self.next_at[i] <= now}

    @invariant()
    def who_was_told_stays_told(self):
        told = {i for i, (state, _) in self.model.items() if state in TOLD}
        lost = {i for i in self.told - told if self.model[i][0] not in {S.FAILED_PERMANENT, S.RETRY_WAIT}}
        assert not lost  # only the provider itself may take an acceptance back
        self.told = told

    @invariant()
    def every_change_is_accounted_for(self):
        found = self.stores[1].changes.conservation()
        by_alert: dict[int, set[DeliveryState]] = {}
        for i, (state, _) in self.model.items():
            by_alert.setdefault(self.alert_of[i], set()).add(state)
        told = sum(bool(states & TOLD) for states in by_alert.values())
        pending = sum(bool(states & PENDING) and not states & TOLD for states in by_alert.values())
        assert (found.missing, found.delivered, found.pending) == (0, told, pending)
        assert found.failed == found.changes - told - pending

    def teardown(self):
        for store in getattr(self, "stores", []):
            store.close()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


Outbox.TestCase.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
test_outbox = Outbox.TestCase
