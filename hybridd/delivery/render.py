"""Where alerts become messages: every sentence that a person is sent is made in this room and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hybridd.clock import iso
from hybridd.delivery.answer_words import ack
from hybridd.delivery.figures import zone_of
from hybridd.delivery.gsm import one_segment
from hybridd.delivery.lengths import PUSH_LENGTH, chat, marked, push, sms
from hybridd.delivery.mail import image_id
from hybridd.delivery.offer import Offer, answers_to, offer_lines
from hybridd.delivery.picture import Picture, can_be_acked, picture, urgency
from hybridd.delivery.sentences import headline, is_simulated, leading, marked_unreal
from hybridd.delivery.tidy import one_line, tidy
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis
from hybridd.model.delivery import Action, Delivery, Message

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An alert in its lengths: `title` one line, `short` one SMS segment, `body` up to three lines below the title,
    `chat` a few lines of Telegram's HTML with the title, `text` and `html` whole mails."""

    title: str
    short: str
    body: str
    chat: str
    text: str
    html: str


def offers(alert: Alert) -> tuple[Action, ...]:
    """The answers that an alert takes by itself: that it was seen. A proposal brings its own."""
    return (ack(alert.id),) if can_be_acked(alert) else ()


def render(
    alert: Alert,
    *,
    zone: str = "UTC",
    link: str = "",
    repeat: bool = False,
    actions: Sequence[Action] | None = None,
    image: str = "",
    offer: Offer | None = None,
) -> Rendered:
    """The alert in words, times in the reader's `zone`. The same alert gives the same words whenever it is rendered.

    `link` is where the reader can see and answer it, `repeat` says that an earlier copy may have arrived, `actions`
    are the answers to offer (None: those of `offers`), `image` is the name of the chart that the mail shows.
    """
    there = zone_of(zone)
    offered = offer_lines(offer, there) if offer else ()
    shown = picture(alert, zone=there, link=link, repeat=repeat, image=image, offered=offered)
    wanted = offers(alert) if actions is None else actions
    return Rendered(
        title=tidy(shown.title),
        short=sms(alert, zone=there, repeat=repeat, actions=wanted, link=link),
        body=tidy(push(alert, zone=there, guidance=shown.guidance)),
        chat=tidy(chat(shown)),
        text=tidy(_fill("alert.txt.j2", shown)).strip() + "\n",
        html=tidy(_fill("alert.html.j2", shown)),
    )


def message_for(
    alert: Alert,
    delivery: Delivery,
    *,
    zone: str,
    repeat: bool,
    link: str = "",
    actions: Sequence[Action] | None = None,
    image: bytes = b"",
    offer: Offer | None = None,
) -> Message:
    """The message that `delivery` carries; `image` is its chart as PNG, empty without one, `offer` what it proposes."""
    if actions is None and offer is not None:
        actions = answers_to(offer, alert.id)
    offered = offers(alert) if actions is None else tuple(actions)
    name = image_id(delivery.key) if image else ""
    words = render(alert, zone=zone, link=link, repeat=repeat, actions=offered, image=name, offer=offer)
    return Message(
        key=delivery.key,
        recipient=delivery.recipient,
        title=words.title,
        text=words.text,
        html=words.html,
        created_at=alert.created_at,
        expires_at=delivery.deadline,
        severity=urgency(alert).value,
        fields={**facts(alert), "SHORT": words.short},
        short=words.short,
        body=words.body,
        chat=words.chat,
        link=link,
        actions=offered,
        image=image,
        thread=_thread(alert),
        repeat=repeat,
    )


def plain_message(alert: Alert, delivery: Delivery, *, repeat: bool) -> Message:
    """What goes out in place of an alert that cannot be put into words: what is stored of it, as it is stored."""
    what = f"{', '.join(alert.reasons)} {alert.subject}"
    title = marked_unreal(alert, what)
    title = one_line(f"{title} (repeat)" if repeat else title)
    said = [one_line(f"{c.reason}: {c.before} -> {c.after} {c.detail}") for c in alert.changes]
    text = tidy("\n".join([title, *said, f"More could not be put into words: hybridd alerts show {alert.id}"]))
    actions = (ack(alert.id),)
    return Message(
        key=delivery.key,
        recipient=delivery.recipient,
        title=title,
        text=text,
        html="",
        created_at=alert.created_at,
        expires_at=delivery.deadline,
        severity=alert.severity.value,
        fields={"ALERT_ID": str(alert.id), "ALERT_KEY": alert.key, "ALERT_TITLE": title, "SUBJECT": alert.subject},
        short=one_segment(title, tail=f"Reply {actions[0].data}"),
        body="\n".join(said)[:PUSH_LENGTH],
        actions=actions,
        thread=what,
        repeat=repeat,
    )


def facts(alert: Alert) -> dict[str, str]:
    """The alert as names and values for programs; names are such as the journal takes, times ISO 8601 in UTC."""
    found = {
        "ALERT_ID": str(alert.id),
        "ALERT_KEY": alert.key,
        "ALERT_TITLE": headline(alert),
        "SUBJECT": alert.subject,
        "REASON": ",".join(alert.reasons),
        "SEVERITY": urgency(alert).value,
        "CREATED_AT": iso(alert.created_at),
        "EXPIRES_AT": iso(alert.expires_at),
        "SIMULATED": "yes" if is_simulated(alert) else "no",
        "RESOLVES": str(alert.resolves) if alert.resolves else "",
        "DETAIL": leading(alert).detail,
    }
    if alert.analysis is not None:
        found |= _market_facts(alert.analysis)
    if alert.before is not None:
        found |= {"SIGNAL_BEFORE": alert.before.signal.value, "SCORE_BEFORE": f"{alert.before.score:.4f}"}
    return {name: value for name, value in found.items() if value}


def _market_facts(now: Analysis) -> dict[str, str]:
    odds = now.odds
    return {
        "SYMBOL": now.symbol,
        "TIMEFRAME": now.timeframe,
        "CANDLE_CLOSE": iso(now.candle_close),
        "PRICE": repr(now.price),
        "SCORE": f"{now.score:.4f}",
        "SIGNAL": now.signal.value,
        "CONFIDENCE": f"{now.confidence:.4f}",
        "AGREEING": f"{now.agreeing}/{now.answered}",
        "DEGRADED": "yes" if now.degraded else "no",
        "ODDS": f"{odds.probability:.4f} n={odds.n}" if odds else "",
    }


def _thread(alert: Alert) -> str:
    """What belongs together in a mailbox: a symbol's alerts; trouble and its end."""
    if alert.analysis is not None:
        return alert.analysis.symbol
    return f"{alert.reasons[0]} {alert.subject}"


def _fill(template: str, shown: Picture) -> str:
    return _environment().get_template(template).render(p=shown)


@cache
def _environment() -> "Environment":
    # Imported with the first alert: who waits for READY does not wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["marked"] = lambda text: Markup(marked(text))
    return made
