"""The providers of the self-test: what each of them answers, and what it puts on somebody's device."""

import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from hybridd.selftest import names, props
from hybridd.selftest.ledger import Copy, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in; names of `headers` in lower case."""

    host: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body as a web form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What comes back."""

    status: int = 200
    value: Mapping[str, Any] = field(default_factory=dict)


REFUSED = Answer(status=401, value={"code": 20003, "message": "Authenticate"})
UNKNOWN = Answer(status=404)
NEWEST = 900


class Providers:
    """All of them. Each keeps what it has taken in the ledger, the way its reader would see it."""

    def __init__(self, ledger: Ledger, made: props.Props) -> None:
        self._ledger, self._props = ledger, made
        self._sms: list[dict[str, Any]] = []
        self._desks: Mapping[str, Callable[[Request], Answer]] = {
            names.TWILIO: self._twilio,
            names.VONAGE: self._vonage,
            names.TELEGRAM: self._telegram,
            names.FIREBASE: self._firebase,
            names.LOGIN: lambda _: Answer(value={"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"}),
            names.REGIONS: lambda _: Answer(value={"locations": ["eu"], "encodedLocations": "0x1"}),
            names.BROWSERS: self._browsers,
            names.HOOKS: self._webhook,
            names.STAND_IN: self._stand_in,
        }

    def answer(self, request: Request) -> Answer:
        """What the host of the request answers."""
        desk = self._desks.get(request.host)
        return desk(request) if desk else UNKNOWN

    def _keep(self, lane: str, key: str, content: str) -> int:
        return self._ledger.keep(Copy(lane=lane, key=key, content=content))

    def _twilio(self, request: Request) -> Answer:
        base = f"/2010-04-01/Accounts/{props.TWILIO_ACCOUNT}"
        if request.headers.get("authorization") != _basic(props.TWILIO_ACCOUNT, props.TWILIO_TOKEN):
            return REFUSED
        if request.path == f"{base}.json":
            return Answer(value={"sid": props.TWILIO_ACCOUNT, "status": "active", "type": "Full"})
        if request.path == f"{base}/Messages.json" and request.method == "POST":
            made = _sms(base, len(self._sms) + 1, request.form)
            self._sms.append(made)
            self._keep("sms", made["body"], made["body"])
            return Answer(status=201, value=made)
        if request.path == f"{base}/Messages.json":
            # Its clock is not the daemon's: instead of those since an instant it gives the newest, less than a page.
            fits = [sms for sms in reversed(self._sms) if sms["to"] == request.query.get("To")][:NEWEST]
            return Answer(value={"messages": fits, "page": 0, "page_size": 1000, "next_page_uri": None})
        found = [sms for sms in self._sms if request.path == f"{base}/Messages/{sms['sid']}.json"]
        return Answer(value=found[0] | {"status": "delivered"}) if found else Answer(status=404, value={"code": 20404})

    def _vonage(self, request: Request) -> Answer:
        if request.headers.get("authorization") != _basic(props.VONAGE_KEY, props.VONAGE_SECRET):
            return Answer(value={"message-count": "1", "messages": [{"status": "4", "error-text": "Bad Credentials"}]})
        if request.path != "/sms/json":
            return Answer(value={"value": 12.5, "autoReload": False})
        form = request.form
        number = self._keep("sms-vonage", form["client-ref"], form["text"])
        taken = {
            "to": form["to"],
            "message-id": f"0A{number:014X}",
            "status": "0",
            "remaining-balance": "12.46",
            "message-price": "0.0333",
            "network": "26201",
            "client-ref": form["client-ref"],
        }
        return Answer(value={"message-count": "1", "messages": [taken]})

    def _telegram(self, request: Request) -> Answer:
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if token != props.BOT_TOKEN:
            return Answer(status=404, value={"ok": False, "error_code": 404, "description": "Not Found"})
        if method not in {"sendMessage", "sendPhoto"}:
            results: dict[str, Any] = {"getUpdates": [], "getMe": {"id": 1, "is_bot": True}}
            return Answer(value={"ok": True, "result": results.get(method, {"id": int(props.CHAT)})})
        words = request.json["text"] if method == "sendMessage" else _part(request, "caption")
        number = self._keep("telegram", seen(words), seen(words))
        return Answer(value={"ok": True, "result": {"message_id": number, "date": 1}})

    def _firebase(self, request: Request) -> Answer:
        message = request.json["message"]
        if request.headers.get("authorization") != "Bearer ya29" or message.get("token") != props.DEVICE:
            return Answer(status=401, value={"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no"}})
        shown = message["notification"]
        number = self._keep("push", message["android"]["collapse_key"], f"{shown['title']}\n{shown['body']}")
        return Answer(value={"name": f"projects/{props.PROJECT}/messages/{number}"})

    def _browsers(self, request: Request) -> Answer:
        import http_ece

        if request.path != props.ENDPOINT_PATH or not request.headers.get("authorization", "").startswith("vapid "):
            return UNKNOWN
        plain = http_ece.decrypt(
            request.body, private_key=self._props.browser, auth_secret=self._props.auth, version="aes128gcm"
        )
        value = json.loads(plain)
        self._keep("push-web", value["tag"], f"{value['title']}\n{value['body']}")
        return Answer(status=201)

    def _webhook(self, request: Request) -> Answer:
        if request.method != "POST":
            return Answer(status=204)
        signed = request.headers["x-hybridd-timestamp"].encode() + b"." + request.body
        mark = hmac.new(props.HOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mark, request.headers.get("x-hybridd-signature", "")):
            return Answer(status=401)
        self._keep("webhook", request.headers["idempotency-key"], request.json["title"])
        return Answer(status=202)

    def _stand_in(self, request: Request) -> Answer:
        """POST /LANE takes any message, under the reference in it."""
        if request.method == "POST":
            self._keep(request.path.strip("/"), str(request.json["reference"]), request.body.decode())
        return Answer()


def seen(words: str) -> str:
    """What a reader of Telegram sees of its HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", words)).strip()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _sms(base: str, number: int, form: Mapping[str, str]) -> dict[str, Any]:
    sid, now = f"SM{number:032x}", formatdate()
    return {
        "account_sid": props.TWILIO_ACCOUNT,
        "body": form["Body"],
        "date_created": now,
        "date_sent": now,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form["From"],
        "num_segments": "1",
        "sid": sid,
        "status": "queued",
        "to": form["To"],
        "uri": f"{base}/Messages/{sid}.json",
    }


def _part(request: Request, name: str) -> str:
    """One field of a form with a file in it."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts()
    found = [part for part in parts if part.get_param("name", header="content-disposition") == name]
    return str(found[0].get_content()) if found else ""
