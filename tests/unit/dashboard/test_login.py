"""Logging in: by password and code, once and never by guessing; and out again, here and everywhere."""

from contextlib import closing

import argon2
import httpx
import pytest

from hybridd.dashboard import lockout, passwords
from hybridd.dashboard.logins import IDLE_MS, LIFE_MS
from hybridd.dashboard.roles import Role
from hybridd.errors import UsageError
from tests.unit.dashboard.web import Web

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
RIGHT, LOOKER = "four words are good", "only my eyes"
HASHES = {Role.TRADER: CHEAP.hash(RIGHT), Role.VIEWER: CHEAP.hash(LOOKER)}
MINUTE = 60_000


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, hashes=HASHES)
    yield made
    made.close()


def client(web):
    return httpx.Client(base_url=web.url, timeout=20)


def log_in(given, password=RIGHT, **more):
    return given.post("/login", data={"password": password, **more})


def csrf_of(given):
    return given.get("/account").text.partition('name="csrf" value="')[2].partition('"')[0]


def test_a_password_opens_the_page_that_was_wanted(web):
    made = web.house.turn()
    with closing(client(web)) as mine:
        shut = mine.get(f"/alerts/{made.alert_id}")
        assert shut.status_code == 401
        assert f'name="then" value="/alerts/{made.alert_id}"' in shut.text
        assert "BTC" not in shut.text
        answer = log_in(mine, then=f"/alerts/{made.alert_id}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"./alerts/{made.alert_id}")
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie
        assert mine.get(f"/alerts/{made.alert_id}").status_code == 200
    assert web.house.store.audit.list(1)[0].action == "login"


def test_a_wrong_password_opens_nothing(web):
    with closing(client(web)) as mine:
        answer = log_in(mine, "guess")
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert log_in(mine, "").status_code == 400
        assert mine.get("/").status_code == 401
        assert web.house.store.sessions.list(0) == []


@pytest.mark.parametrize(
    "then",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "/%2f/evil.example", "/../../x", "/a//b",
        "javascript:alert(1)", "/x\r\nSet-Cookie: a=b", "evil", "/" + "x" * 300, '/"><script>',
    ],
)  # fmt: skip
def test_a_login_leads_nowhere_else(web, then):
    with closing(client(web)) as mine:
        assert log_in(mine, then=then).headers["location"] == "./"


def test_a_session_that_somebody_planted_opens_nothing(web):
    with closing(client(web)) as mine:
        mine.cookies.set("hybridd_session", "planted", domain="127.0.0.1")
        answer = log_in(mine)
        fresh = dict(part.split("=", 1) for part in [c.split(";")[0] for c in answer.headers.get_list("set-cookie")])
        assert fresh["hybridd_session"] != "planted"
        assert web.client.get("/", headers={"Cookie": "hybridd_session=planted"}).status_code == 401


def test_a_login_ends_the_session_before_it(web):
    with closing(client(web)) as mine:
        log_in(mine)
        old = mine.cookies["hybridd_session"]
        log_in(mine)
        assert mine.cookies["hybridd_session"] != old
        assert web.client.get("/", headers={"Cookie": f"hybridd_session={old}"}).status_code == 401


def test_sessions_are_kept_as_hashes_and_outlive_the_process(web):
    with closing(client(web)) as mine:
        log_in(mine)
        cookie = mine.cookies["hybridd_session"]
        assert cookie not in repr(web.dump())
        assert RIGHT not in repr(web.dump())
        again = type(web.logins)(web.store, web.house.clock, HASHES)
        assert again.who(cookie).role is Role.TRADER
        other = type(web.logins)(web.store, web.house.clock, {Role.TRADER: CHEAP.hash("another word")})
        assert other.who(cookie) is None, "a password that is changed ends what the old one opened"


