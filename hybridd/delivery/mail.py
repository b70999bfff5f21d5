"""A message as an e-mail: headers, plain text and HTML; the same bytes for the same message at every attempt."""

import hashlib
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, parseaddr
from typing import cast

from hybridd.clock import as_datetime
from hybridd.delivery.tidy import one_line, tidy
from hybridd.model.delivery import Message

# Headers alone may be longer than 78: the library folds a long Message-ID in a way that few programs read.
_WRITING = SMTP.clone(max_line_length=300)
_SUBJECT_LENGTH = 180


def compose(message: Message, sender: str) -> EmailMessage:
    """The mail for `message` from `sender` ("hybridd@example.org" or "Night watch <hybridd@example.org>")."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(sender)
    mail["To"] = _address(message.recipient)
    mail["Subject"] = one_line(message.title)[:_SUBJECT_LENGTH]
    mail["Date"] = as_datetime(message.created_at)
    mail["Message-ID"] = message_id("alert", message.key, domain)
    if message.thread:
        root = message_id("thread", f"{message.recipient} {message.thread}", domain)
        mail["In-Reply-To"] = root
        mail["References"] = root
    # Out-of-office programs answer nobody who says that he is a machine (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    if message.severity == "critical":
        mail["X-Priority"] = "1"
        mail["Importance"] = "high"
    mail["X-Hybridd-Severity"] = one_line(message.severity)
    mail["X-Hybridd-Key"] = hashlib.sha256(message.key.encode()).hexdigest()[:32]
    mail.set_content(tidy(message.text), cte="quoted-printable")
    if message.html:
        mail.add_alternative(tidy(message.html), subtype="html", cte="quoted-printable")
        mail.set_boundary(_boundary("alternative", message.key))
        _add_image(mail, message)
        _add_files(mail, message)
    return mail


def image_id(key: str, name: str = "") -> str:
    """Under which name the HTML of the message with this key finds its image: `cid:` and this. `name` tells several."""
    return message_id("image", f"{key} {name}" if name else key, "hybridd")[1:-1]


def _add_image(mail: EmailMessage, message: Message) -> None:
    """The image beside the HTML that shows it; a program that shows the text has nothing to do with it."""
    name = image_id(message.key)
    if not message.image or f"cid:{name}" not in message.html:
        return
    page = cast(EmailMessage, mail.get_payload(1))
    page.add_related(message.image, "image", "png", cid=f"<{name}>", disposition="inline", filename="chart.png")
    page.set_boundary(_boundary("related", message.key))


def _add_files(mail: EmailMessage, message: Message) -> None:
    """Pictures beside the HTML that shows them, and what is there to be opened by itself."""
    page = cast(EmailMessage, mail.get_payload(1))
    # What is shown inside comes first: the first file beside the mail makes a new whole, of which the page is a part.
    for file in sorted(message.attachments, key=lambda file: not file.cid):
        major, _, minor = file.kind.partition("/")
        if file.cid:
            page.add_related(file.content, major, minor, cid=f"<{file.cid}>", disposition="inline", filename=file.name)
            page.set_boundary(_boundary("related", message.key))
        else:
            mail.add_attachment(file.content, major, minor, filename=file.name)
            mail.set_boundary(_boundary("mixed", message.key))


def _boundary(kind: str, key: str) -> str:
    return f"=_{kind}_{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}"


def is_address(text: str) -> bool:
    """Whether `text`, with or without a name before it, is one mail address that a header can hold."""
    if not text.isprintable() or len(getaddresses([text])) != 1:
        return False
    try:
        address = _address(text)
    except (ValueError, MessageError):
        return False
    return bool(address.username and address.domain) and not any(c.isspace() or c in ",<>" for c in address.addr_spec)


def to_bytes(mail: EmailMessage, *, utf8: bool) -> bytes:
    """The mail as it is sent; `utf8` where an address itself has letters beyond ASCII (RFC 6532)."""
    return mail.as_bytes(policy=_WRITING.clone(utf8=utf8))


def message_id(kind: str, key: str, domain: str) -> str:
    """<hybridd.kind.HASH@domain>: the same for the same key, and short whatever the key holds."""
    digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]
    return f"<hybridd.{kind}.{digest}@{domain}>"


def _address(text: str) -> Address:
    name, address = parseaddr(one_line(text))
    user, _, domain = address.rpartition("@")
    return Address(display_name=name, username=user, domain=domain)
