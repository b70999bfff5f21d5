"""The second factor: the published numbers, each code once, and ten that are written down."""

import re
from contextlib import closing

import pytest

from hybridd.dashboard import second_factor
from hybridd.dashboard.account_pages import picture
from hybridd.dashboard.one_time_codes import address, bytes_of, hotp, matching_step, new_secret, step_of
from hybridd.dashboard.roles import Role
from tests.makers import T0
from tests.unit.dashboard.test_login import HASHES, RIGHT, client, csrf_of, log_in
from tests.unit.dashboard.web import Web

SECRET = b"12345678901234567890"


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, hashes=HASHES)
    yield made
    made.close()


COUNTED = ("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489")


@pytest.mark.parametrize(("count", "code"), list(enumerate(COUNTED)))
def test_codes_by_count_are_those_of_rfc_4226(count, code):
    assert hotp(SECRET, count) == code


LONG = {"sha1": 20, "sha256": 32, "sha512": 64}
TIMED = (
    (59, "94287082", "46119246", "90693936"), (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"), (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"), (20000000000, "65353130", "77737706", "47863826"),
)  # fmt: skip


@pytest.mark.parametrize(("seconds", "sha1", "sha256", "sha512"), TIMED)
def test_codes_by_time_are_those_of_rfc_6238(seconds, sha1, sha256, sha512):
    for algorithm, code in (("sha1", sha1), ("sha256", sha256), ("sha512", sha512)):
        key = (SECRET * 4)[: LONG[algorithm]]
        assert hotp(key, step_of(seconds * 1000), 8, algorithm) == code


def test_a_code_counts_a_step_early_and_late_and_never_twice():
    now = 1_234_567_890_000
    code = hotp(SECRET, step_of(now))
    for shift, right in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        assert (matching_step(SECRET, code, now + shift * 1000) is not None) is right
    assert matching_step(SECRET, code, now, after=step_of(now)) is None
    assert matching_step(SECRET, "", now) is None
    assert matching_step(SECRET, "ü12345", now) is None


def test_a_secret_is_what_apps_take():
    secret = new_secret()
    assert re.fullmatch(r"[A-Z2-7]{32}", secret)
    assert len(bytes_of(secret)) == 20
    assert [bytes_of(wrong) for wrong in ("", "A", "1" * 32, "A" * 64, "ü")] == [None] * 5
    assert address(secret, "trader").startswith(f"otpauth://totp/hybridd:trader?secret={secret}&issuer=hybridd")


def test_the_picture_is_a_code_of_that_text():
    import segno

    width, path = picture("otpauth://x")
    code = segno.make("otpauth://x", error="m", micro=False)
    assert width == len(code.matrix) + 8
    assert path.count("M") == sum(sum(row) for row in code.matrix)
    assert re.fullmatch(r"(M\d+ \d+h1v1h-1z)+", path)


def code_of(secret, web):
    return hotp(bytes_of(secret), step_of(web.house.clock.now()))


def enrol(web, mine, password=RIGHT):
    shown = mine.get("/account/second-factor").text
    secret = re.search(r'name="secret" value="(\w+)"', shown)[1]
    fields = {"csrf": csrf_of(mine), "secret": secret, "password": password, "code": code_of(secret, web)}
    answer = mine.post("/account/second-factor", data=fields)
    return secret, answer, re.findall(r"<code>(\w{5}-\w{5})</code>", answer.text)


def test_a_login_asks_for_the_code_and_takes_each_once(web):
    with closing(client(web)) as mine:
        log_in(mine)
        secret, answer, codes = enrol(web, mine)
        assert (answer.status_code, len(codes)) == (200, 10)
    with closing(client(web)) as mine:
        assert 'name="code"' in mine.get("/login").text
        assert log_in(mine).status_code == 403, "the password alone is not enough"
        assert log_in(mine, code=code_of(secret, web)).status_code == 403, "this one has been used to enrol"
        web.house.clock.advance(30_000)
        code = code_of(secret, web)
        assert log_in(mine, "wrong", code=code).status_code == 403
        assert log_in(mine, code=f" {code[:3]} {code[3:]} ").status_code == 303
        assert log_in(mine, code=code).status_code == 403
    with closing(client(web)) as viewer:
        assert log_in(viewer, "only my eyes").status_code == 303, "another role has a factor of its own"


def test_a_written_code_works_once(web):
    with closing(client(web)) as mine:
        log_in(mine)
        _, _, codes = enrol(web, mine)
        assert log_in(mine, code=codes[3].upper().replace("-", " ")).status_code == 303
        assert log_in(mine, code=codes[3]).status_code == 403
        assert second_factor.factor(web.store, "trader").left == 9
        assert all(code.replace("-", "") not in repr(web.dump()) for code in codes)


def test_a_browser_left_open_is_not_enough_to_change_it(web):
    with closing(client(web)) as mine:
        log_in(mine)
        assert enrol(web, mine, password="guess")[1].status_code == 400
        assert second_factor.factor(web.store, "trader") is None
        _, _, codes = enrol(web, mine)
        csrf = csrf_of(mine)
        for fields in ({"password": "guess", "code": codes[0]}, {"password": RIGHT, "code": "000000"}):
            assert mine.post("/account/second-factor/remove", data={"csrf": csrf, **fields}).status_code == 403
        gone = mine.post("/account/second-factor/remove", data={"csrf": csrf, "password": RIGHT, "code": codes[0]})
        assert gone.status_code == 200
        assert second_factor.factor(web.store, "trader") is None
        assert log_in(mine).status_code == 303


def test_a_secret_that_is_none_begins_anew(web):
    with closing(client(web)) as mine:
        log_in(mine)
        fields = {"csrf": csrf_of(mine), "secret": "x", "password": RIGHT, "code": "123456"}
        answer = mine.post("/account/second-factor", data=fields)
        assert answer.status_code == 400
        assert re.search(r'name="secret" value="\w{32}"', answer.text)
        fields["secret"] = new_secret()
        assert "not the code" in mine.post("/account/second-factor", data=fields).text


def test_whoever_has_lost_everything_is_helped_on_the_machine(web):
    secret = new_secret()
    assert second_factor.enrol(web.store, Role.TRADER, secret, hotp(bytes_of(secret), step_of(T0)), T0)
    assert not second_factor.passes(web.store, "trader", "", T0)
    assert second_factor.remove(web.store, "trader", "cli:me", T0)
    assert second_factor.passes(web.store, "trader", "", T0)
    assert not second_factor.remove(web.store, "trader", "cli:me", T0)
