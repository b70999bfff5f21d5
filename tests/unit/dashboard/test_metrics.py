"""/metrics: in Prometheus' form, for this machine or a token, and what the picture of Grafana asks for."""

import json
import re
from pathlib import Path

import pytest

from hybridd.clock import SystemClock
from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.metrics import Metric, metrics, written
from hybridd.pipeline.heartbeat import SERVICE_KEY
from tests.unit.dashboard.test_api import bearer, token
from tests.unit.dashboard.test_api_lists import fill
from tests.unit.dashboard.web import Web

GRAFANA = Path(__file__).resolve().parents[3] / "packaging" / "grafana" / "hybridd.json"
LINE = re.compile(r'(hybridd_[a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+)\})? (-?[0-9.e+]+)')


def read(text):
    """Name and labels to value, as Prometheus reads them; what it could not read fails."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP hybridd_[a-z_]+ .+|TYPE hybridd_[a-z_]+ (gauge|counter))", line), line
            continue
        match = LINE.fullmatch(line)
        assert match, line
        found[match[1], match[2] or ""] = float(match[3])
    return found


def beat(web, **more):
    now = SystemClock().now()
    facts = {"state": "ok", "heartbeat_at": now, "ahead_ms": 0, "channels": {"email": ["a@b"]}, "wrong": ["x"]}
    web.house.store.bot_state.set(SERVICE_KEY, facts | more)


def test_it_says_how_the_watch_is(web):
    made = web.house.turn()
    fill(web, 3, "ETH/USDT")
    beat(web)
    answer = web.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = read(answer.text)
    assert found["hybridd_state", 'state="ok"'] == 1
    assert found["hybridd_state", 'state="silent"'] == 0
    assert found["hybridd_wrong", ""] == 1
    assert found["hybridd_proposals_open", ""] == 1
    assert found["hybridd_alerts", 'state="firing"'] == 1
    assert found["hybridd_score", 'symbol="ETH/USDT",timeframe="5m"'] == 50.2
    assert found["hybridd_signal", 'symbol="BTC/USDT",timeframe="5m"'] == 1
    assert found["hybridd_outbox", 'state="planned"'] == 2
    assert found["hybridd_rows_total", 'table="alerts"'] == made.alert_id
    beat(web, heartbeat_at=SystemClock().now() - 120_000)
    assert read(web.client.get("/metrics").text)["hybridd_state", 'state="silent"'] == 1


def test_an_empty_state_has_metrics_too(web):
    assert read(web.client.get("/metrics").text)["hybridd_state", 'state="never started"'] == 1


def test_from_elsewhere_it_needs_a_token_for_it(web):
    away = {"X-Forwarded-For": "203.0.113.9"}
    assert web.client.get("/metrics", headers=away).status_code == 401
    for n, (scope, status) in enumerate(((Scope.METRICS, 200), (Scope.READ, 200), (Scope.DECIDE, 403))):
        given = bearer(token(web, scope, name=f"t{n}"))
        assert web.client.get("/metrics", headers=away | given).status_code == status
    scraper = bearer(token(web, Scope.METRICS, name="scraper"))
    assert web.client.get("/api/v1/trades", headers=scraper).status_code == 403
    assert web.client.get("/", headers=scraper).status_code == 403
    assert web.client.post("/metrics").status_code == 401


def test_it_can_be_left_out(tmp_path):
    web = Web(tmp_path, metrics=False)
    try:
        assert web.client.get("/metrics").status_code == 404
    finally:
        web.close()


def test_a_name_from_outside_breaks_no_line():
    odd = Metric(name="score", help="x", values=(({"symbol": 'A"\\\n} 9\nhybridd_wrong 1'}, 1.0),))
    assert list(read(written(iter([odd])))) == [("hybridd_score", 'symbol="A\\"\\\\\\n} 9\\nhybridd_wrong 1"')]
    assert written(iter([Metric(name="price", help="x", values=(({}, float("nan")),))])).count("\n") == 2


@pytest.mark.parametrize("what", ["expr", "uid"])
def test_the_picture_asks_for_what_there_is(web, what):
    picture = json.loads(GRAFANA.read_text())
    fill(web, 1)
    beat(web)
    there = {f"hybridd_{metric.name}" for metric in metrics(web.store, SystemClock().now())}
    targets = [target for panel in picture["panels"] for target in panel["targets"]]
    if what == "expr":
        asked = {name for target in targets for name in re.findall(r"hybridd_[a-z_]+", target["expr"])}
        assert asked <= there
        assert len(asked) >= 14
    else:
        assert {panel["datasource"]["uid"] for panel in picture["panels"]} == {"${source}"}
        ids = [panel["id"] for panel in picture["panels"]]
        assert len(ids) == len(set(ids))
