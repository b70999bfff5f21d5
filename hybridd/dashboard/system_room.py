"""The room of the system: how the watch is, by which ways it tells, what it goes by, and what happened lately."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.clock import SystemClock
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.rooms import room
from hybridd.pipeline.page_system import system_page


def routes(desk: Desk) -> list[Route]:
    """Where the room is."""

    async def system(request: Request) -> Response:
        def look() -> dict[str, object]:
            return {"found": system_page(desk.store, desk.clock.now(), SystemClock().now())}

        return await room(request, desk, "system", look)

    return [Route("/system", system, methods=["GET"])]
