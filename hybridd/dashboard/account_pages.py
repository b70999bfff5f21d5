"""Pages about one's own login: where one is logged in, and the second factor."""

import io

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hybridd.dashboard import second_factor
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import form_of, who_of
from hybridd.dashboard.language import later
from hybridd.dashboard.login_pages import caller_of, left
from hybridd.dashboard.logins import Logins, Who
from hybridd.dashboard.one_time_codes import address, bytes_of, new_secret
from hybridd.dashboard.pages import fault
from hybridd.dashboard.roles import Role
from hybridd.dashboard.rooms import room

MOST_SHOWN = 20


class AccountPages:
    """/account, /account/second-factor, /account/logout-everywhere"""

    def __init__(self, desk: Desk, logins: Logins) -> None:
        self._desk, self._store, self._clock, self._logins = desk, desk.store, logins.clock, logins

    def routes(self) -> list[Route]:
        """What is reached here."""
        return [
            Route("/account", self.account, methods=["GET"]),
            Route("/account/logout-everywhere", self.leave_everywhere, methods=["POST"]),
            Route("/account/second-factor", self.ask, methods=["GET"]),
            Route("/account/second-factor", self.enrol, methods=["POST"]),
            Route("/account/second-factor/remove", self.remove, methods=["POST"]),
        ]

    async def account(self, request: Request) -> Response:
        """GET: who one is, and where else."""
        return await self._account(request, who_of(request))

    async def leave_everywhere(self, request: Request) -> Response:
        """POST: log out wherever this role is logged in, this browser included."""
        if (who := who_of(request)).role is None:
            return _for_people(request)
        await run_in_threadpool(self._logins.leave_everywhere, who)
        return left(request, "../login")

    async def ask(self, request: Request) -> Response:
        """GET: a new secret, which counts only once its code comes back."""
        if (who := who_of(request)).role is None:
            return _for_people(request)
        return await self._offer(request, who, new_secret(), "")

    async def enrol(self, request: Request) -> Response:
        """POST: the app has the secret, as its code shows, and the person knows the password."""
        who, fields = who_of(request), await form_of(request)
        if who.role is None:
            return _for_people(request)
        secret = fields.get("secret", "")
        if bytes_of(secret) is None:
            return await self._offer(request, who, new_secret(), later("Begin again: the secret was lost."))
        if not await run_in_threadpool(self._may, request, who.role, fields):
            return await self._offer(request, who, secret, later("That was not the password."))
        now, code = self._clock.now(), fields.get("code", "")
        codes = await run_in_threadpool(second_factor.enrol, self._store, str(who.role), secret, code, now)
        if codes is None:
            notice = later("That was not the code that the app shows. Is its clock right?")
            return await self._offer(request, who, secret, notice)
        return await room(request, self._desk, "recovery", lambda: {"codes": codes})

    async def remove(self, request: Request) -> Response:
        """POST: ask for no code any more, after password and code once more."""
        who, fields = who_of(request), await form_of(request)
        if who.role is None:
            return _for_people(request)
        if not await run_in_threadpool(self._may, request, who.role, fields):
            return await self._account(request, who, 403, later("That was not the password."))
        code, now = fields.get("code", ""), self._clock.now()
        if not await run_in_threadpool(second_factor.passes, self._store, str(who.role), code, now):
            return await self._account(request, who, 403, later("That code does not count."))
        await run_in_threadpool(second_factor.remove, self._store, str(who.role), who.actor, now)
        return await self._account(request, who, 200, later("No code is asked for any more."))

    def _may(self, request: Request, role: Role, fields: dict[str, str]) -> bool:
        """A browser that was left open must not be enough; without a password whoever is on the machine is asked."""
        if not self._logins.has_password(role):
            return True
        return self._logins.is_password(role, fields.get("password", ""), caller_of(request))

    async def _account(self, request: Request, who: Who, status: int = 200, notice: str = "") -> Response:
        role = who.role
        if role is None:
            return _for_people(request)

        def look() -> dict[str, object]:
            return {
                "role": str(role),
                "here": who.session,
                "sessions": self._logins.sessions(role)[:MOST_SHOWN],
                "factor": second_factor.factor(self._store, str(role)),
                "by_password": self._logins.has_password(role),
                "notice": notice,
            }

        return await room(request, self._desk, "account", look, status)

    async def _offer(self, request: Request, who: Who, secret: str, notice: str) -> Response:
        role = who.role
        assert role is not None, "a program has no second factor"
        link = address(secret, str(role))

        def look() -> dict[str, object]:
            return {
                "secret": secret,
                "shown": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
                "address": link,
                "picture": picture(link),
                "there": second_factor.factor(self._store, str(role)) is not None,
                "by_password": self._logins.has_password(role),
                "notice": notice,
            }

        return await room(request, self._desk, "second_factor", look, 400 if notice else 200)


def picture(text: str) -> tuple[int, str]:
    """A QR code: how many modules it is wide with its border, and the path that draws them in an SVG."""
    import segno  # here: hardly anybody comes by

    code, border = segno.make(text, error="m", micro=False), 4
    out = io.StringIO()
    for y, row in enumerate(code.matrix):
        for x, dark in enumerate(row):
            if dark:
                out.write(f"M{x + border} {y + border}h1v1h-1z")
    return len(code.matrix) + 2 * border, out.getvalue()


def _for_people(request: Request) -> Response:
    return fault(request, 403, later("This is for people, not for programs"), later("Log in with a browser."))
