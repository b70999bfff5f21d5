"""The providers' house: one local TLS server for their real host names, and a ledger of what the phones received.

Libraries run as they are: real requests, real TLS, real host names. Only name look-up is replaced: a name that the
house knows leads to it, this machine is left alone, and every other name is unknown (tests/conftest.py does this for
every test). In a test, with the fixture `house`:

    house.play("api.twilio.com", status(503), ok(201, {"sid": "SM…"}))     # one act a request, then the usual answer
    house.serve("api.telegram.org", answer)                                # the usual answer: Request → Reply
    house.requests / house.asked(host) / house.phone                       # what came in; what was really taken

An act says what happens to one request (or, for those of a connection, to one connection) instead of the usual.
"""

import contextlib
import json
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme

from hybridd.selftest.providers import Request

HOSTS = (
    "api.twilio.com",
    "rest.nexmo.com",
    "api.nexmo.com",
    "fcm.googleapis.com",
    "oauth2.googleapis.com",
    "iamcredentials.googleapis.com",
    "api.telegram.org",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    "hooks.example.org",
    "ntfy.sh",
)
_HERE = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()}
_real_getaddrinfo = socket.getaddrinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message that a provider took and a phone will show: a line of the ledger."""

    host: str
    to: str
    text: str
    key: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and what phones show because of it."""

    status: int = 200
    json: Any = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[Shown, ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if self.json is None else json.dumps(self.json).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What happens instead of the usual. `taken`: the provider takes the message all the same."""

    kind: str
    reply: Reply | None = None
    seconds: float = 0.0
    taken: bool = False


def ok(status: int = 200, answer: Any = None, headers: Mapping[str, str] | None = None) -> Act:
    """Taken, with this answer (None: the usual one)."""
    reply = None if answer is None else Reply(status=status, json=answer, headers=headers or {})
    return Act(kind="reply", reply=reply, taken=True)


def status(code: int, answer: Any = None, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Act:
    """Refused with this status."""
    return Act(kind="reply", reply=Reply(status=code, json=answer, body=body, headers=headers or {}))


def slow(seconds: float = 30.0, *, taken: bool = True) -> Act:
    """The usual answer, but so late; when the house closes it comes at once."""
    return Act(kind="slow", seconds=seconds, taken=taken)


def drip(seconds: float = 0.02) -> Act:
    """Taken; the answer comes a byte at a time, each after `seconds`, and has no end."""
    return Act(kind="drip", seconds=seconds, taken=True)


def garbage(body: bytes = b"<html>502 from somewhere</html>", code: int = 200) -> Act:
    """Taken, and the answer is no answer."""
    return Act(kind="reply", reply=Reply(status=code, body=body), taken=True)


def accept_then_drop(*, taken: bool = True) -> Act:
    """The request is read whole (and obeyed, unless not `taken`), then the connection closes."""
    return Act(kind="drop", taken=taken)


def half_body() -> Act:
    """Taken; the connection closes in the middle of the answer's body."""
    return Act(kind="half", taken=True)


def drop_before() -> Act:
    """Connection: closed after the handshake, before any of the request is read."""
    return Act(kind="drop_before")


def drop_handshake() -> Act:
    """Connection: closed in the middle of the TLS handshake."""
    return Act(kind="drop_handshake")


def silent_handshake(seconds: float = 30.0) -> Act:
    """Connection: nothing comes back to the TLS handshake."""
    return Act(kind="silent_handshake", seconds=seconds)


def wrong_certificate() -> Act:
    """Connection: a certificate of the right authority for another name."""
    return Act(kind="wrong_certificate")


def unknown_authority() -> Act:
    """Connection: a certificate for this name by an authority that nobody trusts."""
    return Act(kind="unknown_authority")


def no_name() -> Act:
    """Connection: the name cannot be looked up."""
    return Act(kind="no_name")


def refused() -> Act:
    """Connection: nobody listens."""
    return Act(kind="refused")


_AT_LOOK_UP = {"no_name", "refused"}
_AT_HANDSHAKE = {"drop_handshake", "silent_handshake", "wrong_certificate", "unknown_authority"}
_AT_CONNECTION = _AT_LOOK_UP | _AT_HANDSHAKE | {"drop_before"}


def _usual(request: Request) -> Reply:
    """What a host answers for which nothing else is set: yes, and every POST is a message."""
    shown = Shown(host=request.host, to=request.path, text=request.body.decode(errors="replace"))
    return Reply(json={}, shown=(shown,) if request.method == "POST" else ())


class House:
    """The server. `ca` signs for all hosts; `pem` is a file with its certificate, for SSL_CERT_FILE and its like."""

    def __init__(self, ca: trustme.CA, pem: Path, hosts: tuple[str, ...] = HOSTS) -> None:
        self.ca, self.pem, self.hosts = ca, pem, set(hosts)
        self.requests: list[Request] = []
        self.phone: list[Shown] = []
        self.strangers: list[str] = []
        """Names beyond the house and this machine that somebody asked for."""
        self._answers: dict[str, Callable[[Request], Reply]] = {}
        self._acts: dict[str, deque[Act]] = defaultdict(deque)
        self._lock, self._ended = threading.RLock(), threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}

    # What tests ask and say

    def play(self, host: str, *acts: Act) -> None:
        """Acts for the coming requests to `host`, one each."""
        with self._lock:
            self.hosts.add(host)
            self._acts[host].extend(acts)

    def serve(self, host: str, answer: Callable[[Request], Reply]) -> None:
        """The usual answer of `host`."""
        with self._lock:
            self.hosts.add(host)
            self._answers[host] = answer

    def asked(self, host: str = "", method: str = "") -> list[Request]:
        """The requests so far, of one host, of one method."""
        return [r for r in self.requests if host in ("", r.host) and method in ("", r.method)]

    @property
    def port(self) -> int:
        return self._started.getsockname()[1]

    # Life

    def __enter__(self) -> "House":
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._begin(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._started.shutdown(socket.SHUT_RDWR)
        self._started.close()
        with self._lock:
            open_now = list(self._open)
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        """In place of socket.getaddrinfo."""
        name = host.decode() if isinstance(host, bytes) else host
        if name in _HERE:
            return _real_getaddrinfo(host, port, *args, **kwargs)
        if name not in self.hosts:
            name.encode("idna")  # as the real one: what is no name at all is a UnicodeError
            self.strangers.append(name)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        act = self._take(name, _AT_LOOK_UP)
        if act is not None and act.kind == "no_name":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        target = self.port if act is None else 1  # nobody listens on tcpmux
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", target))]

    # Below: the server

    @property
    def _started(self) -> socket.socket:
        assert self._listener is not None, "the house is not open"
        return self._listener

    def _take(self, host: str, kinds: set[str] | None = None) -> Act | None:
        """The next act for `host`, if it is one of `kinds` (None: one of a request)."""
        with self._lock:
            acts = self._acts[host]
            fits = acts and (acts[0].kind in kinds if kinds else acts[0].kind not in _AT_CONNECTION)
            return acts.popleft() if fits else None

    def _begin(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True, name="house")
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                raw, _ = self._started.accept()
            except OSError:
                return
            self._begin(self._attend, raw)

    def _attend(self, raw: socket.socket) -> None:
        raw.settimeout(30)
        names: list[str] = []
        try:
            tls = self._context("usual", names).wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        except (OSError, ssl.SSLError):
            raw.close()
            return
        with self._lock:
            self._open.add(tls)
        try:
            tls.do_handshake()
            if self._take(names[0], {"drop_before"}) is None:
                _Handler(tls, names[0], self)
        except (OSError, IndexError):  # what the client does is the client's business
            pass
        finally:
            with self._lock:
                self._open.discard(tls)
            with contextlib.suppress(OSError):
                tls.shutdown(socket.SHUT_RDWR)
            tls.close()

    def _context(self, kind: str, names: list[str] | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _certificates(self.ca, frozenset(self.hosts))[kind].configure_cert(context)
        if names is not None:

            def greeted(tls: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
                names.append(name or "")
                act = self._take(name or "", _AT_HANDSHAKE)
                if act is None:
                    return
                if act.kind.endswith("_handshake"):
                    self._ended.wait(act.seconds)
                    with contextlib.suppress(OSError):  # the client may have hung up first
                        tls.shutdown(socket.SHUT_RDWR)
                else:
                    tls.context = self._context(act.kind)

            context.sni_callback = greeted
        return context

    def answer(self, request: Request, act: Act | None) -> Reply:
        """What `request` gets; writes the ledger."""
        with self._lock:
            self.requests.append(request)
            usual = self._answers.get(request.host, _usual)
            if act is not None and not act.taken:
                return act.reply or Reply(status=503)
            reply = usual(request)
            self.phone += reply.shown
            return reply if act is None or act.reply is None else act.reply


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection: ssl.SSLSocket, host: str, house: House) -> None:
        self._host, self._house = host, house
        super().__init__(connection, ("127.0.0.1", 0), house)  # type: ignore[arg-type]

    def _attend(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            host=self._host,
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        act = self._house._take(self._host)
        if act is not None and act.kind == "slow":
            self._house._ended.wait(0 if act.taken else act.seconds)
        reply = self._house.answer(request, act)
        if act is not None and act.kind == "slow" and act.taken:
            self._house._ended.wait(act.seconds)
        self._say(reply, act.kind if act is not None else "reply", act.seconds if act is not None else 0)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _attend  # noqa: N815 - http.server's own names

    def _say(self, reply: Reply, kind: str, pause: float) -> None:
        if kind == "drop":
            self.close_connection = True
            return
        content = reply.content
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json" if reply.json is not None else "text/html", **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + (10_000 if kind == "drip" else 0)))
        self.end_headers()
        if kind == "half":
            content, self.close_connection = content[: len(content) // 2], True
        self.wfile.write(content)
        while kind == "drip" and not self._house._ended.wait(pause):
            self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        """The house keeps its own ledger."""


_made: dict[tuple[int, frozenset[str]], dict[str, trustme.LeafCert]] = {}


def _certificates(ca: trustme.CA, hosts: frozenset[str]) -> dict[str, trustme.LeafCert]:
    """Made once an authority and set of names: signing takes longer than a test."""
    key = (id(ca), hosts)
    if key not in _made:
        _made[key] = {
            "usual": ca.issue_cert(*sorted(hosts)),
            "wrong_certificate": ca.issue_cert("elsewhere.example.org"),
            "unknown_authority": trustme.CA().issue_cert(*sorted(hosts)),
        }
    return _made[key]
