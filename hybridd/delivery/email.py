"""E-mail by SMTP: one connection and one recipient a message, and an honest word on what came of it."""

import base64
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

from hybridd.delivery.mail import compose, is_address, to_bytes
from hybridd.delivery.smtp_failures import Phase, classify, lost
from hybridd.model.delivery import Failure, Message, Outcome

Security = Literal["starttls", "tls", "none"]
_DETAIL_LENGTH = 300


class EmailChannel:
    """Mail through one SMTP server. `timeout` (s) holds for the connection and for each answer of the server.

    The Message-ID is made from the message's key, so that a mail sent twice is one mail to programs that care.
    `security` "starttls" and "tls" verify the server's certificate against the machine's store (SSL_CERT_FILE and
    SSL_CERT_DIR replace it) and never fall back to clear text; "none" sends in the clear and logs in only on this
    machine. `tls_context` makes the context of each connection.
    """

    name = "email"
    idempotent = True
    wants_image = True

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Security,
        username: str,
        password: str,
        sender: str,
        recipients: tuple[str, ...],
        timeout: float = 15.0,
        tls_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._username, self._password = username, password
        self._sender = sender
        self._recipients = recipients
        self._timeout = timeout
        self._tls_context = tls_context

    @property
    def recipients(self) -> tuple[str, ...]:
        """The mail addresses alerts go to."""
        return self._recipients

    def send(self, message: Message) -> Outcome:
        """Send one mail to the message's recipient."""
        for address, failure in ((self._sender, Failure.ACCOUNT), (message.recipient, Failure.ADDRESS)):
            if not is_address(address):
                return self._failed(failure, f'"{address}" is not a mail address')
        mail = compose(message, self._sender)
        return self._dialogue(lambda session: session.deliver(mail, self._sender, message.recipient))

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """SMTP has no way to ask; a second copy has the same Message-ID."""
        return None

    def check(self) -> Outcome:
        """Connect, encrypt, log in, NOOP: whether a mail could be sent now."""
        return self._dialogue(lambda session: session.idle())

    def close(self) -> None:
        """Holds no connection between messages."""

    def _dialogue(self, talk: Callable[["_Session"], Outcome]) -> Outcome:
        session = _Session()
        try:
            self._open(session)
            return talk(session)
        except _Refused as refused:
            return self._failed(refused.failure, refused.detail, refused.retry_after)
        except smtplib.SMTPResponseException as error:
            return self._replied(session, error.smtp_code, error.smtp_error)
        except ssl.SSLCertVerificationError as error:
            return self._failed(
                Failure.RETRY,
                f"the certificate of {self._place} cannot be verified: {error.verify_message} → is smtp_server the "
                "name in the certificate, and its authority in the machine's store or in SSL_CERT_FILE?",
            )
        except (OSError, smtplib.SMTPException) as error:
            words = str(error) or type(error).__name__
            return self._failed(lost(session.phase), f"{self._place}, {session.phase}: {words}")
        except UnicodeError:
            # What the codec for host names, or a user name in smtplib, says to a letter that it does not know.
            return self._failed(Failure.ACCOUNT, f"{self._place} is not the name of a server")
        finally:
            session.end()

    def _open(self, session: "_Session") -> None:
        """Connected, encrypted as set, logged in where there is a user name."""
        if self._username and self._security == "none" and not _is_local(self._host):
            raise _Refused(
                Failure.ACCOUNT,
                f"the password is not sent to {self._place} in the clear → set [email] security to starttls or tls",
            )
        session.connect(self._host, self._port, self._timeout, self._tls_context() if self._security == "tls" else None)
        if self._security == "starttls":
            session.encrypt(self._tls_context(), self._place)
        if self._username:
            session.login(self._username, self._password, self._place)

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._port}"

    def _replied(self, session: "_Session", code: int, text: bytes | str) -> Outcome:
        words = text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
        failure, retry_after = classify(code, words, session.phase)
        return self._failed(failure, f"{self._place}, {session.phase}: {code} {words}", retry_after)

    def _failed(self, failure: Failure, detail: str, retry_after: float = 0.0) -> Outcome:
        return Outcome(failure=failure, detail=self._clean(detail), retry_after=retry_after)

    def _clean(self, detail: str) -> str:
        """One line, without the password in any form that a server might echo."""
        for secret in _forms(self._username, self._password):
            detail = detail.replace(secret, "***")
        return " ".join("".join(c if c.isprintable() else " " for c in detail).split())[:_DETAIL_LENGTH]


