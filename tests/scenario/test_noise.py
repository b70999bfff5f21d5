"""A person's nights and days: what reaches the phone and when, on a clock that is driven."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from hybridd.alerts.compose import resolution
from hybridd.alerts.quiet import QuietHours
from hybridd.clock import as_ms
from hybridd.model.alert import AlertEvent
from hybridd.model.change import Reason, Suppression
from hybridd.model.delivery import DeliveryState, Failure, Outcome
from hybridd.model.silence import Silence
from hybridd.pipeline.record import post
from tests.fakes.office import Office, no_limits

S = DeliveryState
MINUTE, HOUR = 60_000, 3_600_000
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(start=23 * 60, end=7 * 60, zone=BERLIN)


def ms(text):
    return as_ms(datetime.fromisoformat(text))


@pytest.fixture
def office_at():
    opened = []

    def make(start, **rules):
        opened.append(Office(ms(start), rules=no_limits(**rules), zone="Europe/Berlin"))
        return opened[-1]

    yield make
    for office in opened:
        assert office.store.changes.conservation().missing == 0
        assert office.store.verify() == []
        office.close()


@pytest.mark.parametrize(
    ("evening", "morning"),
    [
        ("2025-01-10T22:00Z", "2025-01-11T06:00Z"),
        ("2025-03-29T22:00Z", "2025-03-30T05:00Z"),  # the clocks go forward
        ("2025-10-25T21:00Z", "2025-10-26T06:00Z"),  # and back
    ],
)
def test_what_happens_in_the_night_is_one_message_in_the_morning(office_at, evening, morning):
    office = office_at(evening, quiet=NIGHT)
    night = []
    for symbol in ("BTC/USDT", "ETH/USDT", "BTC/USDT"):
        office.wait(40 * MINUTE, every=5 * MINUTE)
        night.append(office.market(symbol))
        office.deliver()
    assert office.titles("push") == office.titles("sms") == []
    assert len(office.titles("email")) == 3  # a mail wakes nobody
    assert office.fates(night[0])["push"] is S.DEFERRED
    office.wait(12 * HOUR, every=5 * MINUTE)
    assert office.titles("push") == office.titles("sms") == ["3 alerts in your quiet hours: BTC/USDT 2, ETH/USDT 1"]
    assert office.times("push") == [ms(morning)]
    text = office.sent[-1][2].text
    assert text.count("(past)") == 3
    assert office.fates(night[0])["push"] is S.CANCELLED
    held = office.holds(night[0])
    assert {reason for reason, _, _ in held} == {Suppression.QUIET_HOURS}
    assert {until for _, _, until in held} == {ms(morning)}


def test_a_critical_alert_passes_the_night_and_its_end_waits_for_the_morning(office_at):
    office = office_at("2025-01-10T23:00Z", quiet=NIGHT)
    trouble = office.trouble(lives=9 * HOUR)
    office.deliver()
    assert len(office.titles("push")) == 1
    with office.store.transaction():
        over = resolution(office.store.alerts.get(trouble), office.clock.now() + 1, 24 * HOUR)
        office.store.alerts.advance(trouble, AlertEvent.RESOLVE, now=office.clock.now(), actor="hybridd")
        post(office.store, over, office.routes, {"push": ("me by push",)}, office.clock.now())
    office.wait(6 * HOUR + 59 * MINUTE, every=5 * MINUTE)
    assert len(office.titles("push")) == 1
    office.wait(2 * MINUTE)
    assert office.titles("push")[1:] == ["BTC/USDT: fresh candles again"]


def test_one_that_is_alone_and_still_worth_acting_on_goes_as_it_is(office_at):
    office = office_at("2025-01-11T05:50Z", quiet=NIGHT)
    alone = office.market()
    office.deliver()
    assert office.fates(alone)["push"] is S.DEFERRED
    office.wait(10 * MINUTE)
    assert office.titles("push") == ["BTC/USDT LONG 78 (was NEUTRAL) @ 45,250.00"]
    assert office.times("push") == [ms("2025-01-11T06:00Z")]
    assert office.fates(alone)["push"] is S.ACCEPTED


def test_one_that_is_alone_and_over_is_told_as_past(office_at):
    office = office_at("2025-01-11T01:00Z", quiet=NIGHT)
    office.market()
    office.wait(6 * HOUR, every=5 * MINUTE)
    assert office.titles("push") == ["1 alert in your quiet hours: BTC/USDT 1"]
    assert "(past)" in next(message.text for _, name, message in office.sent if name == "push")


def test_who_has_answered_in_the_night_hears_no_more_of_it(office_at):
    office = office_at("2025-01-11T01:00Z", quiet=NIGHT)
    alert = office.market()
    office.deliver()
    with office.store.transaction():
        office.store.alerts.advance(alert, AlertEvent.ACK, now=office.clock.now(), actor="me")
        office.store.outbox.cancel_for(alert, office.clock.now(), "acked")
    office.wait(8 * HOUR, every=5 * MINUTE)
    assert office.titles("push") == []


def test_a_retry_does_not_slip_into_the_night(office_at):
    office = office_at("2025-01-10T21:59Z", quiet=NIGHT)
    office.channels["push"].script.append(Outcome(failure=Failure.RETRY, detail="busy", retry_after=120.0))
    alert = office.market()
    office.deliver()
    assert office.fates(alert)["push"] is S.RETRY_WAIT
    office.wait(3 * MINUTE)
    assert office.fates(alert)["push"] is S.DEFERRED
    assert office.titles("push") == []


def test_a_burst_becomes_some_messages_and_one_digest(office_at):
    office = office_at("2025-01-10T12:00Z", rate=6, rate_critical=12)
    for _ in range(13):
        office.market()
    office.deliver()
    assert len(office.titles("push")) == len(office.titles("email")) == 6
    office.wait(10 * MINUTE)
    assert office.titles("push")[6:] == ["7 more alerts in 1 min: BTC/USDT 7"]
    office.wait(HOUR)
    assert len(office.titles("push")) == 7


def test_critical_alerts_have_a_wider_limit_of_their_own(office_at):
    office = office_at("2025-01-10T12:00Z", rate=6, rate_critical=12)
    for _ in range(10):
        office.market()
    for number in range(9):
        office.trouble(subject=f"S{number}/USDT", lives=9 * HOUR)
    office.deliver()
    titles = office.titles("push")
    assert len([title for title in titles if "LONG" in title]) == 6
    assert len([title for title in titles if "fresh" in title]) == 6
    office.wait(10 * MINUTE)
    assert len(office.titles("push")) == 13
    assert office.sent[-1][2].severity == "critical"


def test_the_day_of_sms_has_a_cap_across_restarts_and_says_so_by_another_channel(tmp_path):
    rules = no_limits(daily_segments=5, reserve=2, zone=BERLIN)
    office = Office(ms("2025-10-26T10:00Z"), rules=rules, url=f"sqlite:///{tmp_path}/state.db", zone="Europe/Berlin")
    for _ in range(5):
        office.market()
        office.deliver()
        office.restart()
    assert len(office.titles("sms")) == 3
    for number in range(4):
        office.trouble(subject=f"S{number}/USDT", lives=30 * HOUR)
        office.deliver()
        office.restart()
    assert len(office.titles("sms")) == 5
    notices = [(name, message.title) for _, name, message in office.sent if "SMS" in message.title]
    assert sorted(notices) == [("email", "The day's SMS are spent"), ("push", "The day's SMS are spent")]
    # A day of 25 hours: midnight in Berlin is at 23:00 UTC.
    office.wait(ms("2025-10-26T22:59Z") - office.clock.now(), every=10 * MINUTE)
    assert len(office.titles("sms")) == 5
    office.wait(MINUTE)
    assert office.titles("sms")[5:] == [
        "4 alerts while the day's SMS were spent: BTC/USDT 2, S2/USDT 1, S3/USDT 1"
    ]  # fmt: skip
    assert office.store.holds.spent("sms", ms("2025-10-26T23:00Z")) == 1
    assert office.store.changes.conservation().missing == 0
    office.close()


def test_an_sms_that_certainly_did_not_go_costs_nothing_and_one_that_may_have_does(office_at):
    office = office_at("2025-01-10T12:00Z", daily_segments=2)
    office.channels["sms"].script += [Outcome(failure=Failure.RETRY, detail="busy"), Outcome(failure=Failure.UNKNOWN)]
    first = office.market()
    office.deliver()
    assert office.store.holds.spent("sms", 0) == 0
    office.wait(MINUTE)
    assert office.store.holds.spent("sms", 0) in {1, 2}
    office.wait(5 * MINUTE)
    assert office.fates(first)["sms"] is S.ACCEPTED
    assert office.store.holds.spent("sms", 0) == 2
    second = office.market()
    office.deliver()
    assert office.fates(second)["sms"] is S.DEFERRED


def test_no_budget_at_all_means_no_sms_and_no_pile_of_them(office_at):
    office = office_at("2025-01-10T12:00Z", daily_segments=0)
    alert = office.trouble()
    office.deliver()
    assert office.titles("sms") == []
    assert office.fates(alert)["sms"] is S.CANCELLED
    assert [reason for reason, _, _ in office.holds(alert)] == [Suppression.BUDGET]


def test_a_silence_stops_what_is_on_its_way_and_what_it_does_not_cover_goes_on(office_at):
    office = office_at("2025-01-10T22:30Z", quiet=NIGHT)
    market, other = office.market(), office.market("ETH/USDT")
    office.deliver()
    now = office.clock.now()
    office.store.silences.add(
        Silence(subject="BTC/USDT", reason=None, author="me", comment="", starts_at=now, ends_at=now + 24 * HOUR), now
    )
    office.wait(9 * HOUR, every=5 * MINUTE)
    assert office.titles("push") == ["1 alert in your quiet hours: ETH/USDT 1"]
    assert office.fates(market)["push"] is S.CANCELLED
    assert [reason for reason, _, _ in office.holds(market)][-1] == Suppression.SILENCED
    assert office.fates(other)["push"] is S.CANCELLED


def test_a_test_that_somebody_asks_for_at_night_goes_at_once(office_at):
    office = office_at("2025-01-11T01:00Z", quiet=NIGHT, rate=1)
    for _ in range(3):
        office.trouble(Reason.TEST, "hybridd")
    office.deliver()
    assert office.titles("push") == ["This is a test alert"] * 3


def test_a_digest_that_cannot_be_sent_in_time_joins_the_next(office_at):
    office = office_at("2025-01-10T21:45Z", quiet=NIGHT, rate=1)
    for _ in range(3):
        office.market()
    office.deliver()
    office.channels["push"].script += [Outcome(failure=Failure.RETRY, detail="busy", retry_after=900.0)]
    office.wait(20 * MINUTE)  # the digest of two is made at 22:55, fails, and is due again at 23:10
    office.market("ETH/USDT")
    office.wait(10 * HOUR, every=5 * MINUTE)
    assert len(office.titles("push")) == 2
    (_, title) = office.titles("push")
    assert title == "3 alerts in your quiet hours: BTC/USDT 2, ETH/USDT 1"
    assert office.pending() == 0


def test_what_a_digest_tells_of_is_delivered_with_it_and_failed_with_it():
    """The books: changes go where the digest goes that tells of them."""
    for answer, delivered in ((Outcome(), 9), (Outcome(failure=Failure.ADDRESS, detail="gone"), 1)):
        office = Office(ms("2025-01-10T12:00Z"), rules=no_limits(rate=1), channels=("push",))
        for _ in range(9):
            office.market()
        office.deliver()
        books = office.store.changes.conservation()
        assert (books.changes, books.delivered, books.pending, books.failed) == (9, 1, 8, 0)
        office.channels["push"].script.append(answer)
        office.wait(10 * MINUTE)
        books = office.store.changes.conservation()
        assert (books.delivered, books.pending, books.failed, books.missing) == (delivered, 0, 9 - delivered, 0)
        office.close()


def test_a_flood_becomes_one_digest_within_the_budget():
    rules = no_limits(rate=6, rate_critical=12, daily_segments=50, reserve=10)
    office = Office(ms("2025-01-10T12:00Z"), rules=rules, channels=("sms",))
    for number in range(1_500):
        office.market(f"S{number % 50}/USDT")
    office.deliver()
    assert len(office.titles("sms")) == 6
    assert office.pending() == 1_494
    office.wait(10 * MINUTE, every=5 * MINUTE)
    assert [title[:27] for title in office.titles("sms")[6:]] == ["1,494 more alerts in 1 min:"]
    books = office.store.changes.conservation()
    assert (books.delivered, books.pending, books.missing) == (1_500, 0, 0)
    assert office.store.holds.spent("sms", 0) == 7
    office.close()


def test_what_waits_for_a_channel_that_is_no_more_expires_in_the_end(office_at):
    office = office_at("2025-01-11T01:00Z", quiet=NIGHT)
    alert = office.market()
    office.deliver()
    office.couriers = [courier for courier in office.couriers if courier.name != "push"]
    office.wait(10 * HOUR, every=HOUR)
    assert office.fates(alert)["push"] is S.DEFERRED
    office.wait(2 * HOUR, every=HOUR)
    assert office.fates(alert)["push"] is S.EXPIRED
