"""Firebase and Google's login for the providers' house: a real service account, checked signatures, one copy a key."""

import itertools
import json
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.providers import Act, House, Reply, Request, Shown, status

PROJECT = "night-watch"
HOST, LOGIN, REGIONS = "fcm.googleapis.com", "oauth2.googleapis.com", "iamcredentials.googleapis.com"
_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


@cache
def private_key() -> rsa.RSAPrivateKey:
    """Made once: it takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(path: Path) -> Path:
    """The file that Firebase's console gives."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "k1",
        "private_key": pem.decode(),
        "client_email": f"watch@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"https://{LOGIN}/token",
    }
    path.write_text(json.dumps(account))
    return path


@dataclass
class FakeFirebase:
    """The project. `devices`: the tokens and installations that are registered."""

    house: House
    devices: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._numbers, self._tokens = itertools.count(1), itertools.count(1)
        self._valid: set[str] = set()
        self.house.serve(HOST, self.answer)
        self.house.serve(LOGIN, self.login)
        # Google's library asks in the background where the account may be used. Nothing depends on the answer.
        self.house.serve(REGIONS, lambda _: Reply(json={"locations": ["eu"], "encodedLocations": "0x1"}))

    def login(self, request: Request) -> Reply:
        """A token for who signs as the service account."""
        import google.auth.jwt

        assertion = request.form["assertion"]
        signed, _, signature = assertion.rpartition(".")
        private_key().public_key().verify(
            google.auth._helpers.padded_urlsafe_b64decode(signature),
            signed.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
        token = f"ya29.{next(self._tokens)}"
        self._valid.add(token)
        return Reply(json={"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def answer(self, request: Request) -> Reply:
        """What messages:send answers."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._valid:
            return refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if request.path != f"/v1/projects/{PROJECT}/messages:send":
            return refusal(404, "NOT_FOUND", "no such project")
        if len(json.dumps(request.json["message"], ensure_ascii=False).encode()) > 4096:
            return refusal(400, "INVALID_ARGUMENT", "Message too big", "INVALID_ARGUMENT")
        message = request.json["message"]
        device = message.get("fid") or message.get("token")
        if device not in self.devices:
            return refusal(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        name = f"projects/{PROJECT}/messages/{next(self._numbers)}"
        if request.json.get("validate_only"):
            return Reply(json={"name": f"projects/{PROJECT}/messages/fake_message_id"})
        text = message["notification"].get("title", "") + "\n" + message["notification"].get("body", "")
        shown = Shown(host=HOST, to=device, text=text, key=message["android"]["collapse_key"], data=message)
        return Reply(json={"name": name}, shown=(shown,))

    @property
    def screen(self) -> dict[tuple[str, str], Shown]:
        """What the devices show: of each key the last copy."""
        return {(shown.to, shown.key): shown for shown in self.house.phone if shown.host == HOST}


def refusal(code: int, name: str, words: str, fcm: str = "", field_name: str = "") -> Reply:
    """An error as Google's APIs have it."""
    details: list[dict[str, Any]] = []
    if field_name:
        violation = {"field": field_name, "description": words}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    if fcm:
        details.append({"@type": _ERROR, "errorCode": fcm})
    return Reply(status=code, json={"error": {"code": code, "message": words, "status": name, "details": details}})


def refuses(code: int, name: str, fcm: str = "", **more: Any) -> Act:
    """An act: refused so."""
    reply = refusal(code, name, more.pop("words", "no"), fcm, more.pop("field_name", ""))
    return status(code, reply.json, **more)


def settle() -> None:
    """Wait for what Google's library asks in the background, before the house closes."""
    for thread in threading.enumerate():
        if type(thread).__name__.startswith("_RegionalAccess"):
            thread.join(5)
