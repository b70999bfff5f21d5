"""Pages for whoever is logged in: the login itself, what is open, and one alert with its acknowledgement."""

import ipaddress

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import forbidden, form_of, who_of
from hybridd.dashboard.guard import address_of, too_often
from hybridd.dashboard.logins import COOKIE, SESSION_S, Logins
from hybridd.dashboard.pages import fault, page
from hybridd.dashboard.rates import Rates, asker_of
from hybridd.dashboard.rooms import room
from hybridd.errors import DataError
from hybridd.model.state import IllegalTransition

SHOWN = 30
LARGEST_ID = 2**63 - 1
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class HousePages:
    """/, /login/{token}, /alerts/{id}"""

    def __init__(self, desk: Desk, logins: Logins, rates: Rates) -> None:
        self._desk, self._logins, self._rates = desk, logins, rates

    async def home(self, request: Request) -> Response:
        """What waits for an answer, and the newest alerts."""
        desk = self._desk
        return await room(
            request, desk, "home", lambda: {"proposals": desk.open_proposals(), "alerts": desk.alerts(SHOWN)}
        )

    async def ask_in(self, request: Request) -> Response:
        """GET: a button. A link that is only looked at logs nobody in."""
        if not is_here(request):
            return _not_here(request)
        return page(request, "login")

    async def come_in(self, request: Request) -> Response:
        """POST: the one-time token becomes a session."""
        if not is_here(request):
            return _not_here(request)
        asker = asker_of(address_of(request.scope))
        if self._rates.spent("stranger", asker):
            return too_often(request)
        session = self._logins.enter(request.path_params["token"])
        if session is None:
            self._rates.take("stranger", asker)
            return fault(
                request, 403, "This login does not count (any more)", "It works once. Start hybridd again for another."
            )
        response = RedirectResponse("../", 303)
        response.set_cookie(
            COOKIE, session, max_age=int(SESSION_S), httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

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


def is_here(request: Request) -> bool:
    """Whether somebody on this very machine asks, and no proxy for somebody else."""
    try:
        local = ipaddress.ip_address(address_of(request.scope)).is_loopback
    except ValueError:
        return False
    return local and not any(name in request.headers for name in FORWARDED)


def _not_here(request: Request) -> Response:
    return fault(request, 403, "This login works only on the machine itself", "Open it there, or through ssh -L.")
