"""The interface for programs: shut without a login, and each scope opens one thing."""

from contextlib import closing

import httpx
import pytest

from hybridd.dashboard import api_tokens
from hybridd.dashboard.api_tokens import Scope
from hybridd.errors import UsageError
from hybridd.model.alert import AlertState
from hybridd.model.proposal import ProposalState
from tests.makers import T0
from tests.unit.pipeline.test_decide import hot


def token(web, *scopes, name="robot"):
    return api_tokens.add(web.house.store, name, frozenset(scopes), "test", T0)


def bearer(given):
    return {"Authorization": f"Bearer {given}"}


def test_health_needs_no_login(web):
    answer = web.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_state_that_cannot_be_read_is_unwell_and_the_web_goes_on(web, caplog):
    web.store.close()
    answer = web.client.get("/healthz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "Traceback" not in caplog.text
    assert web.client.get("/robots.txt").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/proposals/1/approve"), ("POST", "/api/v1/proposals/1/reject"),
        ("POST", "/api/v1/proposals/1/hold"), ("POST", "/api/v1/alerts/1/ack"), ("GET", "/api/v1/status"),
        ("GET", "/api/v1/nothing"), ("GET", "/api/"), ("POST", "/"), ("POST", "/alerts/1"), ("POST", "/nothing"),
        ("POST", "/healthz"), ("DELETE", "/api/v1/alerts/1"), ("GET", "/"), ("GET", "/alerts/1"),
        ("GET", "/openapi.json"), ("POST", "/static/page.css"), ("POST", "/metrics"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "headers", [{}, bearer("hyb_wrong"), {"Authorization": "Basic YTpi"}, {"Cookie": "hybridd_session=x"}]
)
def test_without_a_login_everything_is_shut(web, method, path, headers):
    web.house.turn()
    before = web.dump()
    assert web.client.request(method, path, headers=headers).status_code in {401, 403}
    assert web.dump() == before


@pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("reject", "rejected"), ("hold", "held")])
def test_a_program_answers(web, verb, state):
    made = web.house.turn()
    answer = web.client.post(
        f"/api/v1/proposals/{made.id}/{verb}", headers=bearer(token(web, Scope.DECIDE)), json={"reason": "rule 7"}
    )
    assert answer.status_code == 200
    found = answer.json()
    assert (found["result"], found["proposal"]["state"]) == ("done", state)
    assert (found["decision"]["actor"], found["decision"]["channel"]) == ("token:robot", "api")
    assert found["decision"]["reason"] == "rule 7"
    second = web.client.post(f"/api/v1/proposals/{made.id}/reject", headers=bearer(token(web, Scope.DECIDE, name="b")))
    assert second.status_code == 409
    assert second.json()["decision"]["actor"] == "token:robot"


def test_a_program_that_saw_another_content_is_asked_again(web):
    made = web.house.turn()
    headers = bearer(token(web, Scope.DECIDE))
    path = f"/api/v1/proposals/{made.id}/approve"
    answer = web.client.post(path, headers=headers, json={"content_hash": "0" * 64})
    assert (answer.status_code, answer.json()["result"]) == (409, "again")
    web.house.store.analyses.add_many([hot(at=T0 + 1, price=46_000.0)])
    moved = web.client.post(path, headers=headers).json()
    assert moved["result"] == "again"
    assert moved["renewed"]["price"] == "46000.0"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/proposals/99/approve", {}, 404),
        ("/api/v1/proposals/0/approve", {}, 404),
        ("/api/v1/proposals/-1/approve", {}, 404),
        (f"/api/v1/proposals/{'9' * 5000}/approve", {}, 404),
        ("/api/v1/proposals/1e1/approve", {}, 404),
        ("/api/v1/proposals/1/expire", {}, 404),
        ("/api/v1/proposals/1/approve/", {}, 404),
        ("/api/v1/proposals/1/approve", {"reason": 7}, 400),
        ("/api/v1/proposals/1/approve", {"raeson": "x"}, 400),
        ("/api/v1/proposals/1/approve", ["x"], 400),
        ("/api/v1/alerts/99/ack", {}, 404),
        ("/api/v1/nothing", {}, 404),
    ],
)
def test_what_cannot_be_is_one_line_of_json(web, path, body, status):
    made = web.house.turn()
    answer = web.client.post(path, headers=bearer(token(web, Scope.DECIDE, Scope.ACK)), json=body)
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "remedy"}
    assert web.house.store.proposals.get(made.id).state is ProposalState.OPEN


