"""The application: a list of layers and a list of routes. What is added to the web is added here."""

import time
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hybridd.dashboard import (
    alerts_room,
    devices_room,
    proposals_room,
    settings_room,
    system_room,
    trades_room,
    worth_rooms,
)
from hybridd.dashboard.account_pages import AccountPages
from hybridd.dashboard.answer_page import EVEN_S, AnswerPage
from hybridd.dashboard.api import Api
from hybridd.dashboard.api_lists import ApiLists
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import gated
from hybridd.dashboard.guard import BODY_PATIENCE_S, Activity, hosted, paced, sealed, sized, watched
from hybridd.dashboard.language import spoken
from hybridd.dashboard.login_pages import LoginPages
from hybridd.dashboard.logins import Logins
from hybridd.dashboard.metrics import MetricsPage
from hybridd.dashboard.now_room import routes as now_routes
from hybridd.dashboard.pages import fault, offline, static
from hybridd.dashboard.provider_hooks import ProviderHooks
from hybridd.dashboard.rates import Limits, Rates
from hybridd.dashboard.stream import LIFE_S, MOST_STREAMS, Stream
from hybridd.dashboard.stream import routes as stream_routes
from hybridd.dashboard.symbol_room import routes as symbol_routes
from hybridd.dashboard.tail import Tail
from hybridd.pipeline.hooks import KINDS

WORDS = {
    404: ("There is nothing here", "Look at the address again."),
    405: ("That cannot be done here", "Look at the address again."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How the outside reaches the application: its names, its address, its patience, whether it shows metrics."""

    hosts: frozenset[str]
    public_url: str = ""
    limits: Limits = field(default_factory=Limits)
    even_s: float = EVEN_S
    metrics: bool = True
    body_patience_s: float = BODY_PATIENCE_S
    streams: int = MOST_STREAMS
    stream_s: float = LIFE_S


def make_app(desk: Desk, door: Door, logins: Logins, activity: Activity | None = None) -> Starlette:
    """The web application over a desk."""
    activity = activity or Activity(last=time.monotonic())
    rates = Rates(time.monotonic, door.limits)
    answer, api = AnswerPage(desk, rates, door.even_s), Api(desk)
    routes = [
        Route("/a/{token}", answer.look, methods=["GET"]),
        Route("/a/{token}", answer.act, methods=["POST"]),
        Route("/healthz", api.health, methods=["GET"]),
        Route("/robots.txt", _robots, methods=["GET"]),
        Route("/offline", offline, methods=["GET"]),
        Route("/static/{name}", static, methods=["GET"]),
        Route("/api/v1/proposals/{id}/{verb}", api.decide, methods=["POST"]),
        Route("/api/v1/alerts/{id}/ack", api.ack, methods=["POST"]),
        *ApiLists(desk).routes(),
        *LoginPages(desk, logins, rates, door.even_s).routes(),
        *AccountPages(desk, logins).routes(),
    ]
    tail = Tail(desk.store)
    activity.at_end.append(tail.end)
    routes += now_routes(desk) + symbol_routes(desk)
    routes += proposals_room.routes(desk)
    routes += trades_room.routes(desk)
    routes += alerts_room.routes(desk)
    routes += worth_rooms.routes(desk)
    routes += system_room.routes(desk)
    routes += settings_room.routes(desk)
    routes += devices_room.routes(desk)
    routes += stream_routes(Stream(tail, door.stream_s, door.streams))
    if door.metrics:
        routes += MetricsPage(desk).routes()
    if desk.hooks is not None:
        hooks = ProviderHooks(desk, door.public_url)
        routes += [Route(path, hooks.take, methods=["POST"]) for path in KINDS]
    layers = [
        Middleware(sealed),
        Middleware(spoken),
        Middleware(watched, activity),
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
