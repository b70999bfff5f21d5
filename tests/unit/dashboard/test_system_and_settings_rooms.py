"""The rooms of the system and of the settings: how everything is, and what is safe to change, with a record of it."""

import html
from contextlib import closing

import pytest

from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.dashboard import api_tokens
from hybridd.dashboard.api_tokens import Scope
from hybridd.pipeline.heartbeat import SERVICE_KEY
from hybridd.pipeline.overrides import tell, wanted_of
from hybridd.pipeline.standing import set_pause
from hybridd.store.backup import BACKUP_KEY
from hybridd.trading.risk import Pause
from tests.html_reader import Reader
from tests.makers import T0
from tests.unit.dashboard.web import forms

LONG, SHORT = "analysis.long_threshold", "analysis.short_threshold"


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def text(answer):
    return Reader(answer.text).text


def watch(web, **changes):
    tell(web.house.store, Settings.model_validate(changes), T0)


def beat(web, **facts):
    told = {"state": "ok", "heartbeat_at": SystemClock().now(), "simulated": False, "wrong": [], **facts}
    web.house.store.bot_state.set(SERVICE_KEY, told)


def typed(client, **changes):
    """The form of the settings with some fields changed, as a browser sends it."""
    _, fields = forms(client.get("/settings").text)[0]
    values = {name: html.unescape(given[0]) for name, given in fields.items()}
    return client.post("/settings", data=values | {name.replace("__", "."): text for name, text in changes.items()})


def test_a_house_in_which_nothing_has_run_says_so(client):
    assert "The watch has not said it yet." in text(client.get("/system"))
    assert "The watch has not said what it goes by." in text(client.get("/settings"))


def test_the_system_says_how_everything_is(web, client):
    web.house.turn()
    beat(
        web, version="0.1.0", timeframe="5m", source="binance", channels={"sms": ["+491"], "email": ["a@example.org"]},
        unproven={"sms": "no drill has reached you <yet>"}, started_at=T0,
    )  # fmt: skip
    watch(web, email={"password": "hunter2"}, alerts={"daily_sms_segments": 40})
    web.house.store.bot_state.set(BACKUP_KEY, {"at": T0, "path": "/x/state.db", "size": 3 * 1_048_576})
    web.house.store.addresses.disable("email", "b@example.org", "550 no such user", T0)
    set_pause(web.house.store, Pause.REDUCE_ONLY, "me", T0)
    page = client.get("/system")
    said = text(page)
    for words in (
        "5m, binance", "reduce_only", "0 / 40", "3.0 MB", "sms → +491 unproven",
        "email → b@example.org disabled", "planned2", "pause", 'timezone"UTC"',
    ):  # fmt: skip
        assert words in said
    assert "&lt;yet&gt;" in page.text
    assert "hunter2" not in page.text


def test_what_is_typed_is_judged_written_down_and_shown_until_the_watch_has_it(web, client):
    watch(web)
    answer = typed(
        client, analysis__long_threshold="71.5", alerts__quiet_hours="23:00-07:00", monitor__symbols="ETHUSDT"
    )
    assert answer.status_code == 200
    assert "Written down." in text(answer)
    wanted = wanted_of(web.house.store)
    assert wanted.values == {LONG: 71.5, "alerts.quiet_hours": "23:00-07:00", "monitor.symbols": ["ETHUSDT"]}
    rows = web.house.store.audit.list(3)
    assert {(row.actor, row.action, row.subject) for row in rows} == {
        ("dashboard", "settings.change", name) for name in wanted.values
    }
    watch(
        web, analysis={"long_threshold": 71.5}, alerts={"quiet_hours": "23:00-07:00"}, monitor={"symbols": ["ETHUSDT"]}
    )
    said = text(client.get("/settings"))
    assert "Written down." not in said
    assert "Not in force" not in said
    assert "Changed here" in said


def test_nothing_is_written_down_where_nothing_is_new(web, client):
    watch(web)
    assert typed(client).status_code == 200
    assert wanted_of(web.house.store).version == 0


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"analysis__long_threshold": "<b>70</b>"}, "must be a number"),
        ({"analysis__long_threshold": "30", "alerts__cooldown": "1h"}, "must be below analysis.long_threshold"),
        ({"monitor__symbols": ""}, "at least 1"),
        ({"alerts__quiet_hours": "'; DROP TABLE audit"}, "span of the day"),
        ({"alerts__cooldown": "[1"}, "duration"),
        ({"analysis__confirm": "9" * 5000}, "confirm"),
    ],
)
def test_where_one_thing_cannot_be_nothing_is_changed(web, client, changes, wrong):
    watch(web)
    answer = typed(client, **changes)
    assert answer.status_code == 400
    assert wrong in text(answer)
    assert 'aria-invalid="true"' in answer.text
    assert "<b>70" not in answer.text
    assert wanted_of(web.house.store).version == 0


def test_only_what_is_safe_can_be_changed(web, client):
    watch(web)
    csrf = forms(client.get("/settings").text)[0][1]["csrf"][0]
    sent = {"csrf": csrf, "trading.live": "true", "trading.auto": "true", "dashboard.host": "0.0.0.0"}
    assert client.post("/settings", data=sent).status_code == 200
    assert wanted_of(web.house.store).version == 0
    client.post("/settings/undo", data={"csrf": csrf, "key": "trading.live"})
    assert wanted_of(web.house.store).version == 0


def test_a_change_is_undone(web, client):
    watch(web)
    typed(client, analysis__long_threshold="70")
    assert wanted_of(web.house.store).values == {LONG: 70.0}
    csrf = forms(client.get("/settings").text)[0][1]["csrf"][0]
    assert client.post("/settings/undo", data={"csrf": csrf, "key": LONG}).status_code == 200
    assert wanted_of(web.house.store).values == {}


def test_a_wish_that_the_files_forbid_is_said(web, client):
    watch(web)
    typed(client, analysis__short_threshold="50")
    watch(web, analysis={"long_threshold": 55.0})
    assert "Not in force: analysis.short_threshold" in text(client.get("/settings"))


def test_whoever_may_only_look_changes_nothing(web, client):
    watch(web)
    given = api_tokens.add(web.house.store, "reader", frozenset({Scope.READ, Scope.ACK}), "test", T0)
    headers = {"Authorization": f"Bearer {given}"}
    for path in ("/settings", "/settings/undo"):
        assert web.client.post(path, data={LONG: "70", "key": LONG}, headers=headers).status_code == 403
        assert client.post(path, data={"csrf": "wrong", LONG: "70", "key": LONG}).status_code == 403
        assert web.client.post(path, data={LONG: "70"}).status_code == 401
    assert wanted_of(web.house.store).version == 0


def test_looking_has_no_effect(web, client):
    watch(web)
    before = web.dump()
    assert [client.get(path).status_code for path in ("/settings", "/system")] == [200, 200]
    assert web.dump() == before
    assert [web.client.get(path).status_code for path in ("/settings", "/system")] == [401, 401]
