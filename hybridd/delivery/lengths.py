"""An alert in its short lengths: one SMS segment, a push message of one to three lines, a few lines for a chat."""

import html
import re
from collections.abc import Sequence
from datetime import tzinfo

from hybridd.delivery.brief import brief, lines, sentence
from hybridd.delivery.figures import clock_time, price, score
from hybridd.delivery.gsm import one_segment
from hybridd.delivery.picture import Picture
from hybridd.delivery.sentences import headline, leading, marked_unreal, sentences
from hybridd.delivery.tidy import one_line
from hybridd.model.alert import Alert
from hybridd.model.change import TRADE
from hybridd.model.delivery import Action

PUSH_LENGTH = 240
CHAT_LENGTH = 1024
"""The most that Telegram sets under a photo, counted in UTF-16 units as it counts."""
_TITLE_LENGTH = 200
_SYMBOL_LENGTH = 40


def sms(alert: Alert, *, zone: tzinfo, repeat: bool, actions: Sequence[Action], link: str) -> str:
    """One GSM-7 segment: the headline, what else fits, and the words to answer with, which always fit."""
    tail = f"Reply {' or '.join(action.data for action in actions)}" if actions else ""
    head = headline(alert, repeat=repeat)
    if alert.analysis is None:
        more = [*sentences(alert)[:1], clock_time(alert.created_at, zone, alert.created_at), link]
    else:
        b = brief(alert, alert.analysis, zone)
        head = ". ".join(part for part in (head, b.stand) if part)
        way = b.trend.partition(",")[0]
        more = [*b.changes, _joined(b.confidence, b.agree), b.odds, b.until, way, b.age, b.against, link]
    return one_segment(head, [sentence(part) for part in more if part], tail=tail, shorter=_shorter(alert))


def push(alert: Alert, *, zone: tzinfo, guidance: Sequence[str]) -> str:
    """One to three lines below the title of a push message, PUSH_LENGTH characters at most."""
    if alert.analysis is None:
        return _fitting([[line] for line in (*sentences(alert)[:1], *guidance)], " ", PUSH_LENGTH)
    b = brief(alert, alert.analysis, zone)
    made = clock_time(alert.created_at, zone, alert.created_at)
    return _fitting(lines(b, made), ", ", PUSH_LENGTH)


def chat(shown: Picture) -> str:
    """A few lines in the HTML that Telegram reads: <b>, <i> and <code>, everything else escaped."""
    title = _cut(shown.title, _TITLE_LENGTH)
    paragraphs = [
        [f"<b>{html.escape(title, quote=False)}</b>"],
        [f"<b>{html.escape(line, quote=False)}</b>" for line in shown.notices],
        [marked(line) for line in (*shown.sentences, *shown.notes)],
        [marked(line) for line in shown.brief],
        [marked(line) for line in shown.guidance],
        [f"<i>{html.escape(shown.reference, quote=False)}</i>"],
    ]
    return _whole_lines([line for paragraph in paragraphs if paragraph for line in ("", *paragraph)][1:])


def marked(text: str) -> str:
    """Escaped for HTML, with what stands between backticks as <code>."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(one_line(text), quote=False))


def _shorter(alert: Alert) -> list[str]:
    """Headlines for a symbol or a name so long that the right one would be cut: the figures stay, the name is cut."""
    now = alert.analysis
    if now is None:
        return []
    symbol, lead = _cut(now.symbol, _SYMBOL_LENGTH), leading(alert)
    weak = ", degraded" if now.degraded else ""
    trade = f"{_cut(lead.subject, _SYMBOL_LENGTH)}, " if lead.reason in TRADE else ""
    # Never without what it is worth waking for: whose market, which signal, which score.
    return [marked_unreal(alert, f"{trade}{symbol} {now.signal} {score(now.score)} @ {price(now.price)}{weak}")]


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _fitting(wanted: list[list[str]], between: str, most: int) -> str:
    """The lines as text; while they are too long, the last part of the longest line is left out."""
    rows = [[one_line(part) for part in line] for line in wanted if line]
    while rows:
        text = "\n".join(f"{sentence(between.join(row))}." for row in rows)
        if len(text) <= most:
            return text
        longest = max(rows, key=lambda row: len(between.join(row)))
        if len(longest) == 1 and len(rows) == 1:
            return _cut(text, most)
        longest.pop()
        rows = [row for row in rows if row]
    return ""


def _whole_lines(rows: Sequence[str]) -> str:
    """As many lines as fit, whole: half a line might end within a tag."""
    text = ""
    for line in rows:
        longer = f"{text}\n{line}" if text else line
        if len(longer.encode("utf-16-le", errors="replace")) // 2 > CHAT_LENGTH:
            break
        text = longer
    return text.strip()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."
