"""What a person woken at night reads."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec import structs

from hybridd.delivery.gsm import _ALPHABET
from hybridd.delivery.health_words import WORDS
from hybridd.delivery.render import facts, message_for, render
from hybridd.model.alert import Alert, Before
from hybridd.model.analysis import Direction, Odds, Signal, SignalState, Trend
from hybridd.model.change import HEALTH, SEVERITY, Change, Reason
from hybridd.model.delivery import Delivery, DeliveryState
from hybridd.model.reading import Abstain, Reading
from tests.makers import STEP, T0, analysis

READINGS = (
    Reading(layer="trend", score=81.2, weight=1.0, reason="EMA 20/50/200 stacked upward"),
    Reading(layer="momentum", score=77.0, weight=1.0, reason="RSI 64"),
    Reading(layer="fractal", score=41.0, weight=1.0, reason="Hurst 0.46 <turns>"),
    Reading(layer="cycle", score=None, weight=1.0, reason="no cycle stands out", abstain=Abstain.NOTHING_SEEN),
)
LONG = analysis(78.2, "LONG", confidence=0.84, readings=READINGS, agreeing=2, answered=3, layers=4, missing=("cycle",))
BEFORE = Before(candle_close=T0 - STEP, price=45_100.0, score=62.0, signal=Signal.NEUTRAL, confidence=0.61)


def change(reason, before=None, after=None, **more) -> Change:
    return Change(subject="BTC/USDT", reason=reason, at=T0, before=before, after=after, **more)


SIGNAL = change(Reason.SIGNAL_CHANGED, "NEUTRAL", "LONG")
AGAINST = structs.replace(change(Reason.TRADE_AGAINST, "SHORT", "LONG", detail="BTC/USDT"), subject="trade 42")


def market(*changes: Change, **more) -> Alert:
    made = Alert(
        key=f"BTC/USDT:5m:{T0}",
        subject="BTC/USDT",
        created_at=T0 + 3_000,
        expires_at=T0 + 903_000,
        changes=changes or (SIGNAL,),
        analysis=LONG,
        before=BEFORE,
        id=17,
    )
    return replace(made, **more)


def health(reason, detail="the newest candle closed 12 min ago", **more) -> Alert:
    return Alert(
        key="h",
        subject="BTC/USDT",
        created_at=T0,
        expires_at=T0 + 900_000,
        changes=(change(reason, detail=detail),),
        **more,
    )


def test_the_title_says_what_a_lock_screen_must():
    assert render(market()).title == "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00"


@pytest.mark.parametrize(
    ("changes", "more", "title"),
    [
        ([change(Reason.SCORE_JUMP, 62.0, 78.2)], {}, "BTC/USDT score 78 (was 62), LONG @ 45,250.00"),
        (
            [change(Reason.SCORE_JUMP, 58.0, 64.6)],
            {"analysis": structs.replace(LONG, score=64.6, state=SignalState())},
            "BTC/USDT score 64.6 (was 58), NEUTRAL @ 45,250.00",
        ),
        (
            [change(Reason.SCORE_DRIFT, 66.0, 78.2)],
            {},
            "BTC/USDT score 78 (was 66 at the last alert), LONG @ 45,250.00",
        ),
        ([change(Reason.CONFIDENCE_HIGH, 0.8, 0.84)], {}, "BTC/USDT LONG 78, confidence 84 % (was 80 %) @ 45,250.00"),
        (
            [change(Reason.SIGNAL_CHANGED, "SHORT", "LONG", deferred_from=T0 - STEP)],
            {},
            "BTC/USDT LONG 78 (was SHORT) @ 45,250.00",
        ),
        ([SIGNAL], {"before": None}, "BTC/USDT LONG 78 (was NEUTRAL) @ 45,250.00"),
        (
            [structs.replace(change(Reason.TRADE_STOP, 44_000.0, 43_990.5, detail="BTC/USDT"), subject="trade 42")],
            {},
            "Trade 42, BTC/USDT: stop 44,000.00 reached @ 45,250.00",
        ),
        (
            [structs.replace(change(Reason.TRADE_TARGET, 45_240.0, 45_300.0, detail="BTC/USDT"), subject="trade 42")],
            {},
            "Trade 42, BTC/USDT: target 45,240.00 reached @ 45,250.00",
        ),
        (
            [
                SIGNAL,
                structs.replace(change(Reason.TRADE_AGAINST, "SHORT", "LONG", detail="BTC/USDT"), subject="trade 42"),
            ],
            {},
            "Trade 42, BTC/USDT: you are SHORT, the signal is now LONG @ 45,250.00",
        ),
        (
            [SIGNAL],
            {"analysis": structs.replace(LONG, price=0.00001234)},
            "BTC/USDT LONG 78 (was NEUTRAL 62) @ 0.00001234",
        ),
    ],
)
def test_each_reason_has_its_headline(changes, more, title):
    assert render(market(*changes, **more)).title == title


def test_every_change_is_told_from_what_to_what():
    text = render(market(SIGNAL, change(Reason.SCORE_JUMP, 62.0, 78.2), change(Reason.CONFIDENCE_HIGH, 0.8, 0.84))).text
    assert "The signal went from NEUTRAL to LONG." in text
    assert "The score rose by 16.2 points since the analysis before, from 62 to 78." in text
    assert "Confidence rose from 80 % to 84 %." in text
    assert "since the last alert, from 78 to 66." in render(market(change(Reason.SCORE_DRIFT, 78.0, 66.0))).text


def test_the_layers_agree_or_disagree_by_name():
    text = render(market()).text
    assert "Layers: 2 of 3 agree" in text
    assert re.search(r"41 +fractal \(disagrees\): Hurst", text)
    assert not re.search(r"trend \(disagrees\)", text)
    assert "cycle: no cycle stands out" in text


def test_odds_are_told_with_their_number_or_not_at_all():
    odds = Odds(probability=0.57, low=0.52, high=0.62, n=1412)
    text = render(market(analysis=structs.replace(LONG, odds=odds))).text
    assert "57 % for a higher price, learned from 1,412 analyses like this one (95 % interval 52 to 62 %)" in text
    assert "odds" not in render(market()).text.lower()


def test_the_trend_is_told_and_too_few_analyses_are_admitted():
    up = Trend(trend=Direction.UP, change=20.0, percent_change=34.0, first_score=58.0, last_score=78.2, samples=288)
    assert "Trend: up: score from 58 to 78 over 288 analyses" in render(market(trend=up)).text
    none = Trend(
        trend=Direction.INSUFFICIENT_DATA,
        change=None,
        percent_change=None,
        first_score=78.2,
        last_score=78.2,
        samples=1,
    )
    assert "Trend: too few analyses to tell" in render(market(trend=none)).text


def test_ages_and_expiry_are_told_in_the_readers_zone():
    text = render(market(), zone="Europe/Berlin").text
    assert "Data as of: 17:10 CEST, 3 s old when this was made" in text
    assert "Worth acting on until: 17:25 CEST (15 min)" in text
    assert "Alert made: 2025-06-15 17:10 CEST" in text


def test_an_old_comparison_says_how_old():
    late = render(market(before=replace(BEFORE, candle_close=T0 - 25 * STEP))).text
    assert "Compared with the analysis of 13:05 UTC (2 h 5 min ago)." in late
    assert "Compared with" not in render(market(before=replace(BEFORE, candle_close=T0 - 2 * STEP))).text


def test_a_change_that_was_held_back_says_since_when():
    text = render(market(structs.replace(SIGNAL, deferred_from=T0 - 3 * STEP))).text
    assert "Held back since 14:55 UTC" in text
    assert "Compared with the analysis of" in text


def test_degraded_is_in_the_title_and_names_who_is_missing():
    words = render(market(analysis=structs.replace(LONG, degraded=True, layers=15)))
    assert words.title.endswith(", degraded")
    assert "only 3 of 15 layers answered. Without an answer: cycle." in words.text


@pytest.mark.parametrize("mark", ["alert", "analysis"])
def test_simulated_cannot_be_overlooked(mark):
    alert = market(simulated=True) if mark == "alert" else market(analysis=structs.replace(LONG, simulated=True))
    words = render(alert)
    assert words.title.startswith("SIMULATED: ")
    assert words.short.startswith("SIMULATED: ")
    assert "this market is made up" in words.text
    assert "this market is made up" in words.html
    assert facts(alert)["SIMULATED"] == "yes"
    assert "SIMULATED" not in render(market()).text


def test_what_comes_out_of_files_is_not_taken_for_now():
    words = render(market(analysis=structs.replace(LONG, source="recorded data")))
    assert words.title == "RECORDED: BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00"
    assert words.short.startswith("RECORDED: ")
    for text in (words.text, words.html):
        assert "these candles are out of files, not of now" in text
        assert "45,250.00 (recorded)" in text
    made_up = market(analysis=structs.replace(LONG, source="recorded data", simulated=True))
    assert render(made_up).title.startswith("SIMULATED: ")


@pytest.mark.parametrize("reason", sorted(HEALTH | {Reason.TEST}))
def test_every_health_alert_says_what_it_is_what_it_means_and_what_to_do(reason):
    words = render(health(reason))
    means, do = (line.format(subject="BTC/USDT") for line in (WORDS[reason].means, WORDS[reason].do))
    assert words.title == WORDS[reason].began.format(subject="BTC/USDT")
    assert "The newest candle closed 12 min ago." in words.text
    assert means in words.text
    assert do in words.text
    assert "{" not in words.text


@pytest.mark.parametrize("reason", sorted(HEALTH))
def test_the_end_of_trouble_is_told_as_good_news(reason):
    ended = health(reason, resolves=3)
    words = render(ended)
    assert words.title == WORDS[reason].ended.format(subject="BTC/USDT")
    assert "It is over." in words.text
    assert WORDS[reason].do not in words.text
    assert message_for(ended, delivery(), zone="UTC", repeat=False).severity == "info"


def delivery(**changes) -> Delivery:
    made = Delivery(
        id=5,
        alert_id=17,
        channel="email",
        recipient="night@example.org",
        step=0,
        state=DeliveryState.LEASED,
        attempts=1,
        next_at=T0,
        deadline=T0 + 900_000,
    )
    return replace(made, **changes)


def test_a_message_is_the_same_at_every_attempt():
    messages = {str(message_for(market(), delivery(attempts=n), zone="UTC", repeat=False)) for n in range(3)}
    assert len(messages) == 1


def test_a_message_carries_key_thread_and_facts():
    message = message_for(market(), delivery(), zone="UTC", repeat=False)
    assert (message.key, message.thread) == ("17:night@example.org:email:0", "BTC/USDT")
    assert (message.created_at, message.expires_at, message.severity) == (T0 + 3_000, T0 + 900_000, "warning")
    assert message.fields["SCORE"] == "78.2000"
    assert message.fields["REASON"] == "SIGNAL_CHANGED"
    assert message.fields["SHORT"].startswith("BTC/USDT LONG 78")


def test_trouble_and_its_end_are_one_thread():
    threads = {
        message_for(health(Reason.FEED_STALE, resolves=n), delivery(), zone="UTC", repeat=False).thread for n in (0, 3)
    }
    assert len(threads) == 1


def test_a_repeat_says_so():
    message = message_for(market(), delivery(), zone="UTC", repeat=True)
    assert message.repeat
    assert message.title.endswith("(repeat)")
    assert "may have reached you before" in message.text
    assert "(repeat)" not in message_for(market(), delivery(), zone="UTC", repeat=False).text


@pytest.mark.parametrize("alert", [market(), market(simulated=True), *(health(reason) for reason in sorted(HEALTH))])
def test_the_short_form_is_one_sms(alert):
    line = render(alert, link="https://hybridd.example.org/a/abcdefghijklmnopqrstuv").short
    assert len(line) <= 160
    assert set(line) <= _ALPHABET


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.loads = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "background", "srcset"}]


def test_html_fetches_nothing_runs_nothing_and_escapes_what_layers_say():
    page = Page()
    html = render(market(), link="https://hybridd.example.org/a/x").html
    page.feed(html)
    assert not page.loads
    assert not {"script", "style", "img", "link", "iframe", "form", "turns"} & set(page.tags)
    assert "Hurst 0.46 &lt;turns&gt;" in html
    assert 'href="https://hybridd.example.org/a/x"' in html
    assert "url(" not in html


def test_there_is_no_button_without_a_link():
    assert "<a " not in render(market()).html
    assert "answer:" not in render(market()).text


def test_a_broken_number_is_called_unknown():
    words = render(market(analysis=structs.replace(LONG, price=float("nan"))))
    assert "@ unknown" in words.title
    assert "nan" not in words.text.lower()


def test_the_manual_names_every_reason_and_every_fact():
    manual = (Path(__file__).resolve().parents[3] / "docs" / "alerts.md").read_text()
    odds = Odds(probability=0.57, low=0.52, high=0.62, n=412)
    told = facts(market(analysis=structs.replace(LONG, odds=odds))) | facts(health(Reason.FEED_STALE, resolves=3))
    assert not {name for name in (*told, "SHORT", "DELIVERY_KEY") if f"`{name}`" not in manual}
    rows = {f"| {reason} | {SEVERITY[reason]} |" for reason in Reason}
    assert not {row for row in rows if row not in manual}
