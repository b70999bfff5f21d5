"""The guard: attacks that end at the door, each with what it gets."""

import socket
import time

import pytest

from hybridd.dashboard.guard import host_of
from hybridd.dashboard.rates import Limits, Rates, asker_of
from tests.unit.dashboard.web import Web


def raw(web, text, seconds=5.0):
    """Send bytes as they are; everything that comes back until the other side ends, and how long it took."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", web.port), timeout=seconds) as caller:
        caller.sendall(text.encode("latin-1"))
        parts = []
        while part := caller.recv(65536):
            parts.append(part)
    return b"".join(parts).decode("latin-1"), time.monotonic() - begun


def status(answer):
    return int(answer.split(" ", 2)[1])


HEAD = "Host: 127.0.0.1\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        (f"GET /a/../../etc/passwd HTTP/1.1\r\n{HEAD}\r\n", {401, 404}),
        (f"GET /static/../app.py HTTP/1.1\r\n{HEAD}\r\n", {404}),
        (f"GET /static/..%2fapp.py HTTP/1.1\r\n{HEAD}\r\n", {404}),
        (f"GET /static/%2e%2e%2f%2e%2e%2fapp.py HTTP/1.1\r\n{HEAD}\r\n", {404}),
        (f"GET //a//x HTTP/1.1\r\n{HEAD}\r\n", {401, 404}),
        (f"GET /a/x/ HTTP/1.1\r\n{HEAD}\r\n", {404}),
        (f"GET /healthz/../api/v1/status HTTP/1.1\r\n{HEAD}\r\n", {401, 404}),
        (f"GET /a/%00 HTTP/1.1\r\n{HEAD}\r\n", {403}),
        (f"GET /a/{'x' * 8000} HTTP/1.1\r\n{HEAD}\r\n", {403}),
        (f"GET /a/{'x' * 80_000} HTTP/1.1\r\n{HEAD}\r\n", {400, 431}),
        (f"GET /healthz HTTP/1.1\r\n{HEAD}X: {'x' * 80_000}\r\n\r\n", {400, 431}),
        (f"TRACE /healthz HTTP/1.1\r\n{HEAD}\r\n", {401, 405}),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {421}),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\nConnection: close\r\n\r\n", {421}),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\nConnection: close\r\n\r\n", {400, 421}),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:80:90\r\nConnection: close\r\n\r\n", {400, 421}),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {400, 421}),
        ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", {400}),
        ("GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {404, 421}),
        (f"POST /a/x HTTP/1.1\r\n{HEAD}Content-Length: 99999999\r\n\r\n{'x' * 20_000}", {413}),
        (f"POST /a/x HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n" + f"1000\r\n{'x' * 4096}\r\n" * 9, {413}),
        (f"POST /a/x HTTP/1.1\r\n{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", {400}),
        (f"POST /a/x HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\nhello", {408}),
        (f"POST /api/v1/proposals/1/approve HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\nhello", {408}),
        (f"POST /a/x HTTP/1.1\r\n{HEAD}Origin: https://evil.example\r\nContent-Length: 0\r\n\r\n", {403}),
        (f"POST /a/x HTTP/1.1\r\n{HEAD}Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n", {403}),
        (f"POST /login/x HTTP/1.1\r\n{HEAD}Origin: null\r\nContent-Length: 0\r\n\r\n", {403}),
        (f"GET /api/v1/status HTTP/1.1\r\n{HEAD}Authorization: Bearer \xff\xfe\r\n\r\n", {400, 401}),
        (f"GET / HTTP/1.1\r\n{HEAD}Cookie: hybridd_session=\xff; a=b\r\n\r\n", {400, 401}),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    ],
)  # fmt: skip
def test_an_attack_ends_at_the_door(web, request_text, expected):
    before = web.dump()
    answer, _ = raw(web, request_text)
    assert status(answer) in expected, answer[:300]
    assert "Traceback" not in answer
    assert "etc/passwd" not in answer
    assert "\nserver:" not in answer.lower()
    assert web.dump().keys() == before.keys()
    assert {name: rows for name, rows in web.dump().items() if name != "audit"} == {
        name: rows for name, rows in before.items() if name != "audit"
    }
    assert web.client.get("/healthz").status_code == 200


def test_a_page_of_ours_may_answer_although_it_hides_its_origin(web):
    made = web.house.turn()
    token, code = web.link(made)
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert web.say(token, code, "hold", headers=headers).status_code == 200


def test_a_login_by_a_browser_counts_although_it_hides_its_origin(web):
    path = f"/login/{web.logins.token()}"
    assert web.client.post(path, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert web.client.post(path, headers={"Origin": "null"}).status_code == 403
    assert web.client.post(path, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"}).status_code == 303


@pytest.mark.parametrize("begun", ["", "G", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
def test_whoever_never_ends_a_request_loses_the_connection(web, begun):
    answer, took = raw(web, begun)
    assert answer == ""
    assert 0.2 <= took < 3


def test_a_head_that_comes_byte_by_byte_ends_too_and_keeps_nobody_waiting(web):
    callers = [socket.create_connection(("127.0.0.1", web.port), timeout=5) for _ in range(30)]
    ended, begun = 0, time.monotonic()
    while time.monotonic() - begun < 3 and ended < 30:
        for caller in list(callers):
            try:
                caller.sendall(b"G" if time.monotonic() - begun < 0.1 else b"E")
            except OSError:
                caller.close()
                callers.remove(caller)
                ended += 1
        assert web.client.get("/healthz").status_code == 200
    assert ended == 30


def test_a_second_request_of_a_connection_is_waited_for_as_well(web):
    with socket.create_connection(("127.0.0.1", web.port), timeout=5) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /heal")
        parts = b""
        while part := caller.recv(65536):
            parts += part
    assert parts.count(b"HTTP/1.1 200") == 1


def test_headers_are_on_every_answer_also_on_errors(web):
    web.store.close()
    for path in ("/healthz", "/a/x", "/api/x", "/nothing", "/static/none", "/robots.txt"):
        answer = web.client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers


def test_a_defect_is_one_page_and_the_journal_has_it(web, monkeypatch, caplog):
    monkeypatch.setattr(web.desk, "look", lambda _: 1 / 0)
    answer = web.client.get("/a/x")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert "ZeroDivisionError" in caplog.text


@pytest.fixture
def strict(tmp_path):
    made = Web(tmp_path, limits=Limits(page=60, answer=8, link=5, stranger=4))
    yield made
    made.close()


def test_guessing_at_a_link_ends_early(strict):
    made = strict.house.turn()
    token, code = strict.link(made)
    wrong = f"{(int(code, 16) + 1) % 256:02X}"
    found = [strict.say(token, wrong).status_code for _ in range(7)]
    assert found == [403] * 5 + [429] * 2
    others = [strict.say(f"{n:022d}", "AA").status_code for n in range(4)]
    assert others == [403, 429, 429, 429]


def test_guessing_at_tokens_and_logins_ends_early(strict):
    tries = [strict.client.get("/api/x", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(6)]
    assert tries == [401] * 4 + [429] * 2
    assert strict.client.post("/login/x").status_code == 429


def test_asking_without_end_ends(strict):
    found = [strict.client.get("/healthz") for _ in range(61)]
    assert [answer.status_code for answer in found] == [200] * 60 + [429]
    assert found[-1].headers["retry-after"] == "60"
    assert strict.client.post("/hooks/twilio/sms").status_code != 429, "providers have a count of their own"


def test_counts_are_of_a_minute_and_of_one_asker():
    now = [0.0]
    rates = Rates(lambda: now[0], Limits(page=2))
    assert [rates.take("page", "a") for _ in range(3)] == [True, True, False]
    assert rates.take("page", "b")
    assert rates.spent("page", "a")
    now[0] = 60.0
    assert not rates.spent("page", "a")
    assert rates.take("page", "a")


def test_askers_without_number_take_no_room_without_bound(monkeypatch):
    monkeypatch.setattr("hybridd.dashboard.rates.MOST_ASKERS", 100)
    rates = Rates(lambda: 0.0)
    for n in range(1000):
        rates.take("page", str(n))
    assert len(rates._counts) == 100


@pytest.mark.parametrize(
    ("address", "asker"),
    [
        ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("local", "local"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::", "2001:db8:1:2::/64"),
    ],
)  # fmt: skip
def test_whoever_owns_a_network_is_one_asker(address, asker):
    assert asker_of(address) == asker


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Example.ORG", "example.org"), ("example.org:8787", "example.org"), ("[::1]:80", "::1"), ("[::1]", "::1"),
        ("example.org.", "example.org"), ("a:b", ""), ("[::1", ""), ("[::1]x", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(header, name):
    assert host_of(header) == name
