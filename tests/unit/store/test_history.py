"""The history is read a page at a time: a long one takes no more memory than a short one."""

import gc
import tracemalloc

import pytest

from hybridd.clock import ManualClock
from hybridd.model.alert import Alert
from hybridd.model.change import Change, Reason, Verdict
from hybridd.store.store import open_store
from tests.makers import T0, analysis


def fill(store, count):
    with store.transaction():
        for i in range(count):
            change = Change(subject="BTC/USDT", reason=Reason.SCORE_JUMP, at=T0 + i, before=50.0, after=60.0)
            alert = Alert(
                key=str(i), subject="BTC/USDT", created_at=T0 + i, expires_at=T0 + i + 9, changes=(change,),
                analysis=analysis(60.0),
            )  # fmt: skip
            number = store.alerts.add(alert)
            store.outbox.plan(number, [("email", "a@example.org", 0, T0 + i, T0 + i + 9)])
            store.changes.add(Verdict(change=change), analysis_id=None, alert_id=number)


@pytest.fixture
def store():
    opened = open_store("sqlite://:memory:", clock=ManualClock(T0))
    yield opened
    opened.close()


def test_every_story_comes_once_in_order_and_memory_does_not_grow(store):
    fill(store, 1800)
    peaks, seen = [], []
    stories = store.history.stories()
    tracemalloc.start()
    try:
        for story in stories:
            seen.append(story.alert.id)
            if len(seen) % 200 == 0:
                gc.collect()  # peewee's queries hold circles: when those go must not decide
            if len(seen) in {600, 1800}:
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
    assert seen == list(range(1, 1801))
    assert peaks[1] < 1.3 * peaks[0]


def test_a_story_holds_its_own_rows_and_no_others(store):
    fill(store, 3)
    for story in store.history.stories():
        assert [fate.delivery.alert_id for fate in story.fates] == [story.alert.id]
        assert [verdict.change.at for verdict in story.changes] == [story.alert.created_at]
        assert story.told_at is None
    assert [story.alert.id for story in store.history.stories(since=T0 + 1)] == [2, 3]
