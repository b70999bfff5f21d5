"""The frame of every page: where the rooms are, and what is unmistakable in each of them."""

from contextlib import closing

import pytest

from hybridd.clock import SystemClock
from hybridd.dashboard.rooms import ROOMS
from hybridd.pipeline.heartbeat import SERVICE_KEY
from tests.html_reader import Reader


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def beat(web, **facts):
    told = {"state": "ok", "heartbeat_at": SystemClock().now(), "simulated": False, "wrong": [], **facts}
    web.house.store.bot_state.set(SERVICE_KEY, told)


def test_the_frame_leads_to_every_room_and_says_where_one_is(client):
    html = client.get("/").text
    for path, name in ROOMS:
        assert f'href="./{path}"' in html
        assert name in Reader(html).text
    assert html.count('aria-current="page"') == 1


def test_from_below_the_ways_lead_up(web, client):
    web.house.turn()
    html = client.get("/alerts/1").text
    assert 'href="../proposals"' in html
    assert 'href="../alerts" aria-current="page"' in html


def test_what_waits_is_counted_beside_its_room(web, client):
    assert 'class="count"' not in client.get("/").text
    web.house.turn()
    assert 'class="count">1<' in client.get("/").text


def test_a_well_house_says_nothing_of_itself(web, client):
    beat(web)
    html = client.get("/").text
    assert "SIMULATED" not in html
    assert "not well" not in html


@pytest.mark.parametrize("path", ["/", "/alerts/1"])
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"simulated": True}, "SIMULATED: this market does not exist."),
        ({"source": "recorded BTCUSDT_5m.csv"}, "RECORDED: these candles are out of files, not of now."),
    ],
)
def test_what_is_no_market_of_now_is_unmistakable(web, client, path, facts, words):
    web.house.turn()
    beat(web, **facts)
    assert client.get(path).text.count(words) == 1


def test_an_alert_of_another_market_than_todays_says_what_it_is_of(web, client):
    web.house.turn(source="recorded BTCUSDT_5m.csv")
    beat(web, source="binance")
    assert "RECORDED: these candles" in client.get("/alerts/1").text
    assert "RECORDED: these candles" not in client.get("/").text


@pytest.mark.parametrize("path", ["/", "/alerts/1"])
def test_what_is_wrong_is_said_on_every_page(web, client, path):
    web.house.turn()
    beat(web, state="degraded", wrong=["FEED_STALE <b>BTC/USDT</b>: 12 min old"])
    html = client.get(path).text
    assert "hybridd is not well: degraded" in Reader(html).text
    assert "FEED_STALE &lt;b&gt;BTC/USDT&lt;/b&gt;: 12 min old" in html


def test_a_watch_that_gives_no_sign_of_life_is_not_taken_for_well(web, client):
    beat(web, heartbeat_at=SystemClock().now() - 120_000)
    text = Reader(client.get("/").text).text
    assert "hybridd is not well: silent" in text
    assert "no sign of life for 120 s" in text


def test_where_no_watch_has_ever_run_that_is_said(client):
    assert "hybridd is not well: never started" in Reader(client.get("/").text).text


def test_whoever_is_not_logged_in_sees_no_rooms(web):
    assert "<nav" not in web.client.get("/").text
    assert "<nav" not in web.client.get("/a/x").text
