"""Everything that a message shows of an alert, as words in order: what the templates set in type."""

import math
from dataclasses import dataclass
from datetime import tzinfo

from hybridd.delivery.brief import against, brief, lines, sentence
from hybridd.delivery.figures import clock_time, duration, percent, price, score
from hybridd.delivery.health_words import WORDS
from hybridd.delivery.opinions import Move, Opinion, moves, opinions, silent
from hybridd.delivery.sentences import headline, leading, sentences, unreal
from hybridd.model.alert import Alert, AlertState
from hybridd.model.analysis import RECORDED, SIMULATED, Analysis, Direction, Odds, Signal, Trend
from hybridd.model.change import TRADE, Change, Severity
from hybridd.model.timeframe import parse_timeframe

NOTICES = {
    SIMULATED: "SIMULATED: this market is made up. Nothing here is real; do not trade on it.",
    RECORDED: "RECORDED: these candles are out of files, not of now. Do not trade on them.",
}
REPEAT_NOTICE = "This may have reached you before: it is not known whether an earlier copy arrived."
_STANCE = {
    Signal.LONG: "LONG: the layers together lean towards a higher price.",
    Signal.SHORT: "SHORT: the layers together lean towards a lower price.",
    Signal.NEUTRAL: "NEUTRAL: the layers together lean to neither side.",
}
_STALE_AFTER_FRAMES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An alert in words. `tone` is the signal of a market alert, the severity of others: it chooses colours only.

    `brief` says in up to three lines what `facts` say in rows; `command` answers the alert on this machine, "" where
    there is nothing to answer; `image` is the name under which a mail finds its chart, "" without one.
    """

    title: str
    tone: str
    severity: str
    notices: tuple[str, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    guidance: tuple[str, ...]
    signal: str
    score: str
    gauge: float
    brief: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    moves: tuple[Move, ...]
    opinions: tuple[Opinion, ...]
    silent: tuple[tuple[str, str], ...]
    link: str
    command: str
    image: str
    reference: str


def picture(
    alert: Alert,
    *,
    zone: tzinfo,
    link: str = "",
    repeat: bool = False,
    image: str = "",
    offered: tuple[str, ...] = (),
) -> Picture:
    """What a message about `alert` shows; times in `zone`, ages as of the moment when the alert was made.

    `offered`: what is proposed with it, in lines.
    """
    now = alert.analysis
    return Picture(
        title=headline(alert, repeat=repeat),
        tone=_tone(alert),
        severity=urgency(alert).value,
        notices=_notices(alert, repeat),
        sentences=sentences(alert, zone),
        notes=(*offered, *_notes(alert, zone)),
        guidance=_guidance(alert),
        signal=str(now.signal) if now else "",
        score=score(now.score) if now else "",
        gauge=min(100.0, max(0.0, now.score)) if now else 0.0,
        brief=_brief(alert, zone),
        facts=_facts(alert, zone),
        moves=moves(now, alert.before) if now else (),
        opinions=opinions(now) if now else (),
        silent=silent(now) if now else (),
        link=link,
        command=f"hybridd alerts ack {alert.id}" if can_be_acked(alert) else "",
        image=image,
        reference=f"Alert {alert.id}" if alert.id else "Alert",
    )


def _tone(alert: Alert) -> str:
    if alert.resolves:
        return "resolved"
    if leading(alert).reason in TRADE:
        return alert.severity.value
    return alert.analysis.signal.value if alert.analysis else alert.severity.value


def can_be_acked(alert: Alert) -> bool:
    """Whether somebody can still say that he has seen it: good news asks for no answer."""
    return bool(alert.id) and not alert.resolves and alert.state is AlertState.FIRING


def urgency(alert: Alert) -> Severity:
    """How loud a message is: good news wakes nobody."""
    return alert.urgency


def _notices(alert: Alert, repeat: bool) -> tuple[str, ...]:
    """What must be known before the rest is believed."""
    now = alert.analysis
    lines = [NOTICES[mark]] if (mark := unreal(alert)) else []
    if repeat:
        lines.append(REPEAT_NOTICE)
    if now is not None and now.degraded:
        missing = f" Without an answer: {', '.join(now.missing)}." if now.missing else ""
        lines.append(f"Degraded: only {now.answered} of {now.layers} layers answered.{missing}")
    return tuple(lines)


def _notes(alert: Alert, zone: tzinfo) -> tuple[str, ...]:
    """What the comparison rests on, where it is not simply the candle before."""
    lines = [
        _deferred(change, clock_time(change.deferred_from, zone, alert.created_at))
        for change in alert.changes
        if change.deferred_from is not None
    ]
    comparison = _comparison(alert, zone)
    return (*lines, comparison) if comparison else tuple(lines)


def _deferred(change: Change, since: str) -> str:
    if change.reason in TRADE:
        return f"Touched at {since}, told now: no message was possible then."
    return f"Held back since {since}, because it could not be told at once."


def _comparison(alert: Alert, zone: tzinfo) -> str:
    now, before = alert.analysis, alert.before
    if now is None or before is None:
        return ""
    age = now.candle_close - before.candle_close
    deferred = any(change.deferred_from is not None for change in alert.changes)
    if age <= _STALE_AFTER_FRAMES * parse_timeframe(now.timeframe).ms and not deferred:
        return ""
    when = clock_time(before.candle_close, zone, alert.created_at)
    return f"Compared with the analysis of {when} ({duration(age)} ago)."


def _guidance(alert: Alert) -> tuple[str, ...]:
    """What it means and what to do."""
    change = leading(alert)
    if change.reason in WORDS:
        words = WORDS[change.reason]
        if alert.resolves:
            return ("It is over. Nothing to do.",)
        return tuple(line.format(subject=change.subject) for line in (words.means, words.do))
    if change.reason in TRADE:
        return ("Whether to close the trade is for you to decide.",)
    if alert.analysis is None:
        return ()
    return (_STANCE[alert.analysis.signal], "The decision is yours.")


def _brief(alert: Alert, zone: tzinfo) -> tuple[str, ...]:
    if alert.analysis is None:
        return ()
    made = clock_time(alert.created_at, zone, alert.created_at)
    return tuple(f"{sentence(', '.join(line))}." for line in lines(brief(alert, alert.analysis, zone), made))


def _facts(alert: Alert, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    now = alert.analysis
    made = ("Noticed" if now is None else "Alert made", clock_time(alert.created_at, zone))
    if now is None:
        return (made,)
    rows = [
        ("Price", price(now.price) + (f" ({mark.lower()})" if (mark := unreal(alert)) else "")),
        ("Price before", _price_before(alert, now)),
        ("Score", f"{score(now.score)} of 100, {now.signal}"),
        ("Confidence", percent(now.confidence)),
        ("Odds", _odds(now.odds)),
        ("Trend", _trend(alert.trend)),
        ("Layers", f"{now.agreeing} of {now.answered} agree" if now.answered else ""),
        ("Against", ", ".join(against(now))),
        ("Data as of", _age(alert, now, zone)),
        made,
        ("Worth acting on until", _expiry(alert, zone)),
        ("Source", f"{now.source}, {now.timeframe} candles" if now.source else f"{now.timeframe} candles"),
    ]
    return tuple((label, value) for label, value in rows if value)


def _price_before(alert: Alert, now: Analysis) -> str:
    if alert.before is None or alert.before.price == 0:
        return ""
    moved = (now.price / alert.before.price - 1) * 100
    since = f" ({moved:+.2f} % since)" if math.isfinite(moved) else ""
    return f"{price(alert.before.price)}{since}"


def _odds(odds: Odds | None) -> str:
    if odds is None or not all(map(math.isfinite, (odds.probability, odds.low, odds.high))):
        return ""
    return (
        f"{percent(odds.probability)} for a higher price, learned from {odds.n:,} analyses like this one "
        f"(95 % interval {odds.low * 100:.0f} to {odds.high * 100:.0f} %)"
    )


_WAYS = {Direction.UP: "up", Direction.DOWN: "down", Direction.STABLE: "steady"}


def _trend(trend: Trend | None) -> str:
    if trend is None:
        return ""
    first, last = trend.first_score, trend.last_score
    if trend.trend is Direction.INSUFFICIENT_DATA or first is None or last is None:
        return "too few analyses to tell"
    moved = f"score from {score(first, last)} to {score(last, first)}" if first != last else f"score {score(last)}"
    return f"{_WAYS[trend.trend]}: {moved} over {trend.samples:,} analyses"


def _age(alert: Alert, now: Analysis, zone: tzinfo) -> str:
    age = alert.created_at - now.candle_close
    return f"{clock_time(now.candle_close, zone, alert.created_at)}, {duration(age)} old when this was made"


def _expiry(alert: Alert, zone: tzinfo) -> str:
    left = duration(alert.expires_at - alert.created_at)
    return f"{clock_time(alert.expires_at, zone, alert.created_at)} ({left})"
