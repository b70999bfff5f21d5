"""Whatever comes in whatever order, restarts included: the cap holds, nothing critical waits for the morning while it
lasts, all is accounted for, and nothing is both held back and sent."""

import shutil
import tempfile
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hybridd.alerts.quiet import QuietHours, local_day, quiet_until
from hybridd.alerts.restraint import Candidate, Ledger, RestraintRules, hold
from hybridd.model.alert import AlertEvent, AlertState
from hybridd.model.change import Reason, Severity, Suppression
from hybridd.model.delivery import PENDING, DeliveryState, Failure, Outcome
from tests.fakes.office import Office
from tests.makers import T0

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR = 60_000, 3_600_000
RULES = RestraintRules(
    quiet=QuietHours(start=23 * 60, end=7 * 60, zone=BERLIN), rate=2, rate_critical=6, daily_segments=4, reserve=1,
    zone=BERLIN,
)  # fmt: skip
STARTS = (T0, 1_743_285_600_000, 1_761_426_000_000)
"""A day in June, and the evenings before Berlin's clocks go forward and back in 2025."""


class Night(RuleBasedStateMachine):
    """An office through days and nights; `critical` and `others` are the ids of all alerts that were made."""

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start):
        self.folder = Path(tempfile.mkdtemp(prefix="hybridd-test-"))
        url = f"sqlite:///{self.folder}/state.db"
        self.office = Office(start, rules=RULES, channels=("push", "sms"), url=url, zone="Europe/Berlin")
        self.critical, self.others = [], []

    @rule(symbol=st.sampled_from(["BTC/USDT", "ETH/USDT"]), n=st.integers(1, 5), lives=st.sampled_from([MINUTE, HOUR]))
    def news(self, symbol, n, lives):
        self.others += [self.office.market(symbol, lives=lives) for _ in range(n)]

    @rule(n=st.integers(2, 6), lives=st.sampled_from([HOUR, 24 * HOUR]))
    def trouble(self, n, lives):
        self.critical += [self.office.trouble(Reason.DISK_LOW, f"/{i}", lives=lives) for i in range(n)]

    @rule()
    def deliver(self):
        self.office.deliver()

    @rule(ms=st.sampled_from([1_000, 7 * MINUTE, 11 * MINUTE, 3 * HOUR]))
    def time_passes(self, ms):
        self.office.clock.advance(ms)
        self.office.deliver()

    @rule()
    def restart(self):
        self.office.restart()

    @rule(channel=st.sampled_from(["push", "sms"]), failure=st.sampled_from([Failure.RETRY, Failure.UNKNOWN]))
    def fail_once(self, channel, failure):
        self.office.channels[channel].script.append(Outcome(failure=failure, detail="as it may happen"))

    @rule(which=st.integers(0, 99))
    def answer(self, which):
        store, now = self.office.store, self.office.clock.now()
        made = self.critical + self.others
        alert = store.alerts.get(made[which % len(made)]) if made else None
        if alert is not None and alert.state is AlertState.FIRING:
            with store.transaction():
                store.alerts.advance(alert.id, AlertEvent.ACK, now=now, actor="me")
                store.outbox.cancel_for(alert.id, now, "acked")

    @invariant()
    def the_cap_of_every_day_holds(self):
        if hasattr(self, "office"):
            spent = {}
            for at, _, _ in (sent for sent in self.office.sent if sent[1] == "sms"):
                day = local_day(at, BERLIN)[0]
                spent[day] = spent.get(day, 0) + 1
            assert all(n <= RULES.daily_segments for n in spent.values())
            assert self.office.store.holds.spent("sms", local_day(self.office.clock.now(), BERLIN)[0]) <= 4

    @invariant()
    def nobody_is_woken_but_for_what_is_critical(self):
        if hasattr(self, "office"):
            loud = [m.severity for at, _, m in self.office.sent if quiet_until(at, RULES.quiet) is not None]
            assert set(loud) <= {Severity.CRITICAL.value}

    @invariant()
    def no_address_gets_more_than_its_limit_in_a_window(self):
        if hasattr(self, "office"):
            for name in ("push", "sms"):
                times = self.office.times(name)
                for i, at in enumerate(times):
                    assert sum(at <= other < at + RULES.rate_window_ms for other in times[i:]) <= RULES.rate_critical

    @invariant()
    def nothing_critical_waits_for_the_morning_before_it_is_over(self):
        if hasattr(self, "office"):
            for alert in self.critical:
                ends = self.office.store.alerts.get(alert).expires_at
                held = [reason for reason, at, _ in self.office.holds(alert) if at < ends]
                assert Suppression.QUIET_HOURS not in held

    @invariant()
    def everything_is_accounted_for_and_what_went_into_a_digest_did_not_go_by_itself(self):
        if hasattr(self, "office"):
            store = self.office.store
            assert store.changes.conservation().missing == 0
            for alert in self.critical + self.others:
                for delivery in store.outbox.of_alert(alert):
                    if store.holds.digest_of(delivery.id) is not None:
                        assert delivery.state is DeliveryState.CANCELLED
                        assert not [m for _, _, m in self.office.sent if m.key == delivery.key]

    def teardown(self):
        if not hasattr(self, "office"):
            return
        # In the end all that waits is told or over: nothing piles up for ever.
        self.office.wait(3 * 24 * HOUR, every=HOUR)
        counts = self.office.store.outbox.counts()
        assert not sum(counts[state] for state in PENDING)
        assert self.office.store.verify() == []
        self.office.close()
        shutil.rmtree(self.folder)


Night.TestCase.settings = settings(
    max_examples=12, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck)
)
test_nights = Night.TestCase

candidates = st.builds(
    Candidate, channel=st.sampled_from(["push", "sms", "email", "journal"]), critical=st.booleans(),
    asked=st.booleans(), segments=st.integers(0, 3),
)  # fmt: skip
some_rules = st.builds(
    RestraintRules, quiet=st.none() | st.just(RULES.quiet), rate=st.integers(0, 4), rate_critical=st.integers(0, 8),
    daily_segments=st.integers(0, 10), reserve=st.integers(0, 12), zone=st.sampled_from([BERLIN, UTC]),
)  # fmt: skip


@settings(deadline=None)
@given(
    candidate=candidates, rules=some_rules, now=st.sampled_from(STARTS), ago=st.lists(st.integers(0, 900_000)),
    spent=st.integers(0, 12),
)  # fmt: skip
def test_what_waits_waits_for_a_time_at_which_its_reason_is_gone(candidate, rules, now, ago, spent):
    sent = sorted(now - ms for ms in ago)
    found = hold(candidate, Ledger(now=now, sent=sent, spent=spent), rules)
    if found is None or found.until is None:
        return
    assert found.until > now
    fresh_day = 0 if found.reason is Suppression.BUDGET else spent
    again = hold(candidate, Ledger(now=found.until, sent=sent, spent=fresh_day), rules)
    assert again is None or again.reason is not found.reason
