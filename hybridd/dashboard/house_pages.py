"""The first page for whoever is logged in: what is open."""

from starlette.requests import Request
from starlette.responses import Response

from hybridd.dashboard.desk import Desk
from hybridd.dashboard.rooms import room

SHOWN = 30
LARGEST_ID = 2**63 - 1


class HousePages:
    """/"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def home(self, request: Request) -> Response:
        """What waits for an answer, and the newest alerts."""
        desk = self._desk
        return await room(
            request, desk, "home", lambda: {"proposals": desk.open_proposals(), "alerts": desk.alerts(SHOWN)}
        )


def id_of(request: Request) -> int:
    """The number in the path; 0, which nothing has, for what is none or what no row can have."""
    text = str(request.path_params["id"])
    found = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) else 0
    return found if found <= LARGEST_ID else 0
