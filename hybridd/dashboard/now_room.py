"""The first page: what waits for an answer, how each market stands, and what was told last."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.dashboard.cards import cards
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.rooms import room
from hybridd.pipeline.heartbeat import heartbeat

TOLD = 5


class NowRoom:
    """/"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def look(self, request: Request) -> Response:
        """GET."""
        return await room(request, self._desk, "now", self._facts)

    def _facts(self) -> dict[str, object]:
        desk = self._desk
        return {
            "proposals": desk.open_proposals(),
            "cards": cards(desk.store, heartbeat(desk.store), desk.clock.now()),
            "alerts": desk.alerts(TOLD),
        }


def routes(desk: Desk) -> list[Route]:
    """Where it is."""
    return [Route("/", NowRoom(desk).look, methods=["GET"])]
