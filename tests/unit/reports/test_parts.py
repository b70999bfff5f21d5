"""The parts of a report: markets, alerts, trades and hybridd's own health, by hand; words, drawings and text."""

import xml.etree.ElementTree as ElementTree
from zoneinfo import ZoneInfo

import pytest

from hybridd.model.alert import Alert
from hybridd.model.analysis import Signal, SignalState
from hybridd.model.change import Change, Reason
from hybridd.reports import alerts_worth, health, market
from hybridd.reports import words as w
from hybridd.reports.alerts_worth import alert_facts, kinds
from hybridd.reports.document import Document, Figures, Grid, Section, Words
from hybridd.reports.drawing import WIDTH, Drawing, svg
from hybridd.reports.health import Carried, HealthFacts, Trouble, Watched
from hybridd.reports.journal import Fate
from hybridd.reports.market import POINTS, market_facts
from hybridd.reports.plots import Range, course, equity, hit_plot, outcomes, reliability_plot
from hybridd.reports.text import section_text, text
from hybridd.reports.words import foremost
from tests.makers import STEP, T0, analysis
from tests.unit.reports.cases import candles, case

UTC = ZoneInfo("UTC")


def told(section):
    return " ".join("\n".join(section_text(section)).split())


def at(i, score=50.0, signal="NEUTRAL", price=100.0, **changes):
    return analysis(score, signal, at=T0 + i * STEP, price=price, **changes)


def test_a_market_by_hand():
    found = market_facts(
        [at(0, 50, price=100), at(1, 70, "LONG", price=104), at(2, 66, "LONG", price=98), at(3, 20, "SHORT", price=102)]
    )
    assert (found.first, found.last, found.highest, found.lowest) == (100, 102, 104, 98)
    assert found.move == pytest.approx(2)
    assert (found.score_low, found.score_high, found.score_last, found.signal) == (20, 70, 20, "SHORT")
    assert found.turns == {"LONG": 1, "NEUTRAL": 0, "SHORT": 1}
    assert found.time == {"LONG": 0.5, "NEUTRAL": 0.25, "SHORT": 0.25}


def test_a_long_course_is_thinned_and_keeps_the_newest():
    found = market_facts([at(i, price=100 + i) for i in range(5 * POINTS + 3)])
    assert len(found.course.times) <= POINTS
    assert found.course.prices[-1] == found.last
    assert list(found.course.times) == sorted(found.course.times)


def test_nothing_watched_says_so():
    assert market_facts([]) is None
    assert told(market.section([], (35, 65), UTC)).endswith("No market was analysed in this period.")
    assert told(alerts_worth.section([], {})).endswith("Nothing was worth an alert in this period.")
    assert told(alerts_worth.section([], {"cool down": 2})).endswith("2 changes stayed untold: 2 for cool down.")


def alerted(signal=Signal.LONG, close=T0):
    now = analysis(80, at=close, state=SignalState(signal=signal))
    change = Change(subject="BTC/USDT", reason=Reason.SIGNAL_CHANGED, at=close, before="NEUTRAL", after=signal.value)
    made = Alert(key="a", subject="BTC/USDT", created_at=close, expires_at=close + 1, changes=(change,), analysis=now)
    # Twelve candles an hour: price is 100 + i after i of them.
    known = candles(*((100 + i,) * 4 for i in range(60)), start=T0 - STEP)
    return alert_facts(made, known, told=True, missed=False, acked=True)


def test_what_price_did_after_an_alert_by_hand():
    found = alerted()
    assert found.after == (pytest.approx(12.0), pytest.approx(48.0))
    late = alerted(close=T0 + 30 * STEP)
    assert late.after == (pytest.approx((142 / 130 - 1) * 100), None)


def test_an_alert_was_right_when_price_went_the_way_of_its_signal():
    (kind,) = kinds([alerted(Signal.LONG), alerted(Signal.SHORT), alerted(Signal.NEUTRAL)])
    assert (kind.n, kind.acked, kind.missed) == (3, 3, 0)
    assert kind.judged == (2, 2)
    assert kind.right == (1, 1)
    words = told(alerts_worth.section([alerted()], {}))
    assert "Price went the way of the signal in 1 of 1 after 1 h (95 %: 21 % to 100 %)" in words


