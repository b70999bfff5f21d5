"""Where the self-test's messages go: a mail server and a web server on this machine, with TLS and with one ledger."""

import json
import ssl
import threading
from contextlib import suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import socket
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hybridd.selftest.authority import vouch
from hybridd.selftest.ledger import Copy, Ledger
from hybridd.selftest.names import HOST, SERVICES
from hybridd.selftest.props import Place, make_props
from hybridd.selftest.providers import Providers, Request


class Sinks:
    """The two services, in threads of their own; `ports` says where they listen, `place` what settings must name."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        tls, props = vouch(folder, SERVICES), make_props(folder)
        smtp = type("Smtp", (_Smtp,), {"ledger": ledger, "tls": tls})
        web = type("Web", (_Web,), {"providers": Providers(ledger, props), "tls": tls})
        self._servers = (_Server((HOST, 0), smtp), _Server((HOST, 0), web))
        self.ports = {
            name: server.server_address[1] for name, server in zip(("smtp", "web"), self._servers, strict=True)
        }
        self.place: Place = props.place

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


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


ANSWERS = {b"EHLO": "250-sink\r\n250-STARTTLS\r\n250 AUTH PLAIN", b"AUTH": "235 yes", b"QUIT": "221 bye"}


class _Smtp(StreamRequestHandler):
    """A mail server that takes everything once it is spoken to in private by who knows the password.

    Whoever is killed hangs up in the middle of a word: that is no error.
    """

    ledger: Ledger
    tls: ssl.SSLContext
    timeout = 30

    def handle(self) -> None:
        with suppress(OSError):
            self._say("220 sink")
            while line := self.rfile.readline():
                verb = line[:4].strip().upper()
                if verb == b"DATA":
                    self._take()
                elif line.strip().upper() == b"STARTTLS":
                    self._encrypt()
                else:
                    self._say(ANSWERS.get(verb, "250 sink"))
                if verb == b"QUIT":
                    return

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.request.close()

    def _encrypt(self) -> None:
        self._say("220 go on")
        assert isinstance(self.request, socket)
        self.connection = self.request = self.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        if line:
            mail = message_from_bytes(b"".join(lines))
            number = self.ledger.keep(Copy(lane="email", key=str(mail["Message-ID"]), content=str(mail["Subject"])))
            self._say(f"250 2.0.0 queued as {number}")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Web(BaseHTTPRequestHandler):
    """One connection of somebody who takes this machine for a provider."""

    providers: Providers
    tls: ssl.SSLContext
    timeout = 30

    def setup(self) -> None:
        self.request.settimeout(self.timeout)
        self.request = self.tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        super().setup()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.request.close()  # what the server knows of is the socket beneath, which has been given up

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            return  # it died in the middle of a word: nobody has got that
        parts = urlsplit(self.path)
        request = Request(
            host=self.headers.get("Host", "").partition(":")[0],
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        self._answer(request)

    do_GET = do_OPTIONS = do_POST  # noqa: N815 - the library's names

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the library's shape
        """The ledger is log enough."""

    def _answer(self, request: Request) -> None:
        answer = self.providers.answer(request)
        body = json.dumps(answer.value).encode() if answer.value else b""
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
