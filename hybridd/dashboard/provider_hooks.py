"""Hooks: what a provider calls us with is kept as it came, for the watcher, who alone can tell whether it is theirs."""

import json
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import MOST_FIELDS, form_of
from hybridd.dashboard.pages import fault
from hybridd.pipeline.hooks import KINDS

SIGNATURES = ("x-twilio-signature", "authorization")
NOTHING_TO_SAY = "<Response/>"


class ProviderHooks:
    """/hooks/…"""

    def __init__(self, desk: Desk, public_url: str) -> None:
        self._desk, self._public_url = desk, public_url.rstrip("/")

    async def take(self, request: Request) -> Response:
        """Keep a call; the same one twice is one. The answer says nothing about whether it was believed."""
        fields = {**await form_of(request), **await _json(request)}
        hooks, path = self._desk.hooks, request.scope["path"]
        assert hooks is not None, "there is no such address without somebody who takes it"
        if not fields:
            return fault(request, 400, "no form and no JSON came", "have the provider call by POST")
        signature = next((request.headers[name] for name in SIGNATURES if name in request.headers), "")
        # Behind a proxy the address that arrives is another than the one that the provider has signed.
        url = f"{self._public_url}{path}" if self._public_url else str(request.url)
        query = request.scope["query_string"].decode("latin-1")
        if self._public_url and query:
            url += f"?{query}"
        await run_in_threadpool(hooks.take, KINDS[path], fields, signature, url, self._desk.clock.now())
        return Response(NOTHING_TO_SAY, media_type="text/xml")


async def _json(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return {}
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or len(found) > MOST_FIELDS:
        return {}
    return {name: str(value) for name, value in found.items() if isinstance(value, str | int | float)}
