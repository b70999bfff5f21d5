"""The page of an alert, for whoever is logged in: as it was told, with its acknowledgement."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import forbidden, form_of, who_of
from hybridd.dashboard.pages import fault
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.model.state import IllegalTransition

LARGEST_ID = 2**63 - 1


class HousePages:
    """/alerts/{id}"""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def alert(self, request: Request) -> Response:
        """GET: an alert as it was told."""
        return await self._alert(request, 200, "")

    async def ack(self, request: Request) -> Response:
        """POST: somebody has seen it, and types so."""
        fields = await form_of(request)
        if forbidden(request, Scope.ACK, fields):
            return fault(request, 403, "You may not acknowledge alerts", "Log in, and use the form of this page.")
        alert_id = id_of(request)
        if fields.get("words", "").strip().upper().split() != ["ACK", str(alert_id)]:
            return await self._alert(request, 400, f"Nothing was sent: type ACK {alert_id}.")
        try:
            await run_in_threadpool(self._desk.ack, alert_id, who_of(request).actor)
        except DataError as error:
            return fault(request, 404, error.message, "Look at the address again.")
        except IllegalTransition:
            return await self._alert(request, 409, "It is not firing any more: nothing is left to do.")
        return await self._alert(request, 200, "Acknowledged: nothing more of it is sent.")

    async def _alert(self, request: Request, status: int, notice: str) -> Response:
        def look() -> dict[str, object]:
            return {"words": self._desk.alert(id_of(request)), "notice": notice, "csrf": who_of(request).csrf}

        try:
            return await room(request, self._desk, "alert", look, status)
        except DataError as error:
            return fault(request, 404, error.message, "Look at the address again.")


def id_of(request: Request) -> int:
    """The number in the path; 0, which nothing has, for what is none or what no row can have."""
    text = str(request.path_params["id"])
    found = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) else 0
    return found if found <= LARGEST_ID else 0
