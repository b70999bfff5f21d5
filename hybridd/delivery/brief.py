"""An alert in few words: the same facts as its mail has, as clauses that fit a lock screen or an SMS."""

import math
from dataclasses import dataclass
from datetime import tzinfo

from hybridd.delivery.figures import clock_time, duration, percent, price, score
from hybridd.delivery.sentences import leading, shown_in_headline
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis, Direction, Odds, Trend
from hybridd.model.change import TRADE, Change, Reason

_NAMED = 3
"""So many of the layers against are named; the others are counted."""
_WAYS = {Direction.UP: "up", Direction.DOWN: "down", Direction.STABLE: "steady"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The facts of a market alert as clauses without a full stop, "" where there is nothing to say.

    `changes` are those that the headline does not tell.
    """

    changes: tuple[str, ...]
    stand: str
    confidence: str
    agree: str
    against: str
    odds: str
    trend: str
    moved: str
    age: str
    until: str


def brief(alert: Alert, now: Analysis, zone: tzinfo) -> Brief:
    """The clauses of `alert`, whose analysis is `now`; times in `zone`, ages as of the moment when it was made."""
    changes = tuple(_CLAUSES[c.reason](c) for c in alert.changes if c.reason in _CLAUSES and _untold(alert, c))
    return Brief(
        changes=changes,
        stand=f"{now.signal} {score(now.score)}" if leading(alert).reason in TRADE else "",
        confidence=f"confidence {percent(now.confidence)}",
        agree=f"{now.agreeing} of {now.answered} agree" if now.answered else "",
        against=_against(now),
        odds=odds_clause(now.odds),
        trend=_trend(alert.trend),
        moved=_moved(alert, now),
        age=f"data {duration(alert.created_at - now.candle_close)} old",
        until=f"until {clock_time(alert.expires_at, zone, alert.created_at)}",
    )


def lines(b: Brief, made: str) -> list[list[str]]:
    """The clauses as up to three lines: where it stands, what to expect, how old it is. `made`: when it was told."""
    wanted = (
        [b.stand, b.confidence, b.agree, *b.changes, b.against],
        [b.odds, b.trend, b.moved],
        [f"{b.age} at {made}", f"good {b.until}"],
    )
    return [[part for part in line if part] for line in wanted if any(line)]


def sentence(text: str) -> str:
    """A clause as a sentence without its full stop; an address stays what it is."""
    return text if text.startswith("http") else text[:1].upper() + text[1:].rstrip(".")


def against(now: Analysis) -> tuple[str, ...]:
    """The layers that lean the other way than the whole does, the most decided first."""
    spoken = [(r.layer, r.score) for r in now.readings if r.score is not None]
    contrary = [(layer, value) for layer, value in spoken if (value - 50) * (now.score - 50) < 0]
    return tuple(layer for layer, _ in sorted(contrary, key=lambda one: -abs(one[1] - 50)))


def odds_clause(odds: Odds | None) -> str:
    """ "odds of a rise 57 %, n 1,412"; "" where they are not known."""
    if odds is None or not math.isfinite(odds.probability):
        return ""
    return f"odds of a rise {percent(odds.probability)}, n {odds.n:,}"


def _untold(alert: Alert, change: Change) -> bool:
    return change is not leading(alert) and not shown_in_headline(alert, change)


def _against(now: Analysis) -> str:
    layers = against(now)
    if not layers:
        return ""
    more = len(layers) - _NAMED
    return f"against: {', '.join(layers[:_NAMED])}{f' and {more} more' if more > 0 else ''}"


def _trend(trend: Trend | None) -> str:
    if trend is None or trend.trend not in _WAYS or trend.first_score is None or trend.last_score is None:
        return ""
    first, last = trend.first_score, trend.last_score
    return f"trend {_WAYS[trend.trend]}, {score(first, last)} to {score(last, first)}"


def _moved(alert: Alert, now: Analysis) -> str:
    before = alert.before
    if before is None or before.price == 0:
        return ""
    share = (now.price / before.price - 1) * 100
    return f"price {share:+.2f} % from {price(before.price)}" if math.isfinite(share) else ""


def _number(value: str | float | None) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _score(change: Change) -> str:
    was, now = _number(change.before), _number(change.after)
    return f"score {score(was, now)} to {score(now, was)}"


def _drift(change: Change) -> str:
    return f"{_score(change)} since {change.detail or 'the last alert'}"


def _confidence(change: Change) -> str:
    was, now = _number(change.before), _number(change.after)
    return f"confidence up from {percent(was, now)}"


def _signal(change: Change) -> str:
    return f"signal {change.before} to {change.after}"


def _reached(change: Change) -> str:
    what = "stop" if change.reason is Reason.TRADE_STOP else "target"
    return f"{change.subject}: {what} {price(_number(change.before))} reached"


def _turned(change: Change) -> str:
    return f"{change.subject} is {change.before}"


_CLAUSES = {
    Reason.SIGNAL_CHANGED: _signal,
    Reason.SCORE_JUMP: _score,
    Reason.SCORE_DRIFT: _drift,
    Reason.CONFIDENCE_HIGH: _confidence,
    Reason.TRADE_TARGET: _reached,
    Reason.TRADE_STOP: _reached,
    Reason.TRADE_AGAINST: _turned,
}
