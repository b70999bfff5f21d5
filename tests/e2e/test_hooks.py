"""Calls of a provider, end to end: `hybridd run` with its web process keeps them, the watcher checks and obeys them."""

import httpx
import pytest

from tests.e2e.house import Daemon, wait_for
from tests.fakes.twilio import SID, TOKEN, signed_by_twilio
from tests.unit.dashboard.test_serve import free_port

pytestmark = pytest.mark.xdist_group("daemon")

PHONE, PUBLIC = "+4915112345678", "https://hybridd.example.org"
SETTINGS = f"""
[monitor]
symbols = ["BTC/USDT"]
timeframe = "1s"
settle_seconds = 0
[market]
source = "simulated"
[alerts]
score_jump = 0.01
cooldown = "0s"
flapping_turns = 0
rate = 0
[sms]
enabled = true
account_sid = "{SID}"
auth_token = {{env = "TWILIO_SECRET"}}
from_number = "+15005550006"
to_number = "{PHONE}"
[dashboard]
public_url = "{PUBLIC}"
port = """
NOWHERE = "http://127.0.0.1:1"
"""Twilio itself is asked by a way that ends at once."""


@pytest.fixture
def daemon(tmp_path):
    port = free_port()
    environ = {"HYBRIDD_DASHBOARD__ENABLED": "true", "TWILIO_SECRET": TOKEN, "HTTPS_PROXY": NOWHERE}
    with Daemon(tmp_path, f"{SETTINGS}{port}\n", environ) as made:
        made.url = f"http://127.0.0.1:{port}"
        yield made


def call(daemon, text, token=TOKEN, number="SM1"):
    form = {"MessageSid": number, "From": PHONE, "To": "+15005550006", "Body": text, "FromCity": ""}
    signature = signed_by_twilio(f"{PUBLIC}/hooks/twilio/sms", form, token)
    address = f"{daemon.url}/hooks/twilio/sms"
    return httpx.post(address, data=form, headers={"X-Twilio-Signature": signature}, timeout=10).status_code


def is_up(daemon):
    try:
        return httpx.get(f"{daemon.url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_an_sms_that_twilio_brings_acknowledges_and_a_forged_one_does_nothing(daemon):
    daemon.start()
    wait_for(lambda: is_up(daemon))
    [[alert], *_] = wait_for(lambda: daemon.rows("SELECT id FROM alerts WHERE state = 'firing'"))
    assert call(daemon, f"ACK {alert}", token="a guess") == 200
    assert wait_for(lambda: daemon.rows("SELECT outcome FROM inbox WHERE state = 'ignored'")) == [
        ("refused: Twilio did not sign it",)
    ]
    assert daemon.rows("SELECT state FROM alerts WHERE id = ?", alert) == [("firing",)]
    assert daemon.count("audit", "action = 'hook.refused'") == 1
    assert call(daemon, f"ACK {alert}") == 200
    wait_for(lambda: daemon.rows("SELECT state FROM alerts WHERE id = ?", alert) == [("acked",)])
    assert call(daemon, f"ACK {alert}") == 200, "Twilio may call twice"
    assert daemon.count("inbox") == 2
    assert daemon.stop() == 0
