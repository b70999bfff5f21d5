"""The gate: who asks, what they may do, and whether a form comes from a page of ours."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from hybridd.dashboard.api_tokens import Scope as May
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.guard import address_of, host_of, is_here, once, too_often
from hybridd.dashboard.language import later
from hybridd.dashboard.login_form import login_form
from hybridd.dashboard.logins import Logins, Who, cookie_of
from hybridd.dashboard.pages import FOR_PROGRAMS, fault
from hybridd.dashboard.rates import Rates, asker_of

LOOKING = frozenset({"GET", "HEAD"})
PROVEN = ("/a/", "/hooks/", "/login/")
DOOR = frozenset({"/login"})
METRICS = "/metrics"
HARMLESS = ("/static/", "/offline", "/healthz", "/robots.txt")
"""What needs no login: it has a proof of its own, or can be looked at by anybody."""
OWN = ("/logout", "/account/")
"""What also somebody who may only look may send: it changes nothing but their own login."""
ONLY_LOOKING = frozenset({May.READ, May.METRICS})
MOST_FIELDS = 64
SAME_SITE = frozenset({"same-origin", "none"})


def gated(app: ASGIApp, desk: Desk, logins: Logins, rates: Rates) -> ASGIApp:
    """Let in who may come in; everything that is not named as open is shut."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        asker = asker_of(address_of(scope))
        if request.method not in LOOKING and not scope["path"].startswith("/hooks/") and is_foreign(request):
            await _stranger(request, 403, "This form is not one of hybridd's pages'")(scope, receive, send)
            return
        if is_open(scope["path"], request.method) or is_measured_here(request):
            await app(scope, receive, send)
            return
        if rates.spent("stranger", asker):
            await too_often(request)(scope, receive, send)
            return
        who = await find(request, desk, logins)
        if who is None:
            if "authorization" in request.headers or cookie_of(request):
                rates.take("stranger", asker)
            await (await _shut(request, logins))(scope, receive, send)
            return
        scope.setdefault("state", {})["who"] = who
        body = await Request(scope, receive).body()
        if refused := await _refused(Request(scope, once(body, receive)), who):
            await refused(scope, receive, send)
            return
        await app(scope, once(body, receive), send)

    return layer


def is_open(path: str, method: str) -> bool:
    """Whether a request needs no login."""
    return path.startswith(PROVEN) or path in DOOR or (method in LOOKING and path.startswith(HARMLESS))


def is_measured_here(request: Request) -> bool:
    """Whether a program of this machine fetches the metrics: it needs no token."""
    return request.scope["path"] == METRICS and request.method in LOOKING and is_here(request)


def is_foreign(request: Request) -> bool:
    """Whether a browser says that somebody else's page sends this.

    A page without a referrer sends "null" for its origin, and says by Sec-Fetch-Site that it is ours.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in SAME_SITE:
        return True
    if origin is None or (origin == "null" and (site == "same-origin" or request.scope["path"].startswith("/a/"))):
        return False
    return urlsplit(origin).hostname != host_of(request.headers.get("host", ""))


async def find(request: Request, desk: Desk, logins: Logins) -> Who | None:
    """Who asks: a program by its token, a person by a session; a program that names a token is nobody else."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind:
        if kind.lower() != "bearer":
            return None
        found = await run_in_threadpool(desk.bearer, token.strip())
        return Who(actor=f"token:{found.name}", scopes=found.scopes) if found else None
    return await run_in_threadpool(logins.who, cookie_of(request))


def who_of(request: Request) -> Who:
    """Who was let in."""
    who = request.state.who
    assert isinstance(who, Who), "the gate has been passed"
    return who


def forbidden(request: Request, scope: May, fields: Mapping[str, str]) -> bool:
    """Whether the one who was let in may not do this, or sends a form without what our page put into it."""
    who = who_of(request)
    return scope not in who.scopes or not is_genuine(request, who, fields)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, blank ones too; nothing where it is none. Of a field given twice the first counts."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        text = (await request.body()).decode("utf-8", errors="replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:
        return {}
    return dict(reversed(pairs))


async def _shut(request: Request, logins: Logins) -> ASGIApp:
    """A person is shown the way in, a program is told."""
    path = request.scope["path"]
    if request.method in LOOKING and not path.startswith(FOR_PROGRAMS) and "authorization" not in request.headers:
        return await run_in_threadpool(login_form, request, logins, 401, "", path)
    return _stranger(request, 401, "You are not logged in")


async def _refused(request: Request, who: Who) -> ASGIApp | None:
    """Why somebody who is let in may not do this, whatever it is; None where only the page itself can tell."""
    path = request.scope["path"]
    if request.method in LOOKING:
        needed = ONLY_LOOKING if path == METRICS else frozenset({May.READ})
        if who.scopes & needed:
            return None
        return fault(request, 403, "This token may not look", "hybridd dashboard token add NAME --scope read")
    if who.scopes <= ONLY_LOOKING and not (who.role and path.startswith(OWN)):
        return fault(request, 403, later("This login may only look"), later("Log in as somebody who may decide."))
    if who.csrf and not is_genuine(request, who, await form_of(request)):
        return fault(
            request,
            403,
            "This form is not one of hybridd's pages'",
            later("Open the page again, and send it from there."),
        )
    return None


def is_genuine(request: Request, who: Who, fields: Mapping[str, str]) -> bool:
    """Whether a person's form brings along what our page put into it; a program's needs nothing."""
    given = request.headers.get("x-csrf-token") or fields.get("csrf", "")
    return not who.csrf or hmac.compare_digest(given.encode(errors="replace"), who.csrf.encode())


def _stranger(request: Request, status: int, title: str) -> ASGIApp:
    text = "Open the address that hybridd printed at its start, or give a token: `hybridd dashboard token add`."
    return fault(request, status, title, text, {"www-authenticate": "Bearer"} if status == 401 else None)
