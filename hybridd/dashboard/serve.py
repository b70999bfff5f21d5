"""Serving: sockets of our own or of systemd's, a server around the application, and an end when nobody comes."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from types import FrameType

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp, Receive, Scope, Send

from hybridd.dashboard.guard import LARGEST_HEAD, Activity
from hybridd.dashboard.patience import HEAD_S, patient
from hybridd.errors import HybriddError

log = logging.getLogger("hybridd.dashboard")

FIRST_FD = 3  # sd_listen_fds(3)
THREADS = 4
"""Each has a connection to the state; writes wait for each other in any case."""
MOST_CONNECTIONS = 300
"""Two hundred listen, a hundred ask."""
KEEP_ALIVE_S = 5
GRACE_S = 1
LOOK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve: `idle_s` after the last request the process ends, never if None.

    `head_s` is the patience with the head of a request, `keep_alive_s` that between two of a connection.
    """

    behind_proxy: bool = False
    idle_s: float | None = None
    head_s: float = HEAD_S
    keep_alive_s: int = KEEP_ALIVE_S


class Server:
    """A server that can be told to end, from any thread."""

    def __init__(self, app: ASGIApp, activity: Activity, serving: Serving) -> None:
        self._activity, self._serving = activity, serving
        logging.getLogger("uvicorn").setLevel(logging.WARNING)  # what it tells of its start is told by ours
        self._server = uvicorn.Server(
            uvicorn.Config(
                _few_threads(app),
                http=patient(serving.head_s),  # type: ignore[arg-type]  # it is called, not subclassed
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # its lines have the whole address, which may be a secret
                server_header=False,
                proxy_headers=serving.behind_proxy,
                forwarded_allow_ips=["127.0.0.1", "::1"],
                limit_concurrency=MOST_CONNECTIONS,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                timeout_keep_alive=serving.keep_alive_s,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    def run(self, sockets: list[socket.socket], ready: Callable[[], None] = lambda: None) -> None:
        """Serve until told to end, by `end`, SIGTERM or SIGINT, or until nobody has come for long enough."""
        if threading.current_thread() is threading.main_thread():
            # uvicorn takes these for itself, ends in order, and then raises them once more: that must do nothing.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _ignored)
        asyncio.run(self._run(sockets, ready))

    def end(self) -> None:
        """End in order."""
        self._server.should_exit = True

    async def _run(self, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
        self._activity.last = time.monotonic()
        beside = asyncio.create_task(self._look(ready))
        try:
            await self._server.serve(sockets)
        finally:
            beside.cancel()

    async def _look(self, ready: Callable[[], None]) -> None:
        while not self._server.started:
            await asyncio.sleep(0.01)
        ready()
        idle_s, activity = self._serving.idle_s, self._activity
        while not self._server.should_exit:
            await asyncio.sleep(LOOK_S if idle_s is None else min(LOOK_S, idle_s))
            if idle_s is not None and not activity.busy and time.monotonic() - activity.last > idle_s:
                log.info("nobody has come for %g s: ending until somebody does", idle_s)
                self.end()
        for tell in activity.at_end:
            tell()


def own_socket(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises HybriddError where that cannot be."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise HybriddError(f"{host} is no address to listen on: {error.strerror}", remedy="dashboard.host") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)
    except OSError as error:
        made.close()
        remedy = "choose another dashboard.port, or end what listens there"
        raise HybriddError(f"{host} port {port} cannot be had: {error.strerror}", remedy=remedy) from error
    return made


def given_sockets(environ: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """The sockets that systemd listens on for us; none where we were started by something else."""
    owner, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if owner != str(pid) or not count.isdecimal():
        return []
    numbers = range(FIRST_FD, FIRST_FD + int(count))
    for number in numbers:
        os.set_inheritable(number, False)
    return [socket.socket(fileno=number) for number in numbers]


def _few_threads(app: ASGIApp) -> ASGIApp:
    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        current_default_thread_limiter().total_tokens = THREADS
        await app(scope, receive, send)

    return layer


def _ignored(_: int, __: FrameType | None) -> None:
    """The server has heard it."""
