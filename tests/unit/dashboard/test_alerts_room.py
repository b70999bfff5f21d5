"""The room of alerts: history with filters, why somebody was told or not, acknowledgement, silences."""

from contextlib import closing

import pytest

from hybridd.dashboard import api_tokens
from hybridd.dashboard.api_tokens import Scope
from hybridd.model.alert import AlertState
from hybridd.model.change import Change, Reason, Suppression, Verdict
from hybridd.model.silence import Silence
from tests.html_reader import Reader
from tests.makers import STEP, T0
from tests.unit.dashboard.web import forms


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def text(answer):
    return Reader(answer.text).text


def csrf_of(client, path="/alerts"):
    return client.get(path).text.partition('name="csrf" value="')[2].partition('"')[0]


def test_an_empty_room_says_so(client):
    said = text(client.get("/alerts"))
    assert "No alerts yet." in said
    assert "None is in force." in said


def test_the_history_is_newest_first_filtered_and_in_pages(web, client):
    for i in range(27):
        web.house.turn(at=T0 + i * STEP)
    web.house.turn(at=T0 + 27 * STEP, symbol="ETH/USDT")
    page = client.get("/alerts").text
    assert page.index('href="./alerts/28"') < page.index('href="./alerts/27"')
    assert 'href="./alerts?before=4"' in page
    assert 'href="./alerts/3"' in client.get("/alerts?before=4").text
    only = client.get("/alerts?subject=ETH/USDT").text
    assert 'href="./alerts/28"' in only
    assert 'href="./alerts/27"' not in only
    assert "No alert is like that." in client.get("/alerts?state=acked").text
    assert "No alert is like that." in client.get("/alerts?missed=1").text
    second = client.get("/alerts?subject=BTC/USDT").text
    assert 'href="./alerts?subject=BTC%2FUSDT&amp;before=3"' in second


@pytest.mark.parametrize("query", ["state=x", "before=-1", "subject=<script>alert(1)</script>", "subject=' OR 1=1 --"])
def test_what_a_stranger_writes_into_the_address_does_nothing(web, client, query):
    web.house.turn()
    page = client.get(f"/alerts?{query}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_an_alert_tells_what_was_found_what_was_not_told_and_who_was(web, client):
    made = web.house.turn()
    turned = Change(subject="BTC/USDT", reason=Reason.SIGNAL_CHANGED, at=T0, before="NEUTRAL", after="LONG")
    web.house.store.changes.add(Verdict(change=turned), analysis_id=None, alert_id=made.alert_id)
    held = Change(subject="BTC/USDT", reason=Reason.SCORE_JUMP, at=T0 - STEP, before=50.0, after=61.0)
    verdict = Verdict(change=held, suppressed=Suppression.COOL_DOWN, because="15 min")
    web.house.store.changes.add(verdict, analysis_id=None, alert_id=None)
    said = text(client.get(f"/alerts/{made.alert_id}"))
    for words in (
        "SIGNAL_CHANGED NEUTRAL → LONG told", "SCORE_JUMP 50 → 61 the same was told a short while ago", "email",
        "a@example.org", f"Proposal {made.id}",
    ):  # fmt: skip
        assert words in said


def test_an_alert_is_acknowledged_once_and_nothing_more_is_sent(web, client):
    made = web.house.turn()
    path = f"/alerts/{made.alert_id}"
    assert client.post(path, data={"csrf": "wrong"}).status_code == 403
    assert web.house.store.alerts.get(made.alert_id).state is AlertState.FIRING
    csrf = csrf_of(client, path)
    acked = client.post(path, data={"csrf": csrf})
    assert acked.status_code == 200
    assert "Acknowledged" in text(acked)
    assert web.house.store.alerts.get(made.alert_id).state is AlertState.ACKED
    assert web.house.store.outbox.of_alert(made.alert_id)[0].state == "cancelled"
    assert client.post(path, data={"csrf": csrf}).status_code == 409
    assert not forms(client.get(path).text)
    assert client.post("/alerts/99", data={"csrf": csrf}).status_code == 404
    assert client.get("/alerts/99").status_code == 404


def test_looking_has_no_effect(web, client):
    made = web.house.turn()
    before = web.dump()
    client.get("/alerts")
    client.get(f"/alerts/{made.alert_id}")
    assert web.dump() == before


def test_a_silence_is_asked_for_and_ended(web, client):
    web.house.turn()
    csrf = csrf_of(client)
    sent = {"csrf": csrf, "subject": "BTC/USDT", "length": "120", "comment": "<b>asleep</b>\n now"}
    assert client.post("/silences", data=sent).status_code == 303
    [made] = web.house.store.silences.active(T0)
    assert (made.subject, made.author, made.comment) == ("BTC/USDT", "dashboard", "<b>asleep</b> now")
    assert made.ends_at - made.starts_at == 7_200_000
    page = client.get("/alerts")
    assert "&lt;b&gt;asleep&lt;/b&gt;" in page.text
    assert client.post(f"/silences/{made.id}/end", data={"csrf": "x"}).status_code == 403
    assert client.post(f"/silences/{made.id}/end", data={"csrf": csrf}).status_code == 303
    assert web.house.store.silences.active(T0) == ()
    assert client.post(f"/silences/{made.id}/end", data={"csrf": csrf}).status_code == 409
    assert client.post("/silences/99/end", data={"csrf": csrf}).status_code == 404
    assert [row.action for row in web.house.store.audit.list(2)] == ["silence.end", "silence.add"]


@pytest.mark.parametrize(
    "spoil", [{"length": "7"}, {"length": ""}, {"length": "999999"}, {"subject": "DOGE/USDT"}, {"subject": "<b>"}]
)
def test_a_silence_that_cannot_be_is_refused(web, client, spoil):
    web.house.turn()
    sent = {"csrf": csrf_of(client), "subject": "BTC/USDT", "length": "60"} | spoil
    answer = client.post("/silences", data=sent)
    assert answer.status_code == 400
    assert "Nothing was changed" in text(answer)
    assert web.house.store.silences.active(T0) == ()


def test_whoever_may_only_acknowledge_silences_nothing(web):
    web.house.turn()
    given = api_tokens.add(web.house.store, "acker", frozenset({Scope.ACK}), "test", T0)
    headers = {"Authorization": f"Bearer {given}"}
    assert web.client.post("/silences", data={"length": "60"}, headers=headers).status_code == 403
    silence = Silence(subject="", reason=None, author="me", comment="", starts_at=T0, ends_at=T0 + STEP)
    number = web.house.store.silences.add(silence, T0)
    assert web.client.post(f"/silences/{number}/end", headers=headers).status_code == 403


def test_nobody_sees_it_without_a_login(web):
    web.house.turn()
    assert [web.client.get(path).status_code for path in ("/alerts", "/alerts/1")] == [401, 401]
