"""Attacks from inside and outside, each with what it gets: nothing."""

import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from starlette.routing import Route

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.gate import DOOR, PROVEN
from hybridd.model.said import Abstain, Reading
from hybridd.pipeline.booking import book_entry
from tests.makers import T0, trade
from tests.unit.dashboard.test_api import bearer, token
from tests.unit.dashboard.test_guard import HEAD, raw
from tests.unit.dashboard.test_login import HASHES, LOOKER, client, csrf_of, log_in
from tests.unit.dashboard.web import Web
from tests.unit.pipeline.test_decide import hot

OWN = ("/logout", "/account/")


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, hashes=HASHES)
    yield made
    made.close()


def routes(web, method):
    """Every path that takes this method, with numbers in its holes."""
    found = [route for route in web.app.routes if isinstance(route, Route) and method in (route.methods or ())]
    paths = [re.sub(r"{verb}", "approve", route.path) for route in found]
    return sorted({re.sub(r"{\w+(:\w+)?}", "1", path) for path in paths})


def guarded(web):
    return [path for path in routes(web, "POST") if not path.startswith(PROVEN) and path not in DOOR]


def kept(web):
    """All that a form could change; the tries themselves are written down."""
    return {name: rows for name, rows in web.dump().items() if name not in {"audit", "bot_state", "sessions"}}


def test_no_form_is_taken_without_a_login(web):
    web.house.turn()
    before = web.dump()
    assert len(guarded(web)) >= 7
    for path in guarded(web):
        for headers in ({}, bearer("hyb_forged"), {"Cookie": "hybridd_session=forged"}):
            for body in ({}, {"csrf": "forged"}):
                assert web.client.post(path, headers=headers, data=body).status_code in {401, 403}, path
    assert web.dump() == before


