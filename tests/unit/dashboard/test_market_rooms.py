"""The first page and the page of a market: what is known is there, what is missing is said, and the past is kept."""

import json
from contextlib import closing
from html import unescape
from re import search

import pytest
from msgspec.structs import replace

from hybridd.clock import SystemClock
from hybridd.dashboard.drawings import Mark, chart, line
from hybridd.dashboard.symbol_room import moment
from hybridd.errors import DataError
from hybridd.model.analysis import Odds, Signal, SignalState
from hybridd.model.candle import candles_from_rows
from hybridd.model.change import Change, Reason, Verdict
from hybridd.model.said import Abstain, Reading
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.store.course import Bar, Point
from tests.html_reader import Reader
from tests.makers import STEP, T0, analysis

READINGS = (
    Reading(layer="trend", score=81.0, weight=1.5, reason="a firm <uptrend>"),
    Reading(layer="macro", score=None, weight=1.0, reason="has no macro series", abstain=Abstain.NO_DATA),
)


def course(web, count=60, symbol="BTC/USDT", **changes):
    """Analyses and candles that end at T0."""
    made = [
        replace(
            analysis(40.0 + 0.5 * n, at=T0 - (count - 1 - n) * STEP, symbol=symbol, price=45_000.0 + 10 * n),
            readings=READINGS, odds=Odds(probability=0.58, low=0.51, high=0.64, n=1412), **changes,
        )
        for n in range(count)
    ]  # fmt: skip
    web.house.store.analyses.add_many(made)
    rows = [(a.candle_close - STEP, a.price - 5, a.price + 9, a.price - 9, a.price, 1.0) for a in made]
    web.house.store.candles.save(symbol, "5m", candles_from_rows(STEP, rows))
    return made


def beat(web, **facts):
    told = {
        "state": "ok", "heartbeat_at": SystemClock().now(), "simulated": False, "wrong": [], "timeframe": "5m",
        "symbols": ["BTC/USDT", "ETH/USDT"], **facts,
    }  # fmt: skip
    web.house.store.bot_state.set(SERVICE_KEY, told)


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def text_of(answer):
    assert answer.status_code == 200, answer.text
    return Reader(answer.text).text


def test_a_card_says_how_a_market_stands(web, client):
    course(web)
    beat(web)
    text = text_of(client.get("/"))
    for words in (
        "BTC/USDT ● NEUTRAL", "45,590.00 +1.31 % in 4 h 55 min", "69.5 ↗ 6 points up in 1 h", "confidence 50 %",
        "58 % higher, n 1,412", "5 of 6 agree", "age 0 s",
    ):  # fmt: skip
        assert words in text
    for words in ("SIMULATED", "DEGRADED", "OLD"):
        assert words not in text


def test_a_market_that_was_never_analysed_has_its_card(web, client):
    course(web)
    beat(web)
    assert "ETH/USDT No analysis yet" in text_of(client.get("/"))


def test_an_empty_house_says_what_to_do(client):
    assert "No market has been analysed yet" in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"simulated": True}, "SIMULATED"),
        ({"source": "recorded BTCUSDT_5m.csv"}, "RECORDED"),
        ({"degraded": True, "answered": 9, "layers": 15}, "DEGRADED: 9 of 15 layers answered"),
        ({"late": True}, "made up for after an outage"),
        ({"odds": None}, "odds not measured"),
        ({"price": float("nan")}, "unknown"),
        ({"state": SignalState(signal=Signal.SHORT)}, "▼ SHORT"),
    ],
)
def test_what_is_not_as_it_should_be_is_on_the_card(web, client, changes, words):
    web.house.store.analyses.add_many([replace(analysis(60.0), **{"odds": None, **changes})])
    assert words in text_of(client.get("/"))


def test_news_that_ought_to_be_there_is_missed(web, client):
    course(web)
    web.house.clock.advance(STEP * 3)
    beat(web)
    assert "OLD: newer data is missing" in text_of(client.get("/"))
    assert "OLD: newer data is missing: 15 min" in text_of(client.get("/symbols/BTC/USDT"))


def test_news_of_another_time_frame_is_none(web, client):
    course(web)
    beat(web, timeframe="1h")
    assert "45,590.00" not in text_of(client.get("/"))


def test_what_waits_is_the_first_thing_on_the_page(web, client):
    made = web.house.turn()
    html = client.get("/").text
    assert html.index(f'href="./proposals/{made.id}"') < html.index('id="markets"')
    assert "<title>(1) Now" in html


