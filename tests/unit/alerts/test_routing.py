"""Which deliveries an alert gets."""

from dataclasses import replace

from hybridd.alerts.compose import health_alert, resolution
from hybridd.alerts.routing import Route, Step, plan
from hybridd.model.change import Reason, Severity

ROUTES = (
    Route(severities=frozenset({Severity.CRITICAL}), steps=(Step(after_ms=0, channels=("email", "sms")),)),
    Route(
        severities=frozenset({Severity.WARNING, Severity.CRITICAL}),
        steps=(Step(after_ms=0, channels=("email",)), Step(after_ms=120_000, channels=("email", "sms"))),
    ),
)
CHANNELS = {"journal": ("journal",), "email": ("a@example.org", "b@example.org")}


def planned(reason, channels=CHANNELS):
    alert = health_alert(reason, "hybridd", "", 1_000, 900_000, simulated=False)
    return [(p.channel, p.recipient, p.step, p.next_at) for p in plan(alert, ROUTES, channels)]


def test_the_first_route_that_matches_wins():
    assert planned(Reason.DISK_LOW) == [
        ("journal", "journal", 0, 1_000), ("email", "a@example.org", 0, 1_000), ("email", "b@example.org", 0, 1_000),
    ]  # fmt: skip


def test_steps_come_later_with_the_same_alert():
    assert ("email", "a@example.org", 1, 121_000) in planned(Reason.CLOCK_SKEW)


def test_a_channel_that_is_not_set_up_is_not_planned():
    assert not [row for row in planned(Reason.DISK_LOW) if row[0] == "sms"]
    assert planned(Reason.DISK_LOW, {"journal": ("journal",)}) == [("journal", "journal", 0, 1_000)]


def test_a_delivery_of_a_late_step_lives_at_least_until_its_turn():
    alert = health_alert(Reason.CLOCK_SKEW, "hybridd", "", 1_000, 60_000, simulated=False)
    assert all(p.deadline > p.next_at for p in plan(alert, ROUTES, CHANNELS))


def test_good_news_goes_at_once_and_once_to_everybody_who_is_to_hear_of_it():
    alert = replace(health_alert(Reason.CLOCK_SKEW, "hybridd", "", 1_000, 900_000, simulated=False), id=7)
    told = {"journal": ("journal",), "email": ("a@example.org",), "sms": ("+1",)}
    rows = [(p.channel, p.step, p.next_at) for p in plan(resolution(alert, 5_000, 900_000), ROUTES, told)]
    assert rows == [("journal", 0, 5_000), ("email", 0, 5_000), ("sms", 0, 5_000)]


def repeating(reason, *steps, lives=900_000):
    alert = health_alert(reason, "hybridd", "", 0, lives, simulated=False)
    route = Route(severities=frozenset(Severity), steps=steps)
    return [(p.channel, p.step, p.next_at, p.deadline) for p in plan(alert, (route,), {"sms": ("+1",), "push": ("t",)})]


def test_a_repeat_is_a_step_of_its_own_in_the_order_of_time():
    sms = Step(after_ms=0, channels=("sms",), repeat_ms=10, times=2)
    rows = repeating(Reason.CLOCK_SKEW, sms, Step(after_ms=15, channels=("push",)))
    assert [row[:3] for row in rows] == [("sms", 0, 0), ("sms", 1, 10), ("push", 2, 15), ("sms", 3, 20)]


def test_a_late_step_counts_as_long_again_where_it_is_critical_and_else_not():
    late = Step(after_ms=120, channels=("sms",))
    assert repeating(Reason.DISK_LOW, late, lives=60) == [("sms", 0, 120, 180)]
    assert repeating(Reason.CLOCK_SKEW, late, lives=60) == [("sms", 0, 120, 121)]
    assert repeating(Reason.DISK_LOW, late, lives=600) == [("sms", 0, 120, 600)]
