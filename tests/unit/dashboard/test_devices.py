"""Devices: a browser registers itself, the watch sends to it, and nobody else learns its address."""

import base64
import json
from contextlib import closing

import pytest

from hybridd.channels import channels_of
from hybridd.config.schema import Settings
from hybridd.config.sections_tell import Push
from hybridd.delivery.vapid import new_keys
from hybridd.pipeline import push_devices
from hybridd.pipeline.push_devices import MOST, Offer, devices, registered, tell_offer, version

POINT = base64.urlsafe_b64encode(b"\x04" + b"p" * 64).decode().rstrip("=")
AUTH = base64.urlsafe_b64encode(b"a" * 16).decode().rstrip("=")


def subscription(number=1):
    keys = {"p256dh": POINT, "auth": AUTH}
    return json.dumps({"endpoint": f"https://push.example.org/send/{number}", "expirationTime": None, "keys": keys})


@pytest.fixture
def client(web):
    with closing(web.log_in()) as made:
        yield made


def csrf(client):
    return client.get("/devices").text.partition('name="csrf" value="')[2].partition('"')[0]


def settings(**push):
    return Settings(push=Push(enabled=True, service="web_push", contact="mailto:a@example.org", **push))


def test_where_nothing_is_pushed_nothing_is_offered(client):
    text = client.get("/devices").text
    assert "No push messages are sent from here." in text
    answer = client.post("/devices", data={"device": subscription()})
    assert answer.status_code == 403


def test_the_watch_tells_its_public_key_and_never_the_other(web, client):
    keys = new_keys()
    channels_of(settings(vapid_private_key=keys.private), web.house.store)
    html = client.get("/devices").text
    assert f'data-key="{keys.public}"' in html
    assert keys.private not in str(web.dump())


def test_a_browser_registers_and_is_sent_to(web, client):
    keys = new_keys()
    channels = channels_of(settings(vapid_private_key=keys.private), web.house.store)
    push = next(channel for channel in channels if channel.name == "push")
    assert push.recipients == ()
    tell_offer(web.house.store, Offer(service="web_push", public_key=keys.public))
    before = version(web.house.store)
    data = {"csrf": csrf(client), "device": subscription()}
    answer = client.post("/devices", data=data, follow_redirects=True)
    assert "This device gets push messages from now on." in answer.text
    assert version(web.house.store) > before
    (device,) = devices(web.house.store)
    assert push.recipients == (device.name,)
    assert device.name in answer.text
    assert POINT not in answer.text
    assert "send/1" not in answer.text
    audit = [row for row in web.house.store.audit.list(10) if row.action == "push.register"]
    assert len(audit) == 1
    assert POINT not in str(audit) + repr(device)
    client.post("/devices", data=data)
    assert len(devices(web.house.store)) == 1
    gone = client.post("/devices/forget", data={"csrf": csrf(client), "name": device.name}, follow_redirects=True)
    assert "That device gets none any more." in gone.text
    assert push.recipients == ()


@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", "[]", '{"endpoint": "http://x/", "keys": {}}', subscription().replace("https", "http"), "[" * 5000,
     subscription().replace(AUTH, "short")],
)  # fmt: skip
def test_what_is_no_subscription_is_refused(web, client, text):
    tell_offer(web.house.store, Offer(service="web_push", public_key="k"))
    answer = client.post("/devices", data={"csrf": csrf(client), "device": text})
    assert answer.status_code == 400
    assert devices(web.house.store) == []


def test_without_the_page_s_own_form_nothing_is_registered(web, client):
    tell_offer(web.house.store, Offer(service="web_push", public_key="k"))
    assert client.post("/devices", data={"device": subscription()}).status_code == 403
    assert client.post("/devices/forget", data={"name": "x"}).status_code == 403
    assert web.client.post("/devices", data={"device": subscription()}).status_code in {401, 403}
    assert devices(web.house.store) == []
    assert client.post("/devices/forget", data={"csrf": csrf(client), "name": "x"}).status_code == 400


def test_devices_have_an_end(web):
    store = web.house.store
    tell_offer(store, Offer(service="web_push", public_key="k"))
    for number in range(MOST):
        push_devices.register(store, subscription(number), "test", number)
    with pytest.raises(push_devices.DataError):
        push_devices.register(store, subscription(MOST), "test", 0)
    push_devices.register(store, subscription(3), "test", 99)
    assert len(registered(store, "web_push")) == MOST
    assert registered(store, "firebase") == ()
    assert registered(None, "web_push") == ()


def test_a_token_of_an_app_is_typed(web, client):
    tell_offer(web.house.store, Offer(service="firebase"))
    token = "cF" + "x" * 40 + ":APA91b-" + "y" * 60
    for text, status in (("no token", 400), (token, 303)):
        answer = client.post("/devices", data={"csrf": csrf(client), "device": text})
        assert answer.status_code == status
    assert registered(web.house.store, "firebase") == (token,)
    assert token not in client.get("/devices").text