class _Refused(Exception):
    """We, not the server, say no."""

    def __init__(self, failure: Failure, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.failure, self.detail, self.retry_after = failure, detail, retry_after


class _Session:
    """One SMTP connection that remembers how far it came. Raises what smtplib, ssl and socket raise."""

    def __init__(self) -> None:
        self.phase = Phase.CONNECT
        self._smtp: smtplib.SMTP | None = None

    def connect(self, host: str, port: int, timeout: float, tls: ssl.SSLContext | None) -> None:
        name = _hello_name()
        if tls is None:
            self._smtp = smtplib.SMTP(host, port, local_hostname=name, timeout=timeout)
        else:
            self._smtp = smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=timeout, context=tls)
        self.phase = Phase.HELLO
        self._expect(self._smtp.ehlo())

    def encrypt(self, context: ssl.SSLContext, place: str) -> None:
        self.phase = Phase.TLS
        if not self._open.has_extn("starttls"):
            raise _Refused(
                Failure.ACCOUNT,
                f"{place} offers no encryption (STARTTLS), and nothing is sent in the clear "
                "→ use its TLS port with security = tls, or security = none if the server is on this machine",
            )
        self._open.starttls(context=context)
        self.phase = Phase.HELLO
        self._expect(self._open.ehlo())

    def login(self, username: str, password: str, place: str) -> None:
        self.phase = Phase.LOGIN
        if not self._open.has_extn("auth"):
            raise _Refused(Failure.ACCOUNT, f"{place} takes no login → empty [email] username, or use its other port")
        try:
            if (username + password).isascii():
                self._open.login(username, password)
            else:
                self._login_utf8(username, password)
        except smtplib.SMTPNotSupportedError:
            raise _Refused(Failure.ACCOUNT, f"{place} offers no way to log in that is known here") from None

    def deliver(self, mail: EmailMessage, sender: str, recipient: str) -> Outcome:
        """Send; the server's last word often names its queue id."""
        origin, target = parseaddr(sender)[1], parseaddr(recipient)[1]
        utf8 = not (origin + target).isascii()
        if utf8 and not self._open.has_extn("smtputf8"):
            raise _Refused(Failure.ADDRESS, f'the server takes no address with letters beyond ASCII: "{target}"')
        self.phase = Phase.SENDER
        self._expect(self._open.mail(origin, ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []))
        self.phase = Phase.RECIPIENT
        self._expect(self._open.rcpt(target))
        self.phase = Phase.DATA
        self._expect(self._open.docmd("DATA"), 354)
        self.phase = Phase.CONTENT
        self._open.send(_dotted(to_bytes(mail, utf8=utf8)))
        code, text = self._open.getreply()
        self._expect((code, text))
        detail = f"{code} {text.decode('utf-8', errors='replace')}"[:_DETAIL_LENGTH]
        return Outcome(provider_id=str(mail["Message-ID"]), detail=detail)

    def idle(self) -> Outcome:
        self.phase = Phase.HELLO
        self._expect(self._open.noop())
        return Outcome(detail="connected and logged in")

    def end(self) -> None:
        """Take leave; what goes wrong now no longer matters, the mail's fate is decided."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._smtp.close()

    @property
    def _open(self) -> smtplib.SMTP:
        if self._smtp is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return self._smtp

    def _expect(self, reply: tuple[int, bytes], code: int | None = None) -> None:
        good = reply[0] == code if code else 200 <= reply[0] < 300
        if not good:
            raise smtplib.SMTPResponseException(*reply)

    def _login_utf8(self, username: str, password: str) -> None:
        """AUTH PLAIN as RFC 4616 has it, in UTF-8: smtplib takes ASCII only."""
        token = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
        self._expect(self._open.docmd("AUTH", f"PLAIN {token}"), 235)


def _dotted(mail: bytes) -> bytes:
    """The mail as DATA wants it (RFC 5321, 4.5.2): CRLF, leading dots doubled, a lone dot at the end."""
    lines = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def _hello_name() -> str:
    """Who says hello. smtplib would ask the DNS, which may take half a minute and has no time-out."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _is_local(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _forms(username: str, password: str) -> list[str]:
    if not password:
        return []
    plain = f"\0{username}\0{password}"
    return [password, *(base64.b64encode(text.encode()).decode() for text in (password, plain))]
