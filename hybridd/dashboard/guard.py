"""The guard at the door: headers, host names, sizes, patience and pace. Each is one layer around the application."""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hybridd.dashboard.pages import fault
from hybridd.dashboard.rates import Rates, asker_of
from hybridd.errors import StoreError

log = logging.getLogger("hybridd.dashboard")

LARGEST_HEAD = 16 * 1024
LARGEST_BODY = 16 * 1024
BODY_PATIENCE_S = 10.0
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
    # The address of an answer page is a secret and must not travel; forms elsewhere must say where they come from.
    "referrer-policy": "same-origin",
}
LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
SECRET_PATHS = ("/a/", "/login/")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass(slots=True, kw_only=True)
class Activity:
    """What the process has in hand: it ends by itself when that is nothing, for long enough.

    `at_end`: what to tell when it ends, so that nobody is held who would stay.
    """

    busy: int = 0
    last: float = 0.0
    at_end: list[Callable[[], None]] = field(default_factory=list)


def sealed(app: ASGIApp) -> ASGIApp:
    """Put the headers on every answer; one that sets its own keeps it."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                there = {name.lower() for name, _ in headers}
                wanted = {**HEADERS, **({"referrer-policy": "no-referrer"} if is_secret(scope) else {})}
                headers += [(k.encode(), v.encode()) for k, v in wanted.items() if k.encode() not in there]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, sending)

    return layer


def watched(app: ASGIApp, activity: Activity) -> ASGIApp:
    """Count what is in hand, write a line a request, and let no defect out; addresses that are secrets stay out."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        begun, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        activity.busy += 1
        try:
            await app(scope, receive, sending)
        except Exception as error:  # the worker shell: one bad request must not end the others
            # The state's own errors have their one line; anything else is a defect and needs its traceback.
            log.error("the request failed: %s", error, exc_info=None if isinstance(error, StoreError) else error)
            if not status:
                await _failed(error)(scope, receive, sending)
        finally:
            activity.busy, activity.last = activity.busy - 1, time.monotonic()
            took = (activity.last - begun) * 1000
            log.info("%s %s %d, %.0f ms, %s", scope["method"], told_path(scope), status, took, address_of(scope))

    return layer


def hosted(app: ASGIApp, hosts: frozenset[str]) -> ASGIApp:
    """Answer only to our own names: a page of somebody else's whose name leads here must not get in."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(named) == 1 and host_of(named[0]) in hosts:
            await app(scope, receive, send)
            return
        text = "Set dashboard.public_url to the address by which you reach hybridd."
        await fault(Request(scope), 421, "hybridd does not know itself by this name", text)(scope, receive, send)

    return layer


def paced(app: ASGIApp, rates: Rates) -> ASGIApp:
    """Let nobody ask without end."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        kind = "hook" if scope["path"].startswith("/hooks/") else "page"
        if rates.take(kind, asker_of(address_of(scope))):
            await app(scope, receive, send)
        else:
            await too_often(Request(scope))(scope, receive, send)

    return layer


def sized(app: ASGIApp, largest: int = LARGEST_BODY, patience_s: float = BODY_PATIENCE_S) -> ASGIApp:
    """Read the body before anybody works on the request: no larger than this, and no slower."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        # The server's own limit is only for heads that come in pieces.
        if len(scope["path"]) + sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEAD:
            close = {"connection": "close"}
            await fault(Request(scope), 431, "That is too much", "Send less.", close)(scope, receive, send)
            return
        if {name for name, _ in scope["headers"]} >= LENGTHS:
            # Whoever stands before us may go by the other one, and take for a second request what is a body.
            close, text = {"connection": "close"}, "Say how long it is in one way."
            await fault(Request(scope), 400, "That cannot be read", text, close)(scope, receive, send)
            return
        try:
            async with asyncio.timeout(patience_s):
                body = await _body(receive, largest)
        except TimeoutError:
            close = {"connection": "close"}
            await fault(Request(scope), 408, "That took too long", "Try again.", close)(scope, receive, send)
            return
        if body is None:
            close = {"connection": "close"}
            text = f"No form of hybridd is larger than {largest // 1024} KiB."
            await fault(Request(scope), 413, "That is too much", text, close)(scope, receive, send)
            return
        await app(scope, once(body, receive), send)

    return layer


async def _body(receive: Receive, largest: int) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)  # whoever asked has gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > largest:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def once(body: bytes, receive: Receive) -> Receive:
    """What reads a body that has been read already, and then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def too_often(request: Request) -> Response:
    """The answer to somebody who asks too often."""
    return fault(request, 429, "That was too often", "Wait a minute, then try again.", {"retry-after": "60"})


def _failed(error: Exception) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if isinstance(error, StoreError):
            response = fault(
                request, 503, "The state cannot be used right now", "Try again in a moment.", {"retry-after": "5"}
            )
        else:
            response = fault(request, 500, "hybridd met an error that it does not know", "The journal has the details.")
        await response(scope, receive, send)

    return answer


def address_of(scope: Scope) -> str:
    """Where a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "local"


def is_here(request: Request) -> bool:
    """Whether somebody on this very machine asks, and no proxy for somebody else."""
    try:
        local = ipaddress.ip_address(address_of(request.scope)).is_loopback
    except ValueError:
        return False
    return local and not any(name in request.headers for name in FORWARDED)


def is_secret(scope: Scope) -> bool:
    """Whether the address itself lets somebody in."""
    return bool(scope["path"].startswith(SECRET_PATHS))


def told_path(scope: Scope) -> str:
    """The path as the journal may have it."""
    path = str(scope["path"])
    secret = next((start for start in SECRET_PATHS if path.startswith(start)), None)
    # What is typed into an address must not forge a line, nor colour one.
    return (
        f"{secret}…" if secret else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in path[:200])
    )


def host_of(value: str) -> str:
    """The name in a Host header, without its port; "" for what is none."""
    value = value.strip().lower()
    if value.startswith("["):
        name, bracket, rest = value[1:].partition("]")
        return name if bracket and (not rest or (rest[0] == ":" and rest[1:].isdecimal())) else ""
    name, colon, port = value.partition(":")
    return name.removesuffix(".") if not colon or port.isdecimal() else ""
