"""The lists of the interface for programs: page by page, filtered, checked, and as tables."""

import csv
import io
import json

import pytest
from msgspec.structs import replace

from hybridd.dashboard.api_table import ENDPOINTS
from hybridd.dashboard.api_tokens import Scope
from hybridd.model.said import Abstain, Reading
from hybridd.model.trade import TradeState
from hybridd.pipeline.booking import book_entry
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.store.database import open_database
from tests.makers import STEP, T0, analysis, trade
from tests.unit.dashboard.test_api import bearer, token

READING = Reading(layer="trend", score=71.5, weight=1.0, reason="<b>up</b>", abstain=Abstain.ANSWERS)


@pytest.fixture
def ask(web):
    headers = bearer(token(web, Scope.READ))

    def get(path, **query):
        return web.client.get(f"/api/v1/{path}", params=query, headers=headers)

    return get


def fill(web, count=25, symbol="BTC/USDT"):
    made = [analysis(50 + n / 10, at=T0 + n * STEP, symbol=symbol, readings=(READING,)) for n in range(count)]
    web.house.store.analyses.add_many(made)
    return made


def walk(ask, path, **query):
    """Every row of a list, a page after the other."""
    rows, place = [], {}
    while True:
        answer = ask(path, **query, **place).json()
        rows += answer["items"]
        if answer["next"] is None:
            return rows
        place = {"before": answer["next"]}


def test_every_analysis_is_on_one_page_exactly(web, ask):
    made = fill(web)
    web.house.store.analyses.add_many([replace(one, timeframe="1h") for one in made[:5]])
    closes = [one.candle_close for one in made]
    assert [row["candle_close"] for row in walk(ask, "analyses", symbol="BTC/USDT", timeframe="5m", limit=7)] == closes[
        ::-1
    ]
    both = walk(ask, "analyses", symbol="BTC/USDT", limit=1)
    assert len(both) == len({row["id"] for row in both}) == 30
    assert [row["candle_close"] for row in both] == sorted((row["candle_close"] for row in both), reverse=True)
    assert walk(ask, "analyses", limit=9) == both


def test_rows_that_come_meanwhile_do_not_shift_the_pages(web, ask):
    fill(web, 10)
    first = ask("analyses", symbol="BTC/USDT", limit=4).json()
    web.house.store.analyses.add_many([analysis(1.0, at=T0 + 99 * STEP)])
    second = ask("analyses", symbol="BTC/USDT", limit=4, before=first["next"]).json()
    assert [row["candle_close"] for row in second["items"]] == [T0 + n * STEP for n in (5, 4, 3, 2)]


def test_a_span_is_cut_at_both_ends(web, ask):
    fill(web)
    fill(web, symbol="ETH/USDT")
    found = ask("analyses", symbol="ETH/USDT", start=T0 + 3 * STEP, end=T0 + 5 * STEP).json()["items"]
    assert [(row["symbol"], row["candle_close"]) for row in found] == [("ETH/USDT", T0 + n * STEP) for n in (5, 4, 3)]
    of_all = walk(ask, "analyses", start=T0 + 3 * STEP, end=T0 + 5 * STEP, limit=1)
    assert [row["candle_close"] for row in of_all] == [T0 + n * STEP for n in (5, 5, 4, 4, 3, 3)]
    assert {row["symbol"] for row in of_all} == {"BTC/USDT", "ETH/USDT"}
    assert walk(ask, "analyses", timeframe="1h") == []


def test_an_analysis_is_told_whole_or_without_its_layers(web, ask):
    fill(web, 1)
    [whole] = ask("analyses").json()["items"]
    assert whole["layers"] == {"trend": {"score": 71.5, "weight": 1.0, "reason": "<b>up</b>", "abstain": "ANSWERS"}}
    assert (whole["price"], whole["signal"], whole["simulated"]) == (45_250.0, "NEUTRAL", False)
    assert ask("analyses", layers=False).json()["items"][0]["layers"] is None


def test_alerts_and_proposals_are_told_with_what_became_of_them(web, ask):
    made = web.house.turn()
    [alert] = ask("alerts", state="firing", subject="BTC/USDT").json()["items"]
    assert (alert["id"], alert["reasons"], alert["severity"]) == (made.alert_id, ["SIGNAL_CHANGED"], "warning")
    assert ask("alerts", state="acked").json() == {"items": [], "next": None}
    assert ask("proposals", state="open").json()["items"][0]["decision"] is None
    web.house.say(made, web_event("reject"), reason="weekend")
    [proposal] = ask("proposals", symbol="BTC/USDT").json()["items"]
    assert (proposal["state"], proposal["decision"]["reason"]) == ("rejected", "weekend")
    assert proposal["price"] == str(made.price)


def web_event(name):
    from hybridd.model.proposal import ProposalEvent

    return ProposalEvent(name)


def test_trades_and_their_figures(web, ask):
    for n in range(3):
        book_entry(web.house.store, trade(at=T0 - n * STEP, symbol=f"{'ABC'[n]}/USDT"), "me", T0)
    assert [row["symbol"] for row in walk(ask, "trades", limit=2)] == ["A/USDT", "B/USDT", "C/USDT"]
    assert len(ask("trades", state=TradeState.OPEN.value, symbol="B/USDT").json()["items"]) == 1
    assert ask("statistics").json()["open_trades"] == 3
    assert ask("statistics", days=1, side="SHORT", symbol="A/USDT").json()["open_trades"] == 0


