"""What happened, in sentences: the headline of an alert and one sentence for each of its changes."""

from collections.abc import Callable
from datetime import UTC, tzinfo

from hybridd.delivery.digest_words import digest_headline, digest_lines
from hybridd.delivery.figures import percent, points, price, score
from hybridd.delivery.health_words import WORDS
from hybridd.model.alert import Alert, Before
from hybridd.model.analysis import SIMULATED, Analysis
from hybridd.model.change import EXECUTION, TRADE, Change, Reason, Severity
from hybridd.model.trade import BY_ITSELF

_EXECUTED = {
    Reason.TRADE_OPENED: "Trade opened",
    Reason.TRADE_CLOSED: "Trade closed",
    Reason.ORDER_REJECTED: "Order not carried out",
    Reason.ORDER_CANCELLED: "Order taken back",
}


def headline(alert: Alert, *, repeat: bool = False) -> str:
    """The title: what a lock screen must say. "BTC/USDT LONG 78 (was NEUTRAL 62) @ 45,250.00"."""
    text = _headline(alert, leading(alert))
    analysis = alert.analysis
    if analysis is not None and analysis.degraded:
        text += ", degraded"
    text = marked_unreal(alert, text)
    return f"{text} (repeat)" if repeat else text


def sentences(alert: Alert, zone: tzinfo = UTC) -> tuple[str, ...]:
    """One sentence a change, the leading one first; of a digest one for each alert in it, its time in `zone`."""
    if alert.digest is not None:
        return digest_lines(alert.digest, zone, headline)
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


def unreal(alert: Alert) -> str:
    """What stands before all else: SIMULATED of a made-up market, RECORDED of one out of files, "" of a real one."""
    if is_simulated(alert):
        return SIMULATED
    return alert.analysis.unreal if alert.analysis is not None else ""


def marked_unreal(alert: Alert, text: str) -> str:
    """The text, with that before it."""
    mark = unreal(alert)
    return f"{mark}: {text}" if mark else text


def _headline(alert: Alert, change: Change) -> str:
    if alert.digest is not None:
        return digest_headline(alert.digest)
    if change.reason in WORDS:
        words = WORDS[change.reason]
        return (words.ended if alert.resolves else words.began).format(subject=change.subject)
    if change.reason in TRADE:
        return _trade_headline(alert, change)
    if change.reason in EXECUTION:
        return f"{_EXECUTED[change.reason]}: {change.detail}"
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


def _flapping_headline(now: Analysis, _: Before | None, __: Change) -> str:
    return f"{now.symbol} is flapping, now {now.signal} {score(now.score)} @ {price(now.price)}"


def _calm_headline(now: Analysis, _: Before | None, change: Change) -> str:
    still = "still " if change.before == change.after else ""
    was = "" if still else f" (was {change.before})"
    return f"{now.symbol} has calmed down: {still}{now.signal} {score(now.score)}{was} @ {price(now.price)}"


_MARKET_HEADLINES: dict[Reason, Callable[[Analysis, Before | None, Change], str]] = {
    Reason.SIGNAL_CHANGED: _signal_headline,
    Reason.SCORE_JUMP: _score_headline,
    Reason.SCORE_DRIFT: _score_headline,
    Reason.CONFIDENCE_HIGH: _confidence_headline,
    Reason.SIGNAL_FLAPPING: _flapping_headline,
    Reason.SIGNAL_CALM: _calm_headline,
}


def _trade_headline(alert: Alert, change: Change) -> str:
    """ "Trade 42, BTC/USDT: stop 44,000.00 reached @ 43,990.00"."""
    name = change.subject[:1].upper() + change.subject[1:]
    symbol = alert.analysis.symbol if alert.analysis else change.detail.partition(",")[0]
    head = f"{name}, {symbol}" if symbol else name
    place = f" @ {price(alert.analysis.price)}" if alert.analysis else ""
    place += f", {BY_ITSELF}" if alert.analysis and change.detail.endswith(BY_ITSELF) else ""
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


def _flapping_sentence(_: Alert, change: Change) -> str:
    return (
        f"The signal has changed {_number(change.before):.0f} times in a short while. "
        "You are told how it comes out when it keeps still."
    )


def _calm_sentence(_: Alert, change: Change) -> str:
    if change.before == change.after:
        return f"The signal keeps still again and is what you were last told: {change.after}."
    return f"The signal keeps still again. You were last told {change.before}; it is {change.after}."


def _stop_sentence(_: Alert, change: Change) -> str:
    return (
        f"The stop of {change.subject} at {_price(change.before)} was reached: the price went to "
        f"{_price(change.after)}."
    )


def _target_sentence(_: Alert, change: Change) -> str:
    plan = next((part for part in change.detail.split(", ") if part.startswith("target ")), "")
    trade = change.subject.partition(" target ")[0]
    said = f"The target of {trade} at {_price(change.before)} was reached: the price went to {_price(change.after)}."
    return f"{said} {plan[:1].upper()}{plan[1:]}." if plan else said


def _executed_sentence(_: Alert, change: Change) -> str:
    name = f"{change.subject[:1].upper()}{change.subject[1:]}"
    return f"{name}: {change.detail}."


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
    Reason.SIGNAL_FLAPPING: _flapping_sentence,
    Reason.SIGNAL_CALM: _calm_sentence,
    Reason.TRADE_STOP: _stop_sentence,
    Reason.TRADE_TARGET: _target_sentence,
    Reason.TRADE_AGAINST: _against_sentence,
    **dict.fromkeys(EXECUTION, _executed_sentence),
}


def _number(value: str | float | None) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _price(value: str | float | None) -> str:
    return price(_number(value))