@pytest.mark.parametrize("path", ["/api/v1/proposals/{}/approve", "/api/v1/alerts/{}/ack"])
@pytest.mark.parametrize("given", ["one", "0", "-1", "1e1", "9" * 5000])
def test_what_is_no_id_is_named(web, path, given):
    answer = web.client.post(path.format(given), headers=bearer(token(web, Scope.DECIDE, Scope.ACK)))
    assert answer.status_code == 404
    assert answer.json()["error"] == f"'{given[:40]}' is no id"


def test_a_form_is_no_json(web):
    made = web.house.turn()
    answer = web.client.post(
        f"/api/v1/proposals/{made.id}/approve", headers=bearer(token(web, Scope.DECIDE)), data={"reason": "x"}
    )
    assert answer.status_code == 400


def test_a_scope_opens_one_thing(web):
    made = web.house.turn()
    reader, acker = token(web, Scope.READ, name="r"), token(web, Scope.ACK, name="a")
    for given, status in ((reader, 403), (acker, 403)):
        assert web.client.post(f"/api/v1/proposals/{made.id}/approve", headers=bearer(given)).status_code == status
    assert web.client.post(f"/api/v1/alerts/{made.alert_id}/ack", headers=bearer(reader)).status_code == 403
    acked = web.client.post(f"/api/v1/alerts/{made.alert_id}/ack", headers=bearer(acker))
    assert (acked.status_code, acked.json()["state"]) == (200, "acked")
    assert web.client.post(f"/api/v1/alerts/{made.alert_id}/ack", headers=bearer(acker)).status_code == 409
    assert web.house.store.alerts.get(made.alert_id).state is AlertState.ACKED
    assert web.house.store.proposals.get(made.id).state is ProposalState.OPEN, "an ack never approves"


def test_a_revoked_token_opens_nothing(web):
    made = web.house.turn()
    given = token(web, Scope.DECIDE)
    api_tokens.revoke(web.house.store, "robot", "test", T0)
    assert web.client.post(f"/api/v1/proposals/{made.id}/approve", headers=bearer(given)).status_code == 401


def test_tokens_are_kept_as_hashes_and_told_once(web):
    given = token(web, Scope.DECIDE)
    assert given not in repr(web.dump())
    [kept] = api_tokens.listed(web.house.store)
    assert (kept.name, kept.scopes) == ("robot", {Scope.DECIDE})
    with pytest.raises(UsageError, match="already"):
        token(web, Scope.ACK)
    with pytest.raises(UsageError, match="cannot be the name"):
        token(web, Scope.ACK, name="a b")
    with pytest.raises(UsageError, match="without a scope"):
        token(web, name="none")
    with pytest.raises(UsageError, match="no token"):
        api_tokens.revoke(web.house.store, "other", "test", T0)
    assert [row.action for row in web.house.store.audit.list(10)].count("token.add") == 1


def test_a_session_of_a_person_needs_what_the_page_put_into_the_form(web):
    made = web.house.turn()
    with closing(web.log_in()) as client:
        path = f"/api/v1/proposals/{made.id}/reject"
        assert client.post(path).status_code == 403
        assert client.post(path, headers={"X-CSRF-Token": "wrong"}).status_code == 403
        csrf = client.get(f"/alerts/{made.alert_id}").text.partition('name="csrf" value="')[2].partition('"')[0]
        assert csrf
        foreign = {"X-CSRF-Token": csrf, "Origin": "https://evil.example"}
        assert client.post(path, headers=foreign).status_code == 403
        assert web.house.store.proposals.get(made.id).state is ProposalState.OPEN
        answer = client.post(path, headers={"X-CSRF-Token": csrf, "Origin": web.url})
        assert answer.json()["decision"]["actor"] == "dashboard"


def test_a_login_counts_once_and_a_look_at_it_logs_nobody_in(web):
    given = web.logins.token()
    with httpx.Client(base_url=web.url) as client:
        page = client.get(f"/login/{given}")
        assert "set-cookie" not in page.headers
        answer = client.post(f"/login/{given}")
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.get("/").status_code == 200
        again = client.post(f"/login/{given}")
        assert again.status_code == 403
    with httpx.Client(base_url=web.url) as client:
        assert client.post(f"/login/{given}").status_code == 403
        assert client.get("/").status_code == 401


def test_a_login_ends_by_itself_and_comes_from_here_alone(web):
    given = web.logins.token()
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert web.client.post(f"/login/{given}", headers={name: "203.0.113.9"}).status_code == 403
        assert web.client.get(f"/login/{given}", headers={name: "203.0.113.9"}).status_code == 403
    web.house.clock.advance(3_601_000)
    assert web.client.post(f"/login/{given}").status_code == 403
    with closing(web.log_in()) as client:
        web.house.clock.advance(7 * 86_400_000 + 1)
        assert client.get("/").status_code == 401