def test_health_by_hand():
    found = HealthFacts(
        markets=(
            Watched(symbol="BTC/USDT", timeframe="5m", due=100, on_time=95, late=3),
            Watched(symbol="ETH/USDT", timeframe="5m", due=100, on_time=100, late=0),
        ),
        troubles=(Trouble(reason="FEED_STALE", subject="BTC/USDT", n=2, lasted=660_000, standing=1),),
        channels=(Carried(channel="email", told=8, failed=1, expired=1, waiting=0),),
        starts=2,
        backups=None,
        last_backup=None,
    )
    assert found.uptime == pytest.approx(0.975)
    assert found.markets[0].missing == 2
    said = told(health.section(found, UTC))
    for words_ in ("97.50 %", "Candles missed 2", "failed 2 of 10", "11 min, still open", "backups not known"):
        assert words_ in said


def test_figures_are_written_as_their_size_deserves():
    assert w.percent(-0.001) == "+0.00 %"
    assert w.risks(None) == w.percent(float("nan")) == "–"
    assert w.price(0.0000123) == "1.23e-05"
    assert w.span(200_000) == "3 min 20 s"
    assert w.span(90_061_000) == "1 d 1 h"
    assert w.span(3_600_000) == "1 h"
    assert w.counted(0, "analysis", "analyses") == "no analyses"
    assert w.counted(1234, "trade") == "1,234 trades"
    assert w.listed([]) == ""
    assert w.listed(["a", "b", "c"]) == "a, b and c"


def drawings():
    some = [case(Fate.TAKEN, 1.0, made=2.0), case(Fate.REJECTED, -1.0), case(Fate.EXPIRED, 0.0)]
    named = market.section([market_facts([at(0), at(1, price=101)])], (35, 65), UTC)
    return [
        course(some),
        outcomes(some),
        equity([(1, 1.1), (2, 0.4)]),
        reliability_plot([(0.48, 0.5, 0.4, 0.6), (0.55, 0.6, 0.5, 0.7)], "odds"),
        hit_plot([Range(name="<b>", value=0.6, low=0.55, high=0.65, note="60 %")], "layers & all"),
        *(block for block in named.blocks if isinstance(block, Drawing)),
    ]


@pytest.mark.parametrize("drawing", drawings(), ids=lambda d: d.name)
def test_a_drawing_is_well_formed_and_stays_on_its_ground(drawing):
    root = ElementTree.fromstring(svg(drawing))
    assert root.find("title").text == drawing.title
    for shape in root:
        for name, limit in (("x", WIDTH), ("cx", WIDTH), ("y", drawing.height), ("cy", drawing.height)):
            assert 0 <= float(shape.get(name, 0)) <= limit, ElementTree.tostring(shape)
        for point in shape.get("points", "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= drawing.height


def test_too_little_is_not_drawn():
    assert course([case()]) is outcomes([case()]) is equity([(1, 1.0)]) is None
    assert reliability_plot([], "") is hit_plot([], "") is None


def test_text_keeps_its_width_and_loses_no_word():
    rows = (("a long reason that needs more than one line to be told", "+1.00 R"), ("b", "-12.00 R"))
    blocks = (
        Words(text="word " * 40),
        Figures(items=(("You made", "+1.00 R", "of 2 trades"),)),
        Grid(columns=("reason", " saved"), rows=rows, title="Why"),
    )
    made = Document(
        title="T", period="P", notices=("N",), sections=(Section(title="S", blocks=blocks),), foot="the end"
    )
    for width in (40, 78):
        lines = text(made, width).splitlines()
        assert max(map(len, lines)) <= width
        joined = " ".join(" ".join(lines).split())
        assert all(word in joined for word in ("needs", "told", "-12.00 R", "the end"))
        assert joined.count("word") == 40


def test_of_hundreds_the_foremost_are_shown_in_their_order():
    assert foremost([3, 1, 2], float) == [3, 1, 2]
    assert foremost([5, 1, 9, 2, 7], float, most=3) == [5, 9, 7]
    assert foremost([1, 1, 1], float, most=2) == [1, 1]
