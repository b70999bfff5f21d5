"""Letters: mails that were written as a whole when they were posted, such as reports."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from hybridd.delivery.mail import image_id
from hybridd.delivery.render import facts
from hybridd.model.alert import Alert
from hybridd.model.change import Reason
from hybridd.model.delivery import Attachment, Delivery, Message
from hybridd.store.store import Store

PICTURE = "picture:"
"""Stands in a letter's HTML before the name of a picture: each copy gets addresses of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is sent: `title` is the subject, `pictures` PNGs by name, which `html` shows, `page` a file beside it."""

    title: str
    text: str
    html: str
    pictures: Mapping[str, bytes]
    page: str
    page_name: str


def keep(store: Store, alert: Alert, written: Letter) -> None:
    """Store a letter with its alert, in place of the one of the same kind before. Within the caller's transaction."""
    plain = {
        "alert": alert.id,
        "title": written.title,
        "text": written.text,
        "html": written.html,
        "pictures": {name: base64.b64encode(png).decode() for name, png in written.pictures.items()},
        "page": written.page,
        "page_name": written.page_name,
    }
    store.bot_state.set(_key(alert), plain)


def letter(store: Store, alert: Alert, delivery: Delivery) -> Message | None:
    """The message that `delivery` carries; None of an alert that is no letter, or whose letter is no longer kept."""
    kept = store.bot_state.get(_key(alert)) if Reason.REPORT in alert.reasons else None
    if not isinstance(kept, Mapping) or kept["alert"] != alert.id:
        return None
    html, shown = kept["html"], []
    for name, png in kept["pictures"].items():
        cid = image_id(delivery.key, name)
        html = html.replace(f"{PICTURE}{name}", f"cid:{cid}")
        shown.append(Attachment(name=f"{name}.png", kind="image/png", content=base64.b64decode(png), cid=cid))
    page = Attachment(name=kept["page_name"], kind="text/html", content=kept["page"].encode())
    return Message(
        key=delivery.key,
        recipient=delivery.recipient,
        title=kept["title"],
        text=kept["text"],
        html=html,
        created_at=alert.created_at,
        expires_at=delivery.deadline,
        severity=alert.severity.value,
        fields=facts(alert),
        short=kept["title"],
        body=kept["title"],
        thread=f"report {alert.subject}",
        attachments=(*shown, page),
    )


def _key(alert: Alert) -> str:
    return f"letter.{alert.changes[0].after}"
