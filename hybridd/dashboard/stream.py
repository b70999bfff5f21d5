"""The stream of events, for pages and programs that want to know at once: server-sent events."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hybridd.dashboard.api_tokens import Scope as May
from hybridd.dashboard.gate import who_of
from hybridd.dashboard.pages import fault
from hybridd.dashboard.tail import Listener, Tail

MOST_STREAMS = 200
BREATH_S = 15.0
"""A comment this often: proxies and telephones close what is silent."""
LIFE_S = 120.0
"""Then the stream ends and the browser comes again: who has been logged out meanwhile stays outside."""
SLOW_S = 30.0
RETRY_MS = 1000
_NUMBER = re.compile(r"[0-9]{1,18}")


class Stream:
    """GET /api/v1/stream"""

    def __init__(self, tail: Tail, life_s: float, most: int) -> None:
        self._tail, self._life_s, self._most = tail, life_s, most

    async def follow(self, request: Request) -> Response | ASGIApp:
        """Everything that happens from now on; with Last-Event-ID (or ?after=) first what has been missed."""
        if May.READ not in who_of(request).scopes:
            return fault(request, 403, "this token may not read", "hybridd dashboard token add NAME --scope read")
        given = request.headers.get("last-event-id") or request.query_params.get("after", "")
        if given and not _NUMBER.fullmatch(given):
            return fault(request, 400, "Last-Event-ID is the number of an event", "leave it out to begin with now")
        if len(self._tail) >= self._most:
            again = {"retry-after": "5"}
            return fault(request, 503, "too many listen already", "close a page, then try again", again)
        return self._answer(int(given) if given else None)

    def _answer(self, seen: int | None) -> ASGIApp:
        async def answer(_: Scope, receive: Receive, send: Send) -> None:
            listener = await self._tail.join()
            watching = asyncio.create_task(_until_gone(receive, listener.leave))
            try:
                # A reader who takes nothing any more does not hold the place for ever.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._life_s + SLOW_S):
                        await self._tell(listener, send, self._tail.newest if seen is None else seen)
            finally:
                self._tail.leave(listener)
                watching.cancel()

        return answer

    async def _tell(self, listener: Listener, send: Send, seen: int) -> None:
        ends = time.monotonic() + self._life_s
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(_part(f"retry: {RETRY_MS}\n\n".encode()))
        while not listener.gone and time.monotonic() < ends:
            listener.news.clear()
            before = seen
            seen, text = await self._tail.since(seen)
            if text:
                await send(_part(text))
            if seen != before:
                continue
            try:
                async with asyncio.timeout(max(0.0, min(BREATH_S, ends - time.monotonic()))):
                    await listener.news.wait()
            except TimeoutError:
                await send(_part(b":\n\n"))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _part(text: bytes) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _until_gone(receive: Receive, gone: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone()


def routes(stream: Stream) -> list[Route]:
    """Where it is."""
    return [Route("/api/v1/stream", stream.follow, methods=["GET"])]
