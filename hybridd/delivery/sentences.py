"""What happened, in sentences: the headline of an alert and one sentence for each of its changes."""

from collections.abc import Callable

from hybridd.delivery.figures import percent, points, price, score
from hybridd.delivery.health_words import WORDS
from hybridd.model.alert import Alert, Before
from hybridd.model.analysis import Analysis
from hybridd.model.change import TRADE, Change, Reason, Severity

SIMULATED = "SIMULATED"


def headline(alert: Alert, *, repeat: bool = False) -> str:
    """The title: what a lock screen must say. "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00"."""
    text = _headline(alert, leading(alert))
    analysis = alert.analysis
    if analysis is not None and analysis.degraded:
        text += ", degraded"
    if is_simulated(alert):
        text = f"{SIMULATED}: {text}"
    return f"{text} (repeat)" if repeat else text


def sentences(alert: Alert) -> tuple[str, ...]:
    """One sentence a change, the leading one first."""
    first = leading(alert)
    return tuple(_sentence(alert, change) for change in (first, *(c for c in alert.changes if c is not first)))


def leading(alert: Alert) -> Change:
    """The change that the headline speaks of: what touches the reader's money, then the alert's own order."""
    for change in alert.changes:
        if change.reason in TRADE and change.severity is Severity.CRITICAL:
            return change
    return alert.changes[0]


def shown_in_headline(alert: Alert, change: Change) -> bool:
    """Whether the headline, which speaks of another change, shows this one's figures as well: "LONG 78 (was 62)"."""
    first, before = leading(alert), alert.before
    if change is first or first.reason is not Reason.SIGNAL_CHANGED or before is None:
        return change is first
    return change.reason is Reason.SCORE_JUMP and before.signal == first.before and change.before == before.score


def is_simulated(alert: Alert) -> bool:
    """Whether any part of it comes from a made-up market."""
    return alert.simulated or (alert.analysis is not None and alert.analysis.simulated)


def _headline(alert: Alert, change: Change) -> str:
    if change.reason in WORDS:
        words = WORDS[change.reason]
        return (words.ended if alert.resolves else words.began).format(subject=change.subject)
    if change.reason in TRADE:
        return _trade_headline(alert, change)
    if alert.analysis is None:
        return f"{change.subject}: {_sentence(alert, change)}"
    return _MARKET_HEADLINES[change.reason](alert.analysis, alert.before, change)


def _signal_headline(now: Analysis, before: Before | None, change: Change) -> str:
    shown, was = score(now.score), str(change.before)
    if before is not None and before.signal == change.before:
        shown, was = score(now.score, before.score), f"{was} {score(before.score, now.score)}"
    return f"{now.symbol} {now.signal} {shown} (was {was}) @ {price(now.price)}"


def _anchor(change: Change, word: str) -> str:
    """What a drift is measured from: "at the last alert", or, before there was one, "at the first analysis"."""
    return f"{word} {change.detail or 'the last alert'}"


def _score_headline(now: Analysis, _: Before | None, change: Change) -> str:
    was = _number(change.before)
    since = f" {_anchor(change, 'at')}" if change.reason is Reason.SCORE_DRIFT else ""
    return (
        f"{now.symbol} score {score(now.score, was)} (was {score(was, now.score)}{since}), {now.signal} "
        f"@ {price(now.price)}"
    )


def _confidence_headline(now: Analysis, _: Before | None, change: Change) -> str:
    was = _number(change.before)
    return (
        f"{now.symbol} {now.signal} {score(now.score)}, confidence {percent(now.confidence, was)} "
        f"(was {percent(was, now.confidence)}) @ {price(now.price)}"
    )


_MARKET_HEADLINES: dict[Reason, Callable[[Analysis, Before | None, Change], str]] = {
    Reason.SIGNAL_CHANGED: _signal_headline,
    Reason.SCORE_JUMP: _score_headline,
    Reason.SCORE_DRIFT: _score_headline,
    Reason.CONFIDENCE_HIGH: _confidence_headline,
}


def _trade_headline(alert: Alert, change: Change) -> str:
    """ "Trade 42, BTC/USDT: stop 44,000.00 reached @ 43,990.00"."""
    name = change.subject[:1].upper() + change.subject[1:]
    symbol = alert.analysis.symbol if alert.analysis else change.detail
    head = f"{name}, {symbol}" if symbol else name
    place = f" @ {price(alert.analysis.price)}" if alert.analysis else ""
    if change.reason is Reason.TRADE_AGAINST:
        return f"{head}: you are {change.before}, the signal is now {change.after}{place}"
    what = "stop" if change.reason is Reason.TRADE_STOP else "target"
    return f"{head}: {what} {_price(change.before)} reached{place}"


def _sentence(alert: Alert, change: Change) -> str:
    return _SENTENCES[change.reason](alert, change) if change.reason in _SENTENCES else _health_sentence(alert, change)


def _signal_sentence(_: Alert, change: Change) -> str:
    return f"The signal went from {change.before} to {change.after}."


def _jump_sentence(_: Alert, change: Change) -> str:
    return _moved("The score", change, "since the analysis before")


def _drift_sentence(_: Alert, change: Change) -> str:
    return _moved("Step by step the score", change, _anchor(change, "since"))


def _moved(what: str, change: Change, since: str) -> str:
    was, now = _number(change.before), _number(change.after)
    way = "rose" if now > was else "fell"
    return f"{what} {way} by {points(now - was)} {since}, from {score(was, now)} to {score(now, was)}."


def _confidence_sentence(_: Alert, change: Change) -> str:
    was, now = _number(change.before), _number(change.after)
    return f"Confidence rose from {percent(was, now)} to {percent(now, was)}."


def _stop_sentence(_: Alert, change: Change) -> str:
    return (
        f"The stop of {change.subject} at {_price(change.before)} was reached: the price went to "
        f"{_price(change.after)}."
    )


def _target_sentence(_: Alert, change: Change) -> str:
    return (
        f"The target of {change.subject} at {_price(change.before)} was reached: the price went to "
        f"{_price(change.after)}."
    )


def _against_sentence(_: Alert, change: Change) -> str:
    return f"The signal turned against {change.subject}: you are {change.before}, the signal is now {change.after}."


def _health_sentence(alert: Alert, change: Change) -> str:
    detail = change.detail.strip()
    if not detail:
        return _headline(alert, change) + "."
    ending = "" if detail[-1] in ".!?" else "."
    return f"It was: {detail}{ending}" if alert.resolves else f"{detail[0].upper()}{detail[1:]}{ending}"


_SENTENCES: dict[Reason, Callable[[Alert, Change], str]] = {
    Reason.SIGNAL_CHANGED: _signal_sentence,
    Reason.SCORE_JUMP: _jump_sentence,
    Reason.SCORE_DRIFT: _drift_sentence,
    Reason.CONFIDENCE_HIGH: _confidence_sentence,
    Reason.TRADE_STOP: _stop_sentence,
    Reason.TRADE_TARGET: _target_sentence,
    Reason.TRADE_AGAINST: _against_sentence,
}


def _number(value: str | float | None) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _price(value: str | float | None) -> str:
    return price(_number(value))
