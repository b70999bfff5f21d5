"""The application: a list of layers and a list of routes. What is added to the web is added here."""

import time
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hybridd.dashboard.answer_page import EVEN_S, AnswerPage
from hybridd.dashboard.api import Api
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import gated
from hybridd.dashboard.guard import BODY_PATIENCE_S, Activity, hosted, paced, sealed, sized, watched
from hybridd.dashboard.house_pages import HousePages
from hybridd.dashboard.language import spoken
from hybridd.dashboard.logins import Logins
from hybridd.dashboard.pages import fault, static
from hybridd.dashboard.provider_hooks import KINDS, ProviderHooks
from hybridd.dashboard.rates import Limits, Rates

WORDS = {
    404: ("There is nothing here", "Look at the address again."),
    405: ("That cannot be done here", "Look at the address again."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How the outside reaches the application: the host names it answers to, its address, its patience."""

    hosts: frozenset[str]
    public_url: str = ""
    limits: Limits = field(default_factory=Limits)
    even_s: float = EVEN_S
    body_patience_s: float = BODY_PATIENCE_S


def make_app(desk: Desk, door: Door, logins: Logins | None = None, activity: Activity | None = None) -> Starlette:
    """The web application over a desk."""
    logins, rates = logins or Logins(time.monotonic), Rates(time.monotonic, door.limits)
    answer, house, api = AnswerPage(desk, rates, door.even_s), HousePages(desk, logins, rates), Api(desk)
    routes = [
        Route("/a/{token}", answer.look, methods=["GET"]),
        Route("/a/{token}", answer.act, methods=["POST"]),
        Route("/healthz", api.health, methods=["GET"]),
        Route("/robots.txt", _robots, methods=["GET"]),
        Route("/static/{name}", static, methods=["GET"]),
        Route("/login/{token}", house.ask_in, methods=["GET"]),
        Route("/login/{token}", house.come_in, methods=["POST"]),
        Route("/", house.home, methods=["GET"]),
        Route("/alerts/{id}", house.alert, methods=["GET"]),
        Route("/alerts/{id}", house.ack, methods=["POST"]),
        Route("/api/v1/proposals/{id}/{verb}", api.decide, methods=["POST"]),
        Route("/api/v1/alerts/{id}/ack", api.ack, methods=["POST"]),
    ]
    if desk.hooks is not None:
        hooks = ProviderHooks(desk, door.public_url)
        routes += [Route(path, hooks.take, methods=["POST"]) for path in KINDS]
    layers = [
        Middleware(sealed),
        Middleware(spoken),
        Middleware(watched, activity or Activity(last=time.monotonic())),
        Middleware(hosted, door.hosts),
        Middleware(paced, rates),
        Middleware(sized, patience_s=door.body_patience_s),
        Middleware(gated, desk, logins, rates),
    ]
    app = Starlette(routes=routes, middleware=layers, exception_handlers={HTTPException: _cannot_be})
    # "/a/x/" is another address than "/a/x": nobody is sent elsewhere with a secret in the path.
    app.router.redirect_slashes = False
    return app


async def _robots(_: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


async def _cannot_be(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for these alone"
    title, text = WORDS.get(error.status_code, ("That cannot be done", "Look at the address again."))
    return fault(request, error.status_code, title, text, error.headers)
