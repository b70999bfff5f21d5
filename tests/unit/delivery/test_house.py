"""The providers' house does what its acts say, for the libraries that hybridd uses, and lets nobody out."""

import socket

import httpx
import pytest
import requests

from tests.fakes import providers as play

HOST = "api.twilio.com"
URL = f"https://{HOST}/x"


def post(**kwargs):
    with requests.Session() as session:
        return session.post(URL, data={"Body": "hello"}, timeout=kwargs.get("timeout", 5))


@pytest.mark.parametrize("library", [requests, httpx], ids=["requests", "httpx"])
def test_a_real_name_is_answered_over_real_tls(house, library):
    answer = library.post(URL, data={"Body": "hello"}, timeout=5)
    assert answer.status_code == 200
    [asked] = house.asked(HOST, "POST")
    assert asked.form == {"Body": "hello"}
    assert [shown.text for shown in house.phone] == ["Body=hello"]


@pytest.mark.parametrize("place", ["example.org", "192.0.2.7", "2001:db8::1"])
def test_everybody_else_is_unknown(house, place):
    with pytest.raises(OSError, match="not known"):
        socket.create_connection((place, 443), timeout=1)
    assert house.strangers == [place]


def test_without_the_house_nobody_is_reached():
    with pytest.raises(requests.exceptions.ConnectionError, match="not known"):
        requests.get(URL, timeout=1)


def test_acts_come_one_a_request_and_then_the_usual(house):
    house.play(HOST, play.status(503, headers={"Retry-After": "7"}), play.ok(201, {"sid": "SM1"}), play.garbage())
    answers = [post() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 201, 200, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[1].json() == {"sid": "SM1"}
    assert "html" in answers[2].text
    assert len(house.phone) == 3


@pytest.mark.parametrize(
    ("act", "error", "taken"),
    [
        (play.drop_before(), requests.exceptions.ConnectionError, 0),
        (play.accept_then_drop(), requests.exceptions.ConnectionError, 1),
        (play.accept_then_drop(taken=False), requests.exceptions.ConnectionError, 0),
        (play.half_body(), requests.exceptions.ChunkedEncodingError, 1),
        (play.slow(), requests.exceptions.ReadTimeout, 1),
        (play.slow(taken=False), requests.exceptions.ReadTimeout, 0),
        (play.drop_handshake(), requests.exceptions.ConnectionError, 0),
        (play.silent_handshake(), requests.exceptions.Timeout, 0),
        (play.wrong_certificate(), requests.exceptions.SSLError, 0),
        (play.unknown_authority(), requests.exceptions.SSLError, 0),
        (play.no_name(), requests.exceptions.ConnectionError, 0),
        (play.refused(), requests.exceptions.ConnectionError, 0),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_each_act_is_seen_by_the_client_and_in_the_ledger(house, act, error, taken):
    house.serve(HOST, lambda request: play.Reply(json={"a": "b" * 50}, shown=play._usual(request).shown))
    house.play(HOST, act)
    with pytest.raises(error):
        post(timeout=0.3)
    assert len(house.phone) == taken
    assert post().status_code == 200