def test_no_form_is_taken_without_what_its_page_put_into_it(web):
    web.house.turn()
    with closing(client(web)) as mine, closing(client(web)) as other:
        log_in(mine), log_in(other)
        before, foreign = web.dump(), csrf_of(other)
        for path in guarded(web):
            for body in ({}, {"csrf": ""}, {"csrf": "forged"}, {"csrf": foreign}, {"CSRF": csrf_of(mine)}):
                assert mine.post(path, data=body).status_code == 403, path
            evil = {"Origin": "https://evil.example", "X-CSRF-Token": csrf_of(mine)}
            assert mine.post(path, headers=evil).status_code == 403, path
            cross = {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": csrf_of(mine)}
            assert mine.post(path, headers=cross).status_code == 403, path
            assert mine.post(f"{path}?csrf={csrf_of(mine)}").status_code == 403, "never from an address"
        assert web.dump() == before


def test_whoever_may_only_look_sends_nothing_but_what_is_theirs(web):
    web.house.turn()
    reader = bearer(token(web, Scope.READ, Scope.METRICS))
    with closing(client(web)) as viewer:
        log_in(viewer, LOOKER)
        before, csrf = kept(web), {"X-CSRF-Token": csrf_of(viewer)}
        for path in guarded(web):
            assert web.client.post(path, headers=reader).status_code == 403, path
            if not path.startswith(OWN):
                assert viewer.post(path, headers=csrf).status_code == 403, path
        assert kept(web) == before


def test_no_page_is_shown_without_a_login(web):
    open_to_all = ("/a/", "/healthz", "/offline", "/robots.txt", "/static/", "/login", "/metrics")
    for path in routes(web, "GET"):
        if not path.startswith(open_to_all):
            answer = web.client.get(path)
            assert answer.status_code == 401, path
            assert "BTC" not in answer.text


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'--></title></textarea>{{7*7}}javascript:alert(1)"
SYMBOL = "<b>X\"'&lt;/USDT"


class Reader(HTMLParser):
    """What a browser would make of a page: elements and their attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_words_from_outside_stay_words(web):
    reading = Reading(layer="trend", score=80.0, weight=1.0, reason=EVIL, abstain=Abstain.ANSWERS)
    now = hot(readings=(reading,), symbol=SYMBOL)
    made = web.house.turn(now)
    book_entry(web.house.store, trade(symbol=SYMBOL, exit_reason=EVIL), "me", T0)
    web.house.store.bot_state.set("service", {"state": "degraded", "wrong": [EVIL], "heartbeat_at": T0})
    with closing(client(web)) as mine:
        log_in(mine)
        mine.headers["user-agent"] = EVIL
        log_in(mine)
        seen = ""
        for path in routes(web, "GET"):
            if path.endswith(("/stream", "/metrics")) or path.startswith("/static"):
                continue
            answer = mine.get(path.replace("/alerts/1", f"/alerts/{made.alert_id}"))
            if not answer.headers["content-type"].startswith("text/html"):
                assert answer.headers["content-type"].startswith(("application/json", "text/plain")), path
                assert answer.headers["x-content-type-options"] == "nosniff"
                continue
            seen += answer.text
            reader = Reader()
            reader.feed(answer.text)
            for tag, attributes in reader.found:
                assert tag != "img", path
                assert tag != "script" or attributes["src"].startswith(("./static/", "../static/", "../../static/")), (
                    path
                )
                assert not [name for name in attributes if name.startswith("on") or name == "style"], path
                for name in ("href", "src", "action"):
                    assert not (attributes.get(name) or "").lower().startswith(("javascript:", "data:", "//")), path
            assert "49" not in re.findall(r"textarea>(\d+)javascript", answer.text)
        assert "&lt;script&gt;alert(1)" in seen, "it was there, as words"
    token_, _ = web.link(made)
    assert "<b>X" not in web.client.get(f"/a/{token_}").text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "javascript"}, {"Forwarded": "host=evil.example"},
        {"X-Original-URL": "//evil.example"}, {"X-Rewrite-Url": "/admin"}, {"Referer": "https://evil.example/"},
    ],
)  # fmt: skip
def test_no_header_leads_a_login_astray(web, headers):
    with closing(client(web)) as mine:
        answer = mine.post("/login", data={"password": "four words are good", "then": "/account"}, headers=headers)
        assert answer.headers["location"] == "./account"
        assert "evil" not in answer.text


ONE = f"POST /login HTTP/1.1\r\n{HEAD.replace('close', 'keep-alive')}"
SECOND = f"GET /robots.txt HTTP/1.1\r\n{HEAD}\r\n"


@pytest.mark.parametrize(
    "first",
    [
        f"{ONE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{ONE}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        f"{ONE}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        f"{ONE}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        f"{ONE}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        f"{ONE}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        f"{ONE}Content-Length: +5\r\n\r\nhello",
        f"{ONE}Content-Length: 5, 6\r\n\r\nhello",
        f"{ONE}Content-Length: 0x5\r\n\r\nhello",
        f"{ONE}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
        f"{ONE}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        f"{ONE}Content-Length: 16385\r\n\r\n{'x' * 16385}",
        f"{ONE}Transfer-Encoding: chunked\r\n\r\n4001\r\n{'x' * 16385}\r\n0\r\n\r\n",
    ],
)
def test_no_second_request_hides_in_the_first(web, first):
    answer, _ = raw(web, first + SECOND)
    assert answer.count("HTTP/1.1 ") == 1
    assert "Disallow" not in answer
    assert int(answer.split(" ", 2)[1]) in {400, 408, 413, 501}


def test_a_body_of_the_size_that_is_allowed_is_taken(web):
    size = 16 * 1024
    body = "password=" + "x" * (size - len("password="))
    head = f"{HEAD}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {size}\r\n\r\n"
    assert " 403 " in raw(web, f"POST /login HTTP/1.1\r\n{head}{body}")[0].split("\r\n")[0]


def test_an_address_forges_no_line_of_the_journal(web, caplog):
    with caplog.at_level("INFO"):
        web.client.get("/x%0aERROR forged%0d%1b[31m%e2%80%ae")
    lines = [record.getMessage() for record in caplog.records if record.name == "hybridd.dashboard"]
    assert lines
    assert all(line.isprintable() for line in lines)


def test_a_session_of_another_role_is_not_had_by_its_cookie_alone(web):
    with closing(client(web)) as viewer:
        log_in(viewer, LOOKER)
        cookie = viewer.cookies["hybridd_session"]
    kept_row = web.store.sessions.list(0)[0]
    web.store.sessions.add(replace(kept_row, role="root"))
    assert web.client.get("/", headers={"Cookie": f"hybridd_session={cookie}"}).status_code == 401
    web.store.sessions.add(replace(kept_row, role="trader"))
    assert web.client.get("/", headers={"Cookie": f"hybridd_session={cookie}"}).status_code == 401, (
        "the mark is another's"
    )
