"""The room of trades: what is open and how it runs, what was closed, and what it all amounts to."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.dashboard.desk import Desk
from hybridd.dashboard.forms import choice_in
from hybridd.dashboard.language import later
from hybridd.dashboard.rooms import room
from hybridd.pipeline.page_trades import trades_page

PERIODS = {"7": later("a week"), "30": later("a month"), "90": later("three months"), "all": later("all")}
SHOWN = 100


def routes(desk: Desk) -> list[Route]:
    """Where the room is."""

    async def trades(request: Request) -> Response:
        days = choice_in(request, "days", tuple(PERIODS)) or "30"

        def look() -> dict[str, object]:
            found = trades_page(desk.store, None if days == "all" else float(days), SHOWN, desk.clock.now())
            return {"found": found, "days": days, "periods": PERIODS}

        return await room(request, desk, "trades", look)

    return [Route("/trades", trades, methods=["GET"])]