def test_the_page_of_a_market_has_its_candles_its_layers_and_what_happened(web, client):
    course(web)
    made = web.house.turn()
    change = Change(subject="BTC/USDT", reason=Reason.SIGNAL_CHANGED, at=T0, before="NEUTRAL", after="LONG")
    web.house.store.changes.add(Verdict(change=change), analysis_id=None, alert_id=made.alert_id)
    beat(web)
    answer = client.get("/symbols/BTC/USDT")
    text = text_of(answer)
    for words in (
        "BTC/USDT",
        "trend 81",
        "a firm <uptrend> (weight 1.5)",
        "macro –",
        "has no macro series (it does not count)",
    ):
        assert words in text
    assert "alert SIGNAL_CHANGED" in text
    assert "proposal LONG @ 45,250.00, open" in text
    drawn = json.loads(unescape(search(r'data-chart="([^"]*)"', answer.text)[1]))
    assert len(drawn["candles"]) == 60
    assert drawn["candles"][-1] == [T0 // 1000, 45_585.0, 45_599.0, 45_581.0, 45_590.0]
    assert len(drawn["scores"]) >= 60
    assert answer.text.count('<rect class="up"') == 60


def test_the_past_can_be_looked_at_candle_by_candle(web, client):
    made = course(web)
    beat(web)
    then = made[10]
    for at in (then.candle_close, then.candle_close + STEP - 1):
        answer = client.get("/symbols/BTC/USDT", params={"at": at})
        text = text_of(answer)
        assert "This is the past" in text
        assert "45,100.00" in text
        assert f'href="?at={made[9].candle_close}"' in answer.text
        assert f'href="?at={made[11].candle_close}"' in answer.text
        assert "data-live" not in answer.text.partition('id="market"')[2].partition(">")[0]
    first = client.get("/symbols/BTC/USDT", params={"at": 1})
    assert "45,000.00" in text_of(first)
    assert "candle before" not in first.text
    last = client.get("/symbols/BTC/USDT", params={"at": T0 + 99 * STEP})
    assert "This is the past" not in last.text
    assert "candle after" not in last.text


@pytest.mark.parametrize(
    "path", ["NO/SUCH", "x", "<script>", "BTC/USDT/x", "..%2f", "'; DROP TABLE analyses; --", "a" * 2000]
)
def test_a_market_that_is_none_is_a_page_that_says_so(web, client, path):
    course(web)
    answer = client.get(f"/symbols/{path}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize("at", ["x", "-1", "1e9", "9" * 30, "2026-13-01T00:00", "2026-01-01", "0000-01-01T00:00"])
def test_a_time_that_is_none_is_told(web, client, at):
    course(web)
    assert client.get("/symbols/BTC/USDT", params={"at": at}).status_code == 404


def test_a_time_of_a_form_is_one_of_the_house(web):
    assert moment("2026-07-01T12:00", "Europe/Berlin") == moment("2026-07-01T10:00", "UTC")
    assert moment("", "UTC") is None
    with pytest.raises(DataError):
        moment("yesterday", "UTC")


def test_markup_in_a_market_name_stays_text(web, client):
    evil = 'X"><script>alert(1)</script>/USDT'
    course(web, symbol=evil)
    for html in (client.get("/").text, client.get("/symbols/" + evil.replace("/", "%2F")).text):
        assert "<script>alert" not in html


def test_a_line_and_a_chart_stay_on_their_surface():
    steps = [(T0 + n * STEP, 100.0 + (n % 7)) for n in range(50)]
    made = line(steps)
    assert (made.low, made.high) == (100.0, 106.0)
    places = [tuple(map(float, place.split(","))) for place in made.points.split()]
    assert all(0 <= x <= 240 and 0 <= y <= 48 for x, y in places)
    bars = [Bar(opened=at - STEP, open=p, high=p + 1, low=p - 1, close=p + 0.5) for at, p in steps]
    points = [Point(at=at, price=p, score=p - 50, signal=Signal.NEUTRAL) for at, p in steps]
    marks = [Mark(at=T0 + STEP, kind="alert", text="in"), Mark(at=T0 - STEP, kind="alert", text="out")]
    drawn = chart(bars, points, marks, STEP, T0 + 3 * STEP)
    assert [mark.text for _, mark in drawn.marks] == ["in"]
    assert all(0 <= c.x <= 960 and 0 <= c.high <= c.low <= 300 and c.body >= 1 for c in drawn.candles)
    assert drawn.marks[0][0] == drawn.candles[1].x
    assert drawn.selected == drawn.candles[3].x
    assert chart([], [], [], STEP, T0) is None
    assert chart([], points, [], STEP, T0).candles == ()
    assert chart(bars[:1], points[:1], [], STEP, T0) is None


def test_files_come_small_and_are_asked_for_once(web):
    page = web.client.get("/offline").text
    address = search(r"static/page\.css\?v=\w+", page)[0]
    packed = web.client.get(f"/{address}", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    plain = web.client.get("/static/page.css", headers={"accept-encoding": "identity"})
    assert plain.text == packed.text
    assert "immutable" not in plain.headers["cache-control"]
    worker = web.client.get("/static/worker.js")
    assert worker.headers["service-worker-allowed"] == "../"
    assert worker.headers["cache-control"] == "no-cache"
    manifest = web.client.get("/static/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    for icon in manifest.json()["icons"]:
        assert web.client.get(f"/static/{icon['src']}").status_code == 200
