"""A mail server that does what its script says: real SMTP over real TLS, and a ledger of what it accepted.

In a test: `with FakeSmtp() as server: server.next(Act("rcpt", reply="550 5.1.1 no such user"))`.
As a program: `python -m tests.fakes.smtp --port 0 --ledger FILE [--script FILE] [--mode starttls]` prints one line of
JSON with its port and its CA file, and runs until it is ended. `--script` is a JSON object that maps "*" or a
recipient to an act; it is read again at every connection.
"""

import argparse
import asyncio
import contextlib
import json
import ssl
import sys
import threading
from collections import deque
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from pathlib import Path

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = "watcher", "open sesame"


@dataclass(frozen=True)
class Act:
    """What happens in a phase (connect, ehlo, starttls, auth, mail, rcpt, data, content) instead of the usual.

    After `delay` seconds: `drop` breaks the connection, else `reply` is sent, else all goes on as usual. In "content",
    when the mail has been received, `keep` writes it into the ledger before a drop.
    """

    phase: str
    reply: str = ""
    drop: bool = False
    delay: float = 0.0
    keep: bool = False


@dataclass(frozen=True)
class Mail:
    """A mail that was accepted."""

    message_id: str
    sender: str
    recipient: str
    subject: str
    encrypted: bool
    user: str
    raw: str

    @property
    def parsed(self):
        return message_from_bytes(self.raw.encode("latin-1"), policy=policy.default)


class _Connection(SMTP):
    def __init__(self, fake, **kwargs):
        self.fake, self.act, self._greeted = fake, fake.take(), False
        self.raw = None
        super().__init__(fake, **kwargs)

    def connection_made(self, transport):
        self.raw = self.raw or transport
        super().connection_made(transport)

    async def push(self, status):
        if not self._greeted:
            self._greeted = True
            if await self.plays("connect"):
                return
        await super().push(status)

    async def plays(self, phase, recipient="", *, speak=True):
        act = self.fake.by_recipient.get(recipient, self.act)
        if act is None or act.phase != phase:
            return False
        await asyncio.sleep(act.delay)
        if act.drop:
            self.transport.abort()
            await asyncio.Event().wait()  # the lost connection cancels this
        if not act.reply or not speak:
            return False
        await super().push(act.reply)
        return True

    async def smtp_EHLO(self, arg):
        if not await self.plays("ehlo"):
            await super().smtp_EHLO(arg)

    async def smtp_STARTTLS(self, arg):
        if not await self.plays("starttls"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg):
        if not await self.plays("auth"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg):
        if not await self.plays("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        if not await self.plays("rcpt", (arg or "").partition("<")[2].partition(">")[0]):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        recipient = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else ""
        if not await self.plays("data", recipient):
            await super().smtp_DATA(arg)


class FakeSmtp:
    """The server, in a thread of its own. `mode`: starttls, tls or none; `name`: whom its certificate is for."""

    def __init__(self, *, mode="starttls", port=0, name="127.0.0.1", utf8=True, ledger_file=None, script=None, ca=None):
        self.ca = ca or trustme.CA()
        self.mails: list[Mail] = []
        self.connections = 0
        self.by_recipient: dict[str, Act] = {}
        self._acts: deque[Act] = deque()
        self._ledger_file, self._script = ledger_file, script
        self._mode, self._port, self._utf8 = mode, port, utf8
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name).configure_cert(self._tls)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server = None
        self._open: list[_Connection] = []

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    @property
    def by_id(self) -> dict[str, list[Mail]]:
        """The ledger: mails by Message-ID."""
        return {mail.message_id: [m for m in self.mails if m.message_id == mail.message_id] for mail in self.mails}

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this server's authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context

    def next(self, *acts: Act) -> None:
        """Acts for the coming connections, one each."""
        self._acts.extend(acts)

    def take(self) -> Act | None:
        self.connections += 1
        if self._script and Path(self._script).exists():
            table = {name: Act(**act) for name, act in json.loads(Path(self._script).read_text() or "{}").items()}
            self.by_recipient = {name: act for name, act in table.items() if name != "*"}
            return table.get("*")
        return self._acts.popleft() if self._acts else None

    async def handle_DATA(self, connection, session, envelope):
        recipient = envelope.rcpt_tos[0]
        act = self.by_recipient.get(recipient, connection.act)
        if act is None or act.phase != "content":
            self._keep(session, envelope)
            return "250 2.0.0 queued as 4F2A"
        if act.keep or act.reply.startswith("2"):
            self._keep(session, envelope)
        await connection.plays("content", recipient, speak=False)
        return act.reply or "250 2.0.0 queued as 4F2A"

    def authenticate(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        session.hybridd_user = USER if good else ""
        return AuthResult(success=good, handled=False)

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self):
        return await self._loop.create_server(
            self._connection, "127.0.0.1", self._port, ssl=self._tls if self._mode == "tls" else None
        )

    def _connection(self):
        connection = _Connection(
            self,
            hostname="mail.test",
            loop=self._loop,
            enable_SMTPUTF8=self._utf8,
            authenticator=self.authenticate,
            auth_require_tls=self._mode == "starttls",
            tls_context=self._tls if self._mode == "starttls" else None,
        )
        self._open.append(connection)
        return connection

    async def _close(self):
        self._server.close()
        mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        for connection in self._open:
            for transport in (connection.raw, connection.transport):
                if transport is not None:
                    transport.abort()
        await asyncio.sleep(0.01)  # aborted transports close in the loop's next rounds

    def _keep(self, session, envelope):
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        mail = Mail(
            message_id=str(parsed["Message-ID"]),
            sender=envelope.mail_from,
            recipient=envelope.rcpt_tos[0],
            subject=str(parsed["Subject"]),
            encrypted=session.ssl is not None or self._mode == "tls",
            user=getattr(session, "hybridd_user", ""),
            raw=envelope.content.decode("latin-1"),
        )
        self.mails.append(mail)
        if self._ledger_file:
            with Path(self._ledger_file).open("a") as file:
                file.write(json.dumps(asdict(mail)) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", choices=["starttls", "tls", "none"], default="starttls")
    parser.add_argument("--name", default="127.0.0.1", help="whom the certificate is for")
    parser.add_argument("--ledger", required=True, help="JSON lines, one an accepted mail")
    parser.add_argument("--script", help="JSON: recipient or * to an act, read again at every connection")
    options = parser.parse_args()
    ca_file = Path(options.ledger).with_suffix(".ca.pem")
    with FakeSmtp(
        mode=options.mode, port=options.port, name=options.name, ledger_file=options.ledger, script=options.script
    ) as server:
        server.ca.cert_pem.write_to_path(str(ca_file))
        sys.stdout.write(json.dumps({"port": server.port, "ca": str(ca_file)}) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
