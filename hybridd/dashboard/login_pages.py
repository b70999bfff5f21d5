"""Pages about logging in: by password and code, by the one-time token, and out again, here or everywhere."""

import asyncio
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hybridd.dashboard.desk import Desk, tidy
from hybridd.dashboard.gate import form_of, who_of
from hybridd.dashboard.guard import address_of, is_here, too_often
from hybridd.dashboard.language import gettext, later
from hybridd.dashboard.lockout import KNOWN_KEPT_MS
from hybridd.dashboard.login_form import here, login_form
from hybridd.dashboard.logins import COOKIE, DEVICE, LIFE_MS, Caller, Entry, Logins, cookie_name, cookie_of
from hybridd.dashboard.pages import fault, page
from hybridd.dashboard.rates import Rates, asker_of

WRONG = later("That was not right: the password, or the code.")
WAIT = later("Too many wrong tries. Wait %(minutes)s min, or log in on the machine itself.")


class LoginPages:
    """/login, /login/{token}, /logout"""

    def __init__(self, desk: Desk, logins: Logins, rates: Rates, even_s: float) -> None:
        self._desk, self._logins, self._rates, self._even_s = desk, logins, rates, even_s

    def routes(self) -> list[Route]:
        """What is reached here."""
        return [
            Route("/login", self.form, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/login/{token}", self.ask_in, methods=["GET"]),
            Route("/login/{token}", self.come_in, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """GET: the form."""
        return await run_in_threadpool(login_form, request, self._logins, 200)

    async def log_in(self, request: Request) -> Response:
        """POST: password and code become a session."""
        begun, fields = time.monotonic(), await form_of(request)
        then, asker = here(fields.get("then", "/")), asker_of(address_of(request.scope))
        if self._rates.spent("stranger", asker):
            return too_often(request)
        password, code = fields.get("password", ""), fields.get("code", "")
        if not self._logins.by_password or not password:
            return await run_in_threadpool(login_form, request, self._logins, 400, later("Type the password."), then)
        entry = await run_in_threadpool(self._logins.log_in, password, code, caller_of(request))
        if entry.session:
            return _entered(request, entry, "." + then)
        self._rates.take("stranger", asker)
        await asyncio.sleep(max(0.0, begun + self._even_s - time.monotonic()))
        if entry.wait_ms:
            minutes = -(-entry.wait_ms // 60_000)
            notice = gettext(WAIT) % {"minutes": minutes}
            response = await run_in_threadpool(login_form, request, self._logins, 429, notice, then)
            response.headers["retry-after"] = str(-(-entry.wait_ms // 1000))
            return response
        return await run_in_threadpool(login_form, request, self._logins, 403, WRONG, then)

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
        entry = await run_in_threadpool(self._logins.enter, request.path_params["token"], caller_of(request))
        if not entry.session:
            self._rates.take("stranger", asker)
            return fault(
                request,
                403,
                later("This login does not count (any more)"),
                later("It works once. Start hybridd again for another."),
            )
        return _entered(request, entry, "../")

    async def leave(self, request: Request) -> Response:
        """POST: log out."""
        await run_in_threadpool(self._logins.leave, who_of(request))
        return left(request, "./login")


def caller_of(request: Request) -> Caller:
    """Where a try at the door comes from."""
    return Caller(
        asker=asker_of(address_of(request.scope)),
        agent=tidy(request.headers.get("user-agent", "")),
        session=cookie_of(request),
        device=cookie_of(request, DEVICE),
    )


def left(request: Request, to: str) -> Response:
    """The way out, without the cookie."""
    response = RedirectResponse(to, 303)
    response.delete_cookie(
        cookie_name(request), httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )  # fmt: skip
    return response


def _entered(request: Request, entry: Entry, to: str) -> Response:
    response = RedirectResponse(to, 303)
    for name, value, ms in ((COOKIE, entry.session, LIFE_MS), (DEVICE, entry.device, KNOWN_KEPT_MS)):
        response.set_cookie(
            cookie_name(request, name), value, max_age=ms // 1000, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
    return response


def _not_here(request: Request) -> Response:
    return fault(
        request, 403, later("This login works only on the machine itself"), later("Open it there, or through ssh -L.")
    )
