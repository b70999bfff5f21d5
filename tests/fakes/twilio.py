"""Twilio's API as far as messages go, for the providers' house: it keeps them, lists them, tells their fate."""

import base64
import hmac
import itertools
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from tests.fakes.providers import House, Reply, Request, Shown

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "auth-token-of-the-account"
SENDER = "+15005550006"
HOST = "api.twilio.com"


@dataclass
class FakeTwilio:
    """The account. `now`: its clock, seconds UTC; `messages`: as its API shows them, newest first."""

    house: House
    now: float = 1_763_823_310.0
    status: str = "active"
    messages: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self.house.serve(HOST, self.answer)

    def answer(self, request: Request) -> Reply:
        """What the API answers."""
        base = f"/2010-04-01/Accounts/{SID}"
        if request.headers.get("authorization") != _basic():
            return refusal(401, 20003, "Authenticate")
        if request.path == f"{base}.json":
            return Reply(json=self._account())
        if request.path == f"{base}/Messages.json":
            return self._make(request.form) if request.method == "POST" else self._list(request.query)
        found = [m for m in self.messages if request.path == f"{base}/Messages/{m['sid']}.json"]
        return Reply(json=found[0]) if found else refusal(404, 20404, f"The requested resource {request.path} was not")

    def becomes(self, sid: str, status: str, code: int | None = None, words: str | None = None) -> None:
        """Let something become of a message."""
        made = next(m for m in self.messages if m["sid"] == sid)
        made |= {"status": status, "error_code": code, "error_message": words, "date_updated": self._date()}

    def _make(self, form: dict[str, str]) -> Reply:
        sid = f"SM{next(self._numbers):032x}"
        made = {
            "account_sid": SID,
            "api_version": "2010-04-01",
            "body": form["Body"],
            "date_created": self._date(),
            "date_sent": self._date(),
            "date_updated": self._date(),
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": str(-(-len(form["Body"]) // 160)),
            "price": None,
            "price_unit": "USD",
            "sid": sid,
            "status": "queued",
            "subresource_uris": {"media": f"/2010-04-01/Accounts/{SID}/Messages/{sid}/Media.json"},
            "to": form["To"],
            "uri": f"/2010-04-01/Accounts/{SID}/Messages/{sid}.json",
        }
        self.messages.insert(0, made)
        return Reply(
            status=201, json=dict(made), shown=(Shown(host=HOST, to=form["To"], text=form["Body"], data=form),)
        )

    def _list(self, query: dict[str, str]) -> Reply:
        fits = [
            made
            for made in self.messages
            if query.get("To") in (None, made["to"]) and query.get("From") in (None, made["from"])
        ]
        uri = f"/2010-04-01/Accounts/{SID}/Messages.json"
        page = {"end": len(fits), "first_page_uri": uri, "next_page_uri": None, "page": 0, "page_size": 50}
        page |= {"previous_page_uri": None, "start": 0, "uri": uri, "messages": fits}
        return Reply(json=page)

    def _account(self) -> dict[str, Any]:
        dates = {"date_created": self._date(), "date_updated": self._date()}
        about = {"friendly_name": "night", "owner_account_sid": SID, "sid": SID, "status": self.status, "type": "Full"}
        return {
            **dates,
            **about,
            "auth_token": TOKEN,
            "subresource_uris": {},
            "uri": f"/2010-04-01/Accounts/{SID}.json",
        }

    def _date(self) -> str:
        return formatdate(self.now)


def refusal(status: int, code: int, words: str) -> Reply:
    """An error in Twilio's usual form."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status=status, json={"code": code, "message": words, "more_info": more, "status": status})


def _basic() -> str:
    from requests.auth import _basic_auth_str

    return _basic_auth_str(SID, TOKEN)


def signed_by_twilio(url: str, form: dict[str, str], token: str = TOKEN) -> str:
    """What Twilio puts into X-Twilio-Signature (twilio.com/docs/usage/security)."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), "sha1").digest()).decode()
