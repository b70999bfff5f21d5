"""What the daemon that is tried and the services share: accounts, keys, a device. Made anew for each run."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hybridd.delivery.vapid import new_keys
from hybridd.selftest.names import BROWSERS, LOGIN

TWILIO_ACCOUNT, TWILIO_TOKEN = "AC" + "0123456789abcdef" * 2, "a-token-of-the-self-test"
VONAGE_KEY, VONAGE_SECRET = "selftest", "a-secret-of-the-self-test"
BOT_TOKEN, CHAT = "123456:a-bot-of-the-self-test", "-100777"
HOOK_SECRET, MAIL_USER, MAIL_PASSWORD = "both know it", "somebody", "nobody shall know it"
PROJECT, DEVICE = "selftest", "dGhl-ZGV2aWNl"
SENDER, PHONE = "+15005550006", "+4915112345678"
ENDPOINT_PATH = "/wpush/v2/selftest"
_AUTH = bytes(range(16))

Place = Mapping[str, str]
"""What a lane's settings need to know, as plain text: it travels to the daemon with each order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Props:
    """The secrets of one run. `place` is what the daemon is told of them."""

    browser: ec.EllipticCurvePrivateKey
    auth: bytes
    place: Place


def make_props(folder: Path) -> Props:
    """Make them; the key file of the service account lies in `folder`."""
    browser = ec.generate_private_key(ec.SECP256R1())
    point = browser.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": _text(point), "auth": _text(_AUTH)}
    subscription = {"endpoint": f"https://{BROWSERS}{ENDPOINT_PATH}", "keys": keys}
    account = folder / "service-account.json"
    account.write_text(json.dumps(_account()), encoding="utf-8")
    place = {"account": str(account), "subscription": json.dumps(subscription), "vapid": new_keys().private}
    return Props(browser=browser, auth=_AUTH, place=place)


def _account() -> dict[str, str]:
    """The key file that Firebase's console gives."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "k1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": f"watch@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"https://{LOGIN}/token",
    }


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
