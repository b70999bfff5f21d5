"""The login by a token that works once, on this machine."""

import ipaddress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hybridd.dashboard.desk import Desk
from hybridd.dashboard.guard import address_of, too_often
from hybridd.dashboard.logins import COOKIE, SESSION_S, Logins
from hybridd.dashboard.pages import fault, page
from hybridd.dashboard.rates import Rates, asker_of

LARGEST_ID = 2**63 - 1
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class HousePages:
    """/login/{token}"""

    def __init__(self, desk: Desk, logins: Logins, rates: Rates) -> None:
        self._desk, self._logins, self._rates = desk, logins, rates

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