def test_a_session_ends_when_nobody_uses_it_and_at_last_in_any_case(web):
    with closing(client(web)) as mine:
        log_in(mine)
        for _ in range(LIFE_MS // (IDLE_MS - MINUTE)):
            web.house.clock.advance(IDLE_MS - MINUTE)
            assert mine.get("/account").status_code == 200
        web.house.clock.advance(3 * 86_400_000)
        assert mine.get("/account").status_code == 401
        log_in(mine)
        web.house.clock.advance(IDLE_MS + MINUTE)
        assert mine.get("/account").status_code == 401


def test_out_means_out(web):
    with closing(client(web)) as mine:
        log_in(mine)
        cookie, csrf = mine.cookies["hybridd_session"], csrf_of(mine)
        assert mine.post("/logout").status_code == 403
        assert mine.post("/logout", data={"csrf": csrf}).status_code == 303
        assert web.client.get("/", headers={"Cookie": f"hybridd_session={cookie}"}).status_code == 401


def test_out_everywhere_means_everywhere(web):
    with closing(client(web)) as one, closing(client(web)) as other, closing(client(web)) as viewer:
        log_in(one), log_in(other), log_in(viewer, LOOKER)
        assert one.post("/account/logout-everywhere", data={"csrf": csrf_of(one)}).status_code == 303
        assert [given.get("/account").status_code for given in (one, other, viewer)] == [401, 401, 200]


def test_whoever_may_only_look_changes_nothing(web):
    made = web.house.turn()
    with closing(client(web)) as viewer:
        assert log_in(viewer, LOOKER).status_code == 303
        assert viewer.get(f"/alerts/{made.alert_id}").status_code == 200
        csrf = csrf_of(viewer)
        before = {name: rows for name, rows in web.dump().items() if name in {"alerts", "proposals"}}
        for path in (f"/alerts/{made.alert_id}", f"/api/v1/alerts/{made.alert_id}/ack", "/settings", "/anything",
                     f"/api/v1/proposals/{made.id}/approve"):  # fmt: skip
            answer = viewer.post(path, headers={"X-CSRF-Token": csrf}, data={"words": f"ACK {made.alert_id}"})
            assert answer.status_code == 403, path
        assert {name: web.dump()[name] for name in before} == before
        assert viewer.post("/logout", data={"csrf": csrf}).status_code == 303


def test_guessing_ends_for_the_guesser_and_later_for_longer(web):
    with closing(client(web)) as mine:
        assert [log_in(mine, f"guess {n}").status_code for n in range(7)] == [403] * 5 + [429] * 2
        assert log_in(mine).status_code == 429, "the right one is not looked at either"
        web.house.clock.advance(MINUTE)
        assert log_in(mine, "guess").status_code == 403
        web.house.clock.advance(MINUTE)
        waiting = log_in(mine)
        assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "60")
        web.house.clock.advance(MINUTE)
        assert log_in(mine).status_code == 303
        assert log_in(mine, "guess").status_code == 403, "and all is forgiven"


def test_a_browser_that_was_in_before_is_not_locked_out_by_strangers(web):
    with closing(client(web)) as mine, closing(client(web)) as stranger:
        log_in(mine)
        mine.post("/logout", data={"csrf": csrf_of(mine)})
        assert [log_in(stranger, "guess").status_code for _ in range(6)][-1] == 429
        assert log_in(stranger).status_code == 429
        assert log_in(mine).status_code == 303


def test_many_who_guess_once_each_are_one_attack(web):
    now = web.house.clock.now()
    waits = [lockout.admit(web.store, f"203.0.113.{n}", "", now) for n in range(lockout.FREE_OF_ALL + 5)]
    assert waits == [0] * lockout.FREE_OF_ALL + [lockout.ALL_MS] * 5
    lockout.remember(web.store, "mine", now)
    assert lockout.admit(web.store, "203.0.113.250", "mine", now) == 0
    assert lockout.admit(web.store, "203.0.113.250", "forged", now) > 0
    later = now + lockout.WINDOW_MS
    assert lockout.admit(web.store, "203.0.113.250", "", later) == 0


def test_tries_take_no_room_without_bound(web, monkeypatch):
    monkeypatch.setattr(lockout, "MOST_ASKERS", 10)
    monkeypatch.setattr(lockout, "FREE_OF_ALL", 10_000)
    for n in range(100):
        lockout.admit(web.store, f"203.0.113.{n}", "", web.house.clock.now())
    assert len(web.dump()["login_askers"]) <= 11


def test_without_a_password_the_form_says_how_to_come_in(tmp_path):
    web = Web(tmp_path)
    try:
        shut = web.client.get("/")
        assert shut.status_code == 401
        assert "hybridd config password" in shut.text
        assert 'type="password"' not in shut.text
        assert web.client.post("/login", data={"password": ""}).status_code == 400
        assert web.client.post("/login", data={"password": "x"}).status_code == 400
    finally:
        web.close()


def test_a_password_is_made_into_a_hash_that_knows_it_again():
    made = passwords.make(RIGHT)
    assert made.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert passwords.matches(made, RIGHT)
    assert not passwords.matches(made, RIGHT + " ")
    assert not passwords.matches(made, "x" * 5000)
    assert not passwords.matches("no hash", RIGHT)
    for wrong in ("short", "x" * 1025):
        with pytest.raises(UsageError, match="characters"):
            passwords.make(wrong)


def test_behind_tls_the_cookie_belongs_to_this_host_alone(tmp_path):
    from hybridd.dashboard.serve import Serving

    web = Web(tmp_path, hashes=HASHES, serving=Serving(behind_proxy=True))
    try:
        answer = web.client.post("/login", data={"password": RIGHT}, headers={"X-Forwarded-Proto": "https"})
        session = next(c for c in answer.headers.get_list("set-cookie") if "session" in c)
        assert session.startswith("__Host-hybridd_session=")
        assert "Secure" in session
        assert "Path=/" in session
        value = session.split("=", 1)[1].split(";")[0]
        secure = {"X-Forwarded-Proto": "https", "Cookie": f"__Host-hybridd_session={value}"}
        assert web.client.get("/", headers=secure).status_code == 200
        planted = {"X-Forwarded-Proto": "https", "Cookie": f"hybridd_session={value}"}
        assert web.client.get("/", headers=planted).status_code == 401
    finally:
        web.close()
