"""What the delivery tests share: a mail server, a certificate authority, messages and alerts."""

import pytest
import trustme

from hybridd.delivery.email import EmailChannel
from hybridd.model.delivery import Message
from tests.fakes.smtp import PASSWORD, USER, FakeSmtp

RECIPIENT = "night@example.org"


def a_message(**changes) -> Message:
    made = {
        "key": "17:night@example.org:email:0",
        "recipient": RECIPIENT,
        "title": "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00",
        "text": "The signal went from NEUTRAL to LONG.\n",
        "html": "<p>The signal went from NEUTRAL to LONG.</p>",
        "created_at": 1_763_823_300_000,
        "expires_at": 1_763_824_200_000,
        "severity": "warning",
        "fields": {"ALERT_ID": "17", "SYMBOL": "BTC/USDT"},
        "thread": "BTC/USDT",
    }
    return Message(**(made | changes))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority):
    with FakeSmtp(ca=authority) as running:
        yield running


def channel_to(server: FakeSmtp, **changes) -> EmailChannel:
    settings = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "starttls",
        "username": USER,
        "password": PASSWORD,
        "sender": "hybridd@example.org",
        "recipients": (RECIPIENT,),
        "timeout": 5.0,
        "tls_context": server.client_context,
    }
    return EmailChannel(**(settings | changes))
