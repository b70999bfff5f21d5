"""The page of devices: which ones get push messages, and this one too if somebody wants that."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.forms import fields_of
from hybridd.dashboard.gate import who_of
from hybridd.dashboard.language import later
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.pipeline.push_devices import devices, forget, offer_of, register

SAID = {
    "registered": later("This device gets push messages from now on."),
    "forgotten": later("That device gets none any more."),
}


class DevicesRoom:
    """/devices"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def look(self, request: Request) -> Response:
        """GET: the devices there are."""
        return await self._page(request, SAID.get(request.query_params.get("said", ""), ""))

    async def register(self, request: Request) -> Response:
        """POST: this one too."""
        fields = await fields_of(request, Scope.ACK)
        if isinstance(fields, Response):
            return fields
        return await self._do(request, "registered", fields.get("device", "").strip())

    async def forget(self, request: Request) -> Response:
        """POST: one of them no more."""
        fields = await fields_of(request, Scope.ACK)
        if isinstance(fields, Response):
            return fields
        return await self._do(request, "forgotten", fields.get("name", ""))

    async def _do(self, request: Request, what: str, text: str) -> Response:
        desk, act = self._desk, register if what == "registered" else forget
        try:
            await run_in_threadpool(act, desk.store, text, who_of(request).actor, desk.clock.now())
        except DataError as error:
            return await self._page(request, f"{error.message}: {error.remedy}", 400)
        up = "" if request.scope["path"].endswith("/devices") else "../"
        return RedirectResponse(f"{up}devices?said={what}", 303)

    async def _page(self, request: Request, notice: str, status: int = 200) -> Response:
        store = self._desk.store
        return await room(
            request, self._desk, "devices",
            lambda: {"devices": devices(store), "offer": offer_of(store), "notice": notice}, status,
        )  # fmt: skip


def routes(desk: Desk) -> list[Route]:
    """Where it is."""
    found = DevicesRoom(desk)
    return [
        Route("/devices", found.look, methods=["GET"]),
        Route("/devices", found.register, methods=["POST"]),
        Route("/devices/forget", found.forget, methods=["POST"]),
    ]
