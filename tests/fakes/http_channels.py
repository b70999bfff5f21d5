"""The far ends of the HTTP channels, for the providers' house: a browser, Telegram's API, a webhook's receiver."""

import base64
import json
from email import message_from_bytes
from email.policy import HTTP

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hybridd.clock import ManualClock
from hybridd.delivery.telegram import TelegramChannel
from hybridd.delivery.vapid import new_keys
from hybridd.delivery.web_push import WebPushChannel
from hybridd.delivery.webhook import WebhookChannel
from tests.fakes.providers import Reply, Request, Shown

NOW = 1_763_823_310_000
MOZILLA, APPLE = "updates.push.services.mozilla.com", "web.push.apple.com"
TELEGRAM, HOOKS = "api.telegram.org", "hooks.example.org"
TOKEN, CHAT = "123456:AAF_a-token-that-nobody-may-see", "-100777"
HOOK_URL, HOOK_SECRET = f"https://{HOOKS}/in/a-path-that-nobody-may-see?key=nor-this", "a secret that both know"
CONTACT = "mailto:night@example.org"
KEYS = new_keys()


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Browser:
    """One that subscribed, and can read what was sealed for it."""

    def __init__(self, host: str = MOZILLA, number: int = 1) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = bytes(range(number, number + 16))
        self.endpoint = f"https://{host}/wpush/v2/capability-{number}"

    @property
    def subscription(self) -> str:
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": base64url(point), "auth": base64url(self._auth)}
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": keys})

    def read(self, body: bytes) -> dict:
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        return json.loads(plain)

    def service(self, request: Request) -> Reply:
        """The push service of this one browser: what it takes, the browser shows, a tag replacing its like."""
        if request.method != "POST":
            return Reply(status=404)
        value = self.read(request.body)
        shown = Shown(host=request.host, to=request.path, text=value["title"], key=value["tag"], data=value)
        return Reply(status=201, headers={"Location": f"https://{request.host}/m/1"}, shown=(shown,))


class Telegram:
    """The Bot API, as far as it is used: one bot, one chat, and `updates` that wait to be read."""

    def __init__(self) -> None:
        self.updates: list[dict] = []
        self.answered: list[str] = []
        self._number = 0

    def serve(self, request: Request) -> Reply:
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if token != TOKEN:
            return Reply(status=404, json={"ok": False, "error_code": 404, "description": "Not Found"})
        return getattr(self, f"_{method}")(request)

    def _yes(self, result, *shown: Shown) -> Reply:
        return Reply(json={"ok": True, "result": result}, shown=shown)

    def _getMe(self, request):
        return self._yes({"id": 123456, "is_bot": True, "username": "hybridd_bot"})

    def _getChat(self, request):
        if request.json["chat_id"] == CHAT:
            return self._yes({"id": int(CHAT), "type": "supergroup"})
        return Reply(status=400, json=problem(400, "Bad Request: chat not found"))

    def _sendMessage(self, request):
        return self._shown(request.json, request.json["text"])

    def _sendPhoto(self, request):
        values = form(request)
        assert values["photo"].startswith(b"\x89PNG")
        values = {name: value.decode() for name, value in values.items() if name != "photo"}
        if "reply_markup" in values:
            values["reply_markup"] = json.loads(values["reply_markup"])
        return self._shown(values | {"photo": True}, values["caption"])

    def _shown(self, values, text):
        assert 0 < len(text) <= 4096
        self._number += 1
        shown = Shown(host=TELEGRAM, to=values["chat_id"], text=text, data=values)
        return self._yes({"message_id": self._number, "date": NOW // 1000}, shown)

    def _getUpdates(self, request):
        offset = request.json["offset"]
        return self._yes([update for update in self.updates if update["update_id"] >= offset])

    def _answerCallbackQuery(self, request):
        self.answered.append(request.json["callback_query_id"])
        return self._yes(True)


def problem(code: int, words: str, **parameters) -> dict:
    """How Telegram says no."""
    found = {"ok": False, "error_code": code, "description": words}
    return found | ({"parameters": parameters} if parameters else {})


def form(request: Request) -> dict[str, bytes]:
    """The parts of a form with a file in it."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.body, policy=HTTP).iter_parts()
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}


def receiver(request: Request) -> Reply:
    """Who takes webhooks: 202, and the title is shown."""
    if request.method != "POST":
        return Reply(status=405)
    key = request.headers["idempotency-key"]
    value = request.json
    return Reply(
        status=202, shown=(Shown(host=request.host, to=request.path, text=value["title"], key=key, data=value),)
    )


def web_push(*browsers: Browser, **changes) -> WebPushChannel:
    settings = {
        "private_key": KEYS.private,
        "contact": CONTACT,
        "subscriptions": lambda: [browser.subscription for browser in browsers],
        "clock": ManualClock(NOW),
        "timeout": 5.0,
    }
    return WebPushChannel(**(settings | changes))


def telegram(**changes) -> TelegramChannel:
    settings = {"bot_token": TOKEN, "chat_id": CHAT, "clock": ManualClock(NOW), "timeout": 5.0, "listen_s": 0}
    return TelegramChannel(**(settings | changes))


def webhook(**changes) -> WebhookChannel:
    settings = {"name": "ops", "url": HOOK_URL, "secret": HOOK_SECRET, "clock": ManualClock(NOW), "timeout": 5.0}
    return WebhookChannel(**(settings | changes))