def candles(web, count=7):
    database = open_database(f"sqlite:///{web.path}", create=False)
    cursor = database.engine.cursor()
    for n in range(count):
        cursor.execute("INSERT INTO candles VALUES ('BTC/USDT', '5m', ?, 1, 2, 0.5, 1.5, 10)", (T0 + n * STEP,))
    database.close()


def test_candles_of_a_market(web, ask):
    candles(web)
    found = walk(ask, "candles", symbol="BTC/USDT", timeframe="5m", limit=3)
    assert [row["open_time"] for row in found] == [T0 + n * STEP for n in range(6, -1, -1)]
    assert found[0] == {"open_time": T0 + 6 * STEP, "open": 1, "high": 2, "low": 0.5, "close": 1.5, "volume": 10}
    assert ask("candles", symbol="BTC/USDT", timeframe="1h").json()["items"] == []


def test_a_symbol_is_understood_as_commands_understand_it(web, ask):
    fill(web, 2)
    for text in ("BTC/USDT", "BTCUSDT", "btc-usdt"):
        assert len(ask("analyses", symbol=text).json()["items"]) == 2
    assert ask("analyses", symbol="BTC/USDT:USDT").json()["items"] == []  # another market


def test_status_is_what_the_command_says(web, ask):
    facts = {"state": "ok", "heartbeat_at": T0, "symbols": ["BTC/USDT"], "timeframe": "5m", "started_at": T0}
    web.house.store.bot_state.set(SERVICE_KEY, facts | {"channels": {"email": ["a@b"]}})
    fill(web, 2)
    found = ask("status").json()
    assert found["analyses"][0]["candle_close"] == T0 + STEP
    assert found["channels"] == [{"name": "email", "to": ["a@b"], "last_told": None, "unproven": ""}]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("analyses", {"limit": 0}), ("analyses", {"limit": 501}), ("analyses", {"limit": "x"}),
        ("analyses", {"limit": ""}),
        ("analyses", {"before": "x"}), ("alerts", {"before": "1-2"}), ("analyses", {"before": "1"}),
        ("analyses", {"timeframe": "5"}), ("analyses", {"start": -1}), ("analyses", {"nothing": 1}),
        ("analyses", {"symbol": ""}), ("analyses", {"symbol": "x" * 65}), ("alerts", {"state": "open"}),
        ("alerts", {"format": "xml"}), ("trades", {"start": 10**20}), ("trades", {"limit": ["1", "2"]}),
        ("candles", {}), ("candles", {"symbol": "A", "timeframe": "5m", "limit": 2001}), ("status", {"x": 1}),
        ("statistics", {"days": "nan"}), ("statistics", {"days": 0}), ("statistics", {"side": "long"}),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line(web, ask, path, query):
    answer = ask(path, **query)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "remedy"}


INJECTIONS = (
    "' OR 1=1 --",
    '"; DROP TABLE analyses; --',
    "%",
    "_",
    "BTC/USDT' UNION SELECT * FROM bot_state --",
    "\x00",
    "\\",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_filter_is_a_value_and_never_a_part_of_the_question(web, ask, text):
    fill(web, 3)
    web.house.turn()
    before = web.dump()
    for path, query in (
        ("analyses", {"symbol": text}), ("alerts", {"subject": text}), ("proposals", {"symbol": text}),
        ("trades", {"symbol": text}), ("candles", {"symbol": text, "timeframe": "5m"}),
        ("analyses", {"symbol": text, "timeframe": "5m' --"}), ("statistics", {"symbol": text}),
    ):  # fmt: skip
        answer = ask(path, **query)
        assert answer.status_code == 200
        assert answer.json().get("items", []) == []
    assert web.dump() == before


def test_a_download_is_the_whole_list_as_a_table(web, ask):
    fill(web, 230)
    answer = ask("analyses", format="csv", symbol="BTC/USDT")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="hybridd-analyses.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 230
    assert rows[-1]["candle_close"] == "2025-06-15T15:10:00Z"
    assert rows[0]["layer.trend"] == "71.5"
    assert len(list(csv.DictReader(io.StringIO(ask("analyses", format="csv", limit=3).text)))) == 3
    assert ask("trades", format="csv").text == ""


def test_a_table_carries_nothing_out(web, ask):
    book_entry(web.house.store, trade(symbol='=HYPERLINK("http://evil.example")'), "me", T0)
    made = web.house.turn()
    web.house.say(made, web_event("reject"), reason="@SUM(1+1)")
    [row] = csv.DictReader(io.StringIO(ask("trades", format="csv").text))
    assert row["symbol"].startswith("'=")
    [row] = csv.DictReader(io.StringIO(ask("proposals", format="csv").text))
    assert row["decision.reason"] == "'@SUM(1+1)"
    assert row["price"] == "45250.0"


def test_the_document_names_every_call_and_none_besides(web, ask):
    found = web.client.get("/openapi.json", headers=bearer(token(web, Scope.READ, name="doc"))).json()
    assert found["openapi"] == "3.1.0"
    calls = {(path, method.upper()) for path, methods in found["paths"].items() for method in methods}
    assert calls == {(endpoint.path, endpoint.method) for endpoint in ENDPOINTS}
    text = json.dumps(found)
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= found["components"]["schemas"].keys()


def test_a_token_that_may_only_decide_may_not_look(web):
    headers = bearer(token(web, Scope.DECIDE, Scope.ACK, name="blind"))
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET" and endpoint.scope:
            assert web.client.get(endpoint.path, headers=headers).status_code == 403
    assert web.client.get("/openapi.json", headers=headers).status_code == 403
