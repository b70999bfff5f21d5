"""Thousands of alerts in one moment where messages cost money and sleep: a digest for a flood, never over budget."""

import pytest

from hybridd.model.delivery import PENDING
from tests.makers import T0

office = pytest.importorskip("tests.fakes.office", reason="restraint is not there")

COUNT = 2_000
"""Alerts of the test; each takes a few milliseconds of a real outbox."""
HOUR = 3_600_000


@pytest.fixture(scope="module")
def flooded():
    """An office in which it poured, a day later: six messages in ten minutes, twenty segments of SMS a day."""
    rules = office.RestraintRules(rate=6, rate_critical=12, daily_segments=20, reserve=5)
    house = office.Office(T0 // (24 * HOUR) * 24 * HOUR + HOUR, rules=rules)
    for i in range(COUNT):
        house.market(f"COIN{i}/USDT", lives=48 * HOUR)
    house.deliver()
    first = {name: len(house.titles(name)) for name in house.channels}
    house.wait(20 * HOUR, every=600_000)
    yield house, first
    house.close()


def test_the_first_moment_brings_a_handful_and_not_a_flood(flooded):
    _, first = flooded
    assert all(0 < count <= 7 for count in first.values())


def test_the_rest_comes_as_few_digests(flooded):
    house, first = flooded
    assert all(len(house.titles(name)) <= first[name] + 3 for name in house.channels)


def test_the_budget_of_the_day_holds(flooded):
    house, _ = flooded
    assert house.store.holds.spent("sms", 0) <= 20


def test_everything_is_accounted_for(flooded):
    house, _ = flooded
    books = house.store.changes.conservation()
    assert books.missing == 0
    assert house.store.verify() == []
    counts = house.store.outbox.counts()
    assert sum(counts[state] for state in PENDING) == 0
