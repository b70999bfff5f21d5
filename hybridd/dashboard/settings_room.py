"""The room of settings: what is safe to change, judged by the rules of the files, taken by the watch within seconds."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.forms import fields_of
from hybridd.dashboard.gate import who_of
from hybridd.dashboard.rooms import room
from hybridd.pipeline.page_settings import SettingsPage, change, settings_page, undo

GROUPS = (
    # What each question is about: the first part of its keys' names.
    ("monitor", "analysis"),
    ("alerts",),
    ("decisions",),
)


def routes(desk: Desk) -> list[Route]:
    """Where the room is."""
    found = SettingsRoom(desk)
    return [
        Route("/settings", found.look, methods=["GET"]),
        Route("/settings", found.change, methods=["POST"]),
        Route("/settings/undo", found.undo, methods=["POST"]),
    ]


class SettingsRoom:
    """/settings"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def look(self, request: Request) -> Response:
        """GET: what may be changed, and how it is."""
        return await self._page(request, lambda: settings_page(self._desk.store))

    async def change(self, request: Request) -> Response:
        """POST: all that was typed, or nothing where one thing of it cannot be."""
        fields = await fields_of(request, Scope.DECIDE)
        if isinstance(fields, Response):
            return fields
        desk, who = self._desk, who_of(request).actor
        return await self._page(request, lambda: change(desk.store, fields, who, desk.clock.now()))

    async def undo(self, request: Request) -> Response:
        """POST: what the files say counts again."""
        fields = await fields_of(request, Scope.DECIDE)
        if isinstance(fields, Response):
            return fields
        desk, who, name = self._desk, who_of(request).actor, fields.get("key", "")
        return await self._page(request, lambda: undo(desk.store, name, who, desk.clock.now()))

    async def _page(self, request: Request, look: Callable[[], SettingsPage]) -> Response:
        # The answer's status depends on what was found: 400 where something that was typed cannot be.
        kept: list[SettingsPage] = []

        def once() -> dict[str, object]:
            kept.append(look())
            return {"found": kept[0], "groups": GROUPS}

        response = await room(request, self._desk, "settings", once)
        if kept[0].wrong:
            response.status_code = 400
        return response
