"""Where alerts become messages: every sentence that a person is sent is made in this room and nowhere else."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hybridd.clock import iso
from hybridd.delivery.figures import clock_time, percent, price, score, zone_of
from hybridd.delivery.gsm import one_segment
from hybridd.delivery.picture import Picture, picture, urgency
from hybridd.delivery.sentences import headline, is_simulated, leading, sentences
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis
from hybridd.model.change import TRADE
from hybridd.model.delivery import Delivery, Message

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An alert as text: `title` one line, `text` and `html` whole mails, `short` one SMS segment."""

    title: str
    text: str
    html: str
    short: str


def render(alert: Alert, *, zone: str = "UTC", link: str = "", repeat: bool = False) -> Rendered:
    """The alert in words, times in the reader's `zone`. The same alert gives the same words whenever it is rendered.

    `link` is where the reader can see and answer it, `repeat` says that an earlier copy may have arrived.
    """
    shown = picture(alert, zone=zone_of(zone), link=link, repeat=repeat)
    return Rendered(
        title=shown.title,
        text=_fill("alert.txt.j2", shown).strip() + "\n",
        html=_fill("alert.html.j2", shown),
        short=one_segment(shown.title, _more(alert, zone, link)),
    )


def message_for(alert: Alert, delivery: Delivery, *, zone: str, repeat: bool, link: str = "") -> Message:
    """The message that `delivery` carries."""
    words = render(alert, zone=zone, link=link, repeat=repeat)
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
        body="\n".join(sentences(alert, zone_of(zone))),
        link=link,
        thread=_thread(alert),
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


def _more(alert: Alert, zone: str, link: str) -> list[str]:
    """What is worth its place in the rest of an SMS, the most useful first."""
    now = alert.analysis
    parts = []
    if now is not None:
        if leading(alert).reason in TRADE:
            parts.append(f"{now.signal} {score(now.score)}")
        parts += [f"{now.agreeing} of {now.answered} agree, confidence {percent(now.confidence)}"]
        if alert.before is not None:
            parts.append(f"Before: {price(alert.before.price)}")
    elif alert.digest is None:
        parts.append(leading(alert).detail)
    parts.append(clock_time(alert.created_at, zone_of(zone)))
    parts.append(link)
    return [part for part in parts if part]


def _fill(template: str, shown: Picture) -> str:
    return _environment().get_template(template).render(p=shown)


@cache
def _environment() -> "Environment":
    # Imported with the first alert: who waits for READY does not wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
