"""Changes that are to be told become one alert."""

from collections.abc import Sequence

from msgspec.structs import replace

from hybridd.model.alert import Alert, Before
from hybridd.model.analysis import Analysis, Trend
from hybridd.model.change import Change, Reason, Verdict


def market_alert(
    verdicts: Sequence[Verdict],
    now: Analysis,
    before: Analysis | None,
    trend: Trend | None,
    *,
    made_at: int,
    time_to_live_ms: int,
) -> Alert | None:
    """One alert for all that is told of one analysis, or None when nothing is. A candle never makes two.

    `made_at` is told by this machine's clock, like every deadline: the source's may differ, and an alert must not
    expire because of that.
    """
    told = tuple(v.change for v in verdicts if v.suppressed is None)
    if not told:
        return None
    return Alert(
        key=f"{now.symbol}:{now.timeframe}:{now.candle_close}",
        subject=now.symbol,
        created_at=made_at,
        expires_at=made_at + time_to_live_ms,
        changes=told,
        analysis=now,
        before=_before(before),
        trend=trend,
        simulated=now.simulated,
    )


def _before(analysis: Analysis | None) -> Before | None:
    if analysis is None:
        return None
    return Before(
        candle_close=analysis.candle_close,
        price=analysis.price,
        score=analysis.score,
        signal=analysis.signal,
        confidence=analysis.confidence,
        readings=tuple(replace(reading, reason="") for reading in analysis.readings),
    )


def health_alert(reason: Reason, subject: str, detail: str, now: int, time_to_live_ms: int, simulated: bool) -> Alert:
    """An alert of hybridd's own health, or a test of the way to the person."""
    change = Change(subject=subject, reason=reason, at=now, before=None, after=None, detail=detail)
    return Alert(
        key=f"{reason}:{subject}:{now}",
        subject=subject,
        created_at=now,
        expires_at=now + time_to_live_ms,
        changes=(change,),
        simulated=simulated,
    )


def resolution(ended: Alert, now: int, time_to_live_ms: int) -> Alert:
    """The good news that what `ended` told of is over."""
    first = ended.changes[0]
    change = Change(
        subject=first.subject, reason=first.reason, at=now, before=None, after="resolved", detail=first.detail
    )
    return Alert(
        key=f"{ended.key}:resolved",
        subject=ended.subject,
        created_at=now,
        expires_at=now + time_to_live_ms,
        changes=(change,),
        simulated=ended.simulated,
        resolves=ended.id,
    )


def execution_alert(
    reason: Reason, subject: str, detail: str, now: int, time_to_live_ms: int, simulated: bool
) -> Alert:
    """News of an order or a trade; of one subject the same news never makes two alerts."""
    change = Change(subject=subject, reason=reason, at=now, before=None, after=None, detail=detail)
    return Alert(
        key=f"{reason}:{subject}",
        subject=subject,
        created_at=now,
        expires_at=now + time_to_live_ms,
        changes=(change,),
        simulated=simulated,
    )
