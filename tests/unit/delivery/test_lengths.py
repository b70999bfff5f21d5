"""One alert, five lengths: as a person reads them."""

from dataclasses import replace

import pytest
from msgspec import structs

from hybridd.delivery.figures import price
from hybridd.delivery.lengths import CHAT_LENGTH, PUSH_LENGTH
from hybridd.delivery.render import message_for, offers, render
from hybridd.model.alert import Alert, AlertState
from hybridd.model.analysis import Direction, Odds, Signal, SignalState, Trend
from hybridd.model.change import HEALTH, TRADE, Reason
from hybridd.model.delivery import Action
from tests.html_reader import Reader
from tests.unit.delivery.test_render import READINGS, SIGNAL, change, delivery, health, market

NIGHT = Odds(probability=0.57, low=0.52, high=0.62, n=1412)
RISING = Trend(trend=Direction.UP, change=30.0, percent_change=60.0, first_score=48.0, last_score=78.2, samples=288)


def whole(**changes) -> Alert:
    """An alert with everything that there is to tell."""
    made = market(SIGNAL, change(Reason.SCORE_JUMP, 62.0, 78.2), trend=RISING)
    return replace(made, analysis=structs.replace(made.analysis, odds=NIGHT), **changes)


def test_the_sms_can_be_read_by_somebody_woken_at_night():
    assert render(whole(), zone="Europe/Berlin").short == (
        "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00. Confidence 84 %, 2 of 3 agree. Odds of a rise 57 %, n 1,412. "
        "Until 17:25 CEST. Trend up. Reply ACK 17"
    )


def test_the_push_message_has_three_lines_below_its_title():
    assert render(whole(), zone="Europe/Berlin").body.splitlines() == [
        "Confidence 84 %, 2 of 3 agree, against: fractal.",
        "Odds of a rise 57 %, n 1,412, trend up, 48 to 78, price +0.33 % from 45,100.00.",
        "Data 3 s old at 17:10 CEST, good until 17:25 CEST.",
    ]


def test_the_chat_message_is_telegrams_html():
    said = render(whole(simulated=True), zone="Europe/Berlin").chat.split("\n\n")
    assert said[0] == "<b>SIMULATED: BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00</b>"
    assert "this market is made up" in said[1]
    assert said[2].startswith("The signal went from NEUTRAL to LONG.\nThe score rose by 16.2 points")
    assert said[-1] == "<i>Alert 17</i>"
    assert "<code>hybridd doctor</code>" in render(health(Reason.FEED_STALE)).chat


def test_a_health_alert_says_what_happened_and_what_to_do_within_a_push_message():
    lines = render(health(Reason.FEED_STALE)).body.splitlines()
    assert lines[0] == "The newest candle closed 12 min ago."
    assert len(lines) >= 2


@pytest.mark.parametrize("reason", sorted(TRADE))
def test_a_trade_alert_tells_the_signal_and_the_score_in_an_sms_too(reason):
    touched = structs.replace(change(reason, "SHORT", "LONG", detail="BTC/USDT"), subject="trade 42")
    words = render(market(touched)).short
    assert "LONG 78" in words
    assert "rade 42" in words


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        (market(), ["ACK 17"]),
        (health(Reason.FEED_STALE, id=18), ["ACK 18"]),
        (health(Reason.FEED_STALE, id=19, resolves=18), []),
        (market(id=0), []),
        (market(state=AlertState.ACKED), []),
    ],
)
def test_an_alert_offers_the_answers_that_it_takes(alert, words):
    assert [action.data for action in offers(alert)] == words
    rendered = render(alert)
    assert ("Reply ACK" in rendered.short) == bool(words)
    assert ("hybridd alerts ack" in rendered.text) == ("hybridd alerts ack" in rendered.html) == bool(words)


def test_a_proposal_brings_its_own_answers_and_link():
    actions = (Action(label="Yes", data="YES 17 7F"), Action(label="No", data="NO 17 7F"))
    message = message_for(
        whole(), delivery(), zone="UTC", repeat=False, actions=actions, link="https://watch.example.org/a/x"
    )
    assert message.actions == actions
    assert message.short.endswith("Reply YES 17 7F or NO 17 7F")
    assert "https://watch.example.org/a/x" in message.html


def test_the_layers_that_moved_are_told_by_how_much():
    was = tuple(structs.replace(r, score=r.score - by) for r, by in zip(READINGS[:3], (19.0, 1.0, -8.0), strict=True))
    words = render(whole(before=replace(market().before, readings=was)))
    moved = words.text.partition("What moved most\n")[2].partition("\n\n")[0]
    assert [" ".join(line.split()) for line in moved.splitlines()] == ["+19 trend: 62 to 81", "-8 fractal: 49 to 41"]
    assert "What moved most" in words.html
    assert "What moved most" not in render(whole()).text


@pytest.mark.parametrize("reason", sorted(HEALTH | {Reason.TEST}))
def test_every_health_alert_has_all_its_lengths(reason):
    for alert in (
        health(reason, id=7),
        health(reason, id=8, resolves=7),
        health(reason, detail="<x> & 'y' " * 200, id=9),
    ):
        words = render(alert)
        assert len(words.short) <= 160
        assert 0 < len(words.body) <= PUSH_LENGTH
        assert len(words.body.splitlines()) <= 3
        assert Reader(words.chat).tags <= {"b", "i", "code"}
        assert len(words.chat) <= CHAT_LENGTH


@pytest.mark.parametrize("value", [1e300, 1e16, 1e-13, 1e-300])
def test_an_absurd_price_does_not_fill_the_message(value):
    assert len(price(value)) < 14


def test_the_signal_state_is_what_the_message_says():
    alert = market(analysis=structs.replace(market().analysis, state=SignalState(signal=Signal.SHORT), score=21.0))
    assert "SHORT 21" in render(alert).short
