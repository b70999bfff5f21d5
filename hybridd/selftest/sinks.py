"""Where the self-test's messages go: a mail server and an HTTP service on this machine, with one ledger."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One message that was taken: by which lane, under which key, its very bytes."""

    lane: str
    key: str
    content: bytes


class Ledger:
    """What people would have on their devices. `trap` is called when a copy has been kept and not been answered yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copies: list[Copy] = []
        self.trap: Callable[[], None] = lambda: None

    def keep(self, copy: Copy) -> int:
        """Keep a copy; gives its number."""
        with self._lock:
            self._copies.append(copy)
            number = len(self._copies)
        self.trap()
        return number

    def copies(self, lane: str) -> dict[str, list[bytes]]:
        """What a lane has taken, by key, in the order of coming."""
        found: dict[str, list[bytes]] = {}
        with self._lock:
            for copy in self._copies:
                if copy.lane == lane:
                    found.setdefault(copy.key, []).append(copy.content)
        return found


class Sinks:
    """The two services, in threads of their own; `ports` says where they listen."""

    def __init__(self, ledger: Ledger) -> None:
        smtp = type("Smtp", (_Smtp,), {"ledger": ledger})
        web = type("Web", (_Web,), {"ledger": ledger})
        ThreadingTCPServer.allow_reuse_address = True
        self._servers = (ThreadingTCPServer((HOST, 0), smtp), ThreadingHTTPServer((HOST, 0), web))
        for server in self._servers:
            server.daemon_threads = True
        self.ports = {"smtp": self._servers[0].server_address[1], "http": self._servers[1].server_address[1]}

    def __enter__(self) -> "Sinks":
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Smtp(StreamRequestHandler):
    """A mail server that takes everything. Whoever is killed hangs up in the middle of a word: that is no error."""

    ledger: Ledger
    timeout = 30

    def handle(self) -> None:
        with suppress(OSError):
            self._say("220 sink")
            while line := self.rfile.readline():
                verb = line[:4].strip().upper()
                if verb == b"DATA":
                    self._take()
                else:
                    self._say("221 bye" if verb == b"QUIT" else "250 sink")
                if verb == b"QUIT":
                    return

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        if line:
            content = b"".join(lines)
            key = str(message_from_bytes(content)["Message-ID"])
            number = self.ledger.keep(Copy(lane="email", key=key, content=content))
            self._say(f"250 2.0.0 queued as {number}")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Web(BaseHTTPRequestHandler):
    """POST /LANE takes a message, under its Idempotency-Key or its reference; GET /LANE?reference=KEY looks for one."""

    ledger: Ledger
    timeout = 30

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        if len(content) < length:
            return  # it died in the middle of a word: nobody has got that
        key = self.headers.get("Idempotency-Key") or str(json.loads(content)["reference"])
        number = self.ledger.keep(Copy(lane=self._lane, key=key, content=content))
        self._answer(200, {"id": f"{self._lane}-{number}"})

    def do_GET(self) -> None:
        key = parse_qs(urlsplit(self.path).query).get("reference", [""])[0]
        known = self.ledger.copies(self._lane).get(key)
        self._answer(200 if known else 404, {"copies": len(known or ())})

    def do_OPTIONS(self) -> None:
        self._answer(200, {})

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the library's shape
        """The ledger is log enough."""

    @property
    def _lane(self) -> str:
        return urlsplit(self.path).path.strip("/")

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
