"""The dashboard's channel: what waits for the page, and that it is never called delivered before somebody looked."""

import pytest

from hybridd.clock import ManualClock
from hybridd.delivery.dashboard import DashboardChannel
from hybridd.model.delivery import Action, DeliveryState
from hybridd.pipeline import wording
from hybridd.pipeline.deliver import Courier
from hybridd.pipeline.trial import post_test
from hybridd.store.store import open_store
from tests.unit.delivery.conftest import a_message

NOW = 1_763_823_300_000


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'state.db'}", clock=ManualClock(NOW))
    yield opened
    opened.close()


def posted(store):
    channel, clock = DashboardChannel(), ManualClock(NOW)
    courier = Courier(store=store, channel=channel, clock=clock, zone="UTC")
    alert = post_test(store, {"dashboard": channel.recipients}, ["dashboard"], NOW)
    return courier, alert


def of_kind(store, kind):
    return [event for event in store.events.after(0) if event.kind == kind]


def test_it_gives_the_page_words_and_buttons():
    shown = DashboardChannel().send(a_message(body="LONG 78", actions=(Action(label="Seen", data="ACK 17"),))).shown
    assert shown["title"] == "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00"
    assert (shown["body"], shown["severity"]) == ("LONG 78", "warning")
    assert shown["actions"] == [{"label": "Seen", "data": "ACK 17"}]


def test_a_message_becomes_an_event_and_is_accepted_not_delivered(store):
    courier, alert = posted(store)
    courier.drain()
    [delivery] = [d for d in store.outbox.of_alert(alert) if d.channel == "dashboard"]
    assert delivery.state is DeliveryState.ACCEPTED
    assert "nobody has looked" in delivery.reason
    [event] = of_kind(store, "message")
    assert event.data["key"] == delivery.key


def test_event_and_state_are_written_together_or_not_at_all(store, monkeypatch):
    courier, alert = posted(store)

    def broken(*_):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(store.events, "append", _second_fails(store.events.append, broken))
        with pytest.raises(RuntimeError, match="power"):
            courier.drain()
    assert of_kind(store, "message") == []
    assert [d.state for d in store.outbox.of_alert(alert) if d.channel == "dashboard"] == [DeliveryState.LEASED]
    courier.drain()
    assert len(of_kind(store, "message")) == 1


def _second_fails(real, broken):
    def append(kind, *rest):
        return broken() if kind == "message" else real(kind, *rest)

    return append


def test_a_send_that_broke_off_is_shown_once_in_the_end(store, monkeypatch):
    courier, _ = posted(store)
    with monkeypatch.context() as patch:
        for way in ("message_for", "plain_message"):
            patch.setattr(wording, way, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            courier.drain()
    courier.drain()  # what is known of it is written down: unknown, and due again after a pause
    courier._clock.advance(120_000)
    courier.drain()
    assert len(of_kind(store, "message")) == 1
