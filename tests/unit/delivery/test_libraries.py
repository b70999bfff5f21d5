"""What the providers' libraries do when left to themselves: why ours are told otherwise. A new version may differ."""

import json
import subprocess
import sys

import firebase_admin
import pytest
import requests
import vonage_http_client
import vonage_sms
from firebase_admin import credentials, messaging
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from hybridd.delivery.attempt import attempt, broken_off
from hybridd.delivery.wire import wire
from tests.fakes import firebase as fcm
from tests.fakes import providers as play
from tests.fakes import twilio, vonage


@pytest.fixture
def slept(monkeypatch):
    seconds = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


def test_twilio_waits_for_ever_unless_told(house):
    assert TwilioHttpClient().timeout is None


def test_twilio_makes_a_second_message_of_the_same_words(house):
    account = twilio.FakeTwilio(house)
    http = TwilioHttpClient(timeout=5)
    client = Client(twilio.SID, twilio.TOKEN, http_client=http)
    made = {client.messages.create(to="+491", from_=twilio.SENDER, body="x").sid for _ in range(2)}
    http.session.close()
    assert len(made) == len(account.messages) == 2


def test_twilio_has_three_ways_to_fail(house):
    twilio.FakeTwilio(house)
    newer = {"type": "https://x", "title": "no", "status": 400, "code": 21211}
    house.play(twilio.HOST, play.status(400, {"code": 21211}), play.status(400, newer), play.garbage(code=201))
    http = TwilioHttpClient(timeout=5)
    client = Client(twilio.SID, twilio.TOKEN, http_client=http)
    for error in (TwilioRestException, TwilioServiceException, json.JSONDecodeError):
        with pytest.raises(error):
            client.messages.create(to="+491", from_=twilio.SENDER, body="x")
    http.session.close()
    assert len(house.phone) == 1, "the last one was taken"


@pytest.mark.parametrize(("options", "copies"), [({}, 10), ({"pool_maxsize": 1, "max_retries": 0}, 1)], ids=str)
def test_vonage_sends_again_when_the_connection_breaks_after_the_message(house, options, copies):
    vonage.FakeVonage(house)
    house.play(vonage.HOST, *[play.accept_then_drop()] * 20)
    auth = vonage_http_client.Auth(api_key=vonage.KEY, api_secret=vonage.SECRET)
    client = vonage_http_client.HttpClient(auth, vonage_http_client.HttpClientOptions(timeout=5, **options))
    with pytest.raises(requests.exceptions.ConnectionError):
        vonage_sms.Sms(client).send(vonage_sms.SmsMessage(to="491511234567", from_="49151", text="x"))
    client._session.close()
    assert len(house.phone) == copies


@pytest.fixture
def app(house, tmp_path):
    fcm.FakeFirebase(house, {"device"})
    certificate = credentials.Certificate(str(fcm.service_account(tmp_path / "key.json")))
    made = firebase_admin.initialize_app(certificate, {"httpTimeout": 5}, name="as it comes")
    yield made
    firebase_admin.delete_app(made)
    fcm.settle()


@pytest.mark.parametrize(
    ("status", "headers", "posts", "seconds"), [(429, {"Retry-After": "60"}, 5, 240), (503, {}, 5, 7)]
)
def test_firebase_sends_five_times_and_sleeps_in_between(house, app, slept, status, headers, posts, seconds):
    house.play(fcm.HOST, *[play.status(status, {}, headers=headers)] * 9)
    with pytest.raises(firebase_admin.exceptions.FirebaseError):
        messaging.send(messaging.Message(data={"a": "b"}, fid="device"), app=app)
    assert len(house.asked(fcm.HOST)) == posts
    assert sum(slept) == pytest.approx(seconds, abs=1)


def test_firebase_keeps_its_session_where_it_can_be_told_to_try_once(app):
    session = messaging._get_messaging_service(app)._client.session
    assert isinstance(session, requests.Session)
    assert session.get_adapter("https://fcm.googleapis.com/v1").max_retries.total != 0
    wire(session, "http://", "https://fcm.googleapis.com")
    assert {adapter.max_retries.total for adapter in session.adapters.values()} == {0}
    assert all(isinstance(adapter, HTTPAdapter) for adapter in session.adapters.values())


def test_firebase_warns_of_tokens_that_it_is_given():
    with pytest.warns(DeprecationWarning, match="fid"):
        messaging.Message(token="device")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_either_name_says_whom_to_trust(house, monkeypatch, name):
    for other in {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} - {name}:
        monkeypatch.delenv(other, raising=False)
    with requests.Session() as session:
        wire(session)
        assert session.get("https://api.twilio.com/", timeout=5).status_code == 200


def test_nobody_follows_a_redirect_with_a_message_in_hand(house):
    house.play("api.twilio.com", play.status(307, headers={"Location": "https://hooks.example.org/"}))
    with requests.Session() as session:
        wire(session)
        with pytest.raises(requests.exceptions.TooManyRedirects):
            session.post("https://api.twilio.com/", data={"Body": "x"}, timeout=5)
    assert not house.asked("hooks.example.org")


def test_the_start_waits_for_none_of_these_libraries():
    heavy = {"requests", "twilio", "vonage_sms", "vonage_http_client", "firebase_admin", "google.auth"}
    code = f"import sys, hybridd.app, hybridd.channels; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_proxy_changes_nothing_of_what_is_noted(house, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with requests.Session() as session:
        wire(session)
        tried = attempt(lambda: session.get("https://api.twilio.com/", timeout=5), 5)
    assert not tried.call.written
    assert broken_off(tried, "api.twilio.com").detail == "api.twilio.com refuses connections"
