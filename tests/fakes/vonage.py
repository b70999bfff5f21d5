"""Vonage's SMS API for the providers' house: status after status under HTTP 200, one a segment."""

import base64
import itertools
from dataclasses import dataclass

from vonage_http_client import Auth

from tests.fakes.providers import Act, House, Reply, Request, Shown, ok, status

KEY, SECRET = "abcd1234", "secret-of-the-account"
HOST = "rest.nexmo.com"


@dataclass
class FakeVonage:
    """The account."""

    house: House

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self.house.serve(HOST, self.answer)

    def answer(self, request: Request) -> Reply:
        """What the API answers."""
        basic = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        good = request.headers.get("authorization") == basic
        if request.path == "/account/get-balance":
            unknown = Reply(status=401, json={"error-code": "401", "error-code-label": "authentication failed"})
            return Reply(json={"value": 12.5, "autoReload": False}) if good else unknown
        if request.path != "/sms/json" or request.method != "POST":
            return Reply(status=404)
        if not good:
            return Reply(json=said(4, "Bad Credentials"))
        form = request.form
        parts = -(-len(form["text"]) // 160)
        taken = [
            {
                "to": form["to"],
                "message-id": f"0A{next(self._numbers):014X}",
                "status": "0",
                "remaining-balance": "12.46",
                "message-price": "0.0333",
                "network": "26201",
                "client-ref": form.get("client-ref", ""),
            }
            for _ in range(parts)
        ]
        shown = Shown(host=HOST, to=form["to"], text=form["text"], key=form.get("client-ref", ""), data=form)
        return Reply(json={"message-count": str(parts), "messages": taken}, shown=(shown,))


def said(code: int, words: str) -> dict[str, object]:
    """A refusal as Vonage has it: under HTTP 200."""
    return {"message-count": "1", "messages": [{"status": str(code), "error-text": words}]}


def refuses(code: int, words: str = "no") -> Act:
    """An act: refused with this status, under HTTP 200."""
    return status(200, said(code, words))


def half_taken(code: int) -> Act:
    """An act: the first segment is taken, the second is not."""
    first = {"to": "4915112345678", "message-id": "0A1", "status": "0", "remaining-balance": "1", "network": "26201"}
    rows = [first, {"status": str(code), "error-text": "no"}]
    return ok(200, {"message-count": "2", "messages": rows})


def signed_by_vonage(fields: dict[str, str], secret: str, method: str = "sha256") -> dict[str, str]:
    """What Vonage calls with when an account's webhooks are signed: the library's own signature of the fields."""
    auth = Auth(api_key=KEY, signature_secret=secret, signature_method=method)
    signed = {**fields, "timestamp": "1763823310"}
    return {**signed, "sig": auth.sign_params(dict(signed))}
