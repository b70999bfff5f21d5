"""Which message goes now and which waits: the stages one by one, and their order."""

from dataclasses import replace
from datetime import UTC

import pytest

from hybridd.alerts.quiet import QuietHours
from hybridd.alerts.restraint import Candidate, Hold, Ledger, RestraintRules, hold
from hybridd.model.change import Suppression

HOUR = 3_600_000
MIDNIGHT = 1_750_032_000_000  # 2025-06-16, UTC
NOON = MIDNIGHT + 12 * HOUR
NIGHT = MIDNIGHT + 3 * HOUR
RULES = RestraintRules(
    quiet=QuietHours(start=23 * 60, end=7 * 60, zone=UTC), rate=3, rate_critical=5, daily_segments=10, reserve=4
)
PUSH = Candidate(channel="push", critical=False)
SMS = Candidate(channel="sms", critical=False, segments=1)


def critical(candidate):
    return replace(candidate, critical=True)


def asked(candidate):
    return replace(candidate, asked=True)


def why(candidate, ledger, rules=RULES):
    found = hold(candidate, ledger, rules)
    return found and (found.reason, found.until)


@pytest.mark.parametrize(
    ("candidate", "now", "waits"),
    [
        (PUSH, NOON, False),
        (PUSH, NIGHT, True),
        (critical(PUSH), NIGHT, False),
        (asked(PUSH), NIGHT, False),
        (SMS, NIGHT, True),
        (replace(PUSH, channel="telegram"), NIGHT, True),
        (replace(PUSH, channel="email"), NIGHT, False),
        (replace(PUSH, channel="journal"), NIGHT, False),
    ],
)
def test_quiet_hours_are_for_what_wakes_people_and_is_not_critical(candidate, now, waits):
    assert why(candidate, Ledger(now=now)) == ((Suppression.QUIET_HOURS, MIDNIGHT + 7 * HOUR) if waits else None)


@pytest.mark.parametrize(("candidate", "limit"), [(PUSH, 3), (critical(PUSH), 5)])
def test_the_message_after_the_last_waits_for_the_window_to_open(candidate, limit):
    sent = [NOON + i * 1000 for i in range(limit)]
    now = NOON + 60_000
    assert why(candidate, Ledger(now=now, sent=sent[:-1])) is None
    assert why(candidate, Ledger(now=now, sent=sent)) == (Suppression.RATE, NOON + RULES.rate_window_ms)
    assert why(candidate, Ledger(now=NOON + RULES.rate_window_ms, sent=sent)) is None
    assert why(asked(candidate), Ledger(now=now, sent=sent)) is None
    assert why(replace(candidate, channel="journal"), Ledger(now=now, sent=sent)) is None


def test_a_limit_of_nothing_is_none():
    rules = replace(RULES, rate=0, rate_critical=0)
    assert why(PUSH, Ledger(now=NOON, sent=[NOON] * 99), rules) is None


def test_messages_of_the_future_do_not_count_after_the_clock_was_set_back():
    assert why(PUSH, Ledger(now=NOON, sent=[NOON + 1] * 9)) is None


@pytest.mark.parametrize(
    ("candidate", "spent", "waits"),
    [(SMS, 5, False), (SMS, 6, True), (critical(SMS), 9, False), (critical(SMS), 10, True), (asked(SMS), 10, True)],
)
def test_the_reserve_is_for_critical_messages_and_the_cap_for_all(candidate, spent, waits):
    tomorrow = MIDNIGHT + 24 * HOUR
    assert why(candidate, Ledger(now=NOON, spent=spent)) == ((Suppression.BUDGET, tomorrow) if waits else None)
    assert why(replace(candidate, channel="push"), Ledger(now=NOON, spent=spent)) is None


def test_what_no_day_can_pay_for_never_goes():
    long = replace(SMS, segments=7)
    assert hold(long, Ledger(now=NOON), RULES) == Hold(reason=Suppression.BUDGET, until=None)
    assert hold(critical(long), Ledger(now=NOON), RULES) is None
    assert hold(critical(SMS), Ledger(now=NOON), replace(RULES, daily_segments=0)).until is None


def test_quiet_hours_come_before_the_rate_and_the_rate_before_the_budget():
    ledger = Ledger(now=NIGHT, sent=[NIGHT] * 3, spent=99)
    assert why(SMS, ledger)[0] is Suppression.QUIET_HOURS
    assert why(SMS, replace(ledger, now=NOON, sent=[NOON] * 3))[0] is Suppression.RATE
    assert why(SMS, replace(ledger, now=NOON))[0] is Suppression.BUDGET
