"""Record: what a batch of symbols came to, in one transaction: analysis, change, alert, deliveries, audit, event."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import Struct, structs

from hybridd.alerts.compose import market_alert
from hybridd.alerts.routing import Route, plan
from hybridd.delivery.links import HERE
from hybridd.model.alert import Alert
from hybridd.model.analysis import Analysis, Trend
from hybridd.model.candle import Candles
from hybridd.model.change import Severity, Suppression
from hybridd.model.timeframe import parse_timeframe
from hybridd.pipeline.aftermath import pass_over
from hybridd.pipeline.observe import Observation, Past, Rules
from hybridd.pipeline.past import remember
from hybridd.pipeline.plan import follow_plan
from hybridd.pipeline.propose import propose, supersede
from hybridd.signals.trend import trend_of
from hybridd.store.store import Store

TREND_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A candle that was refused: its open time (ms UTC) and why."""

    timeframe: str
    open_time: int
    detail: str


class Finding(Struct, frozen=True, kw_only=True):
    """All that one symbol's turn brought: fresh candles, refused ones, observations in order, the past after them.

    `moved`: whether the state may remember something else of the symbol than this past does.
    `taken_back`: the missed alerts that the past takes for told no longer.
    `atr` is the ATR(14) of the newest candle, NaN where nobody asked for it.
    """

    symbol: str
    timeframe: str
    fresh: Mapping[str, Candles]
    quarantined: Sequence[Quarantined]
    observations: Sequence[Observation]
    past: Past
    seen_close: int
    moved: bool = True
    taken_back: Sequence[int] = ()
    atr: float = math.nan


def record(
    store: Store, findings: Sequence[Finding], rules: Rules, channels: Mapping[str, Sequence[str]], now: int
) -> list[Alert]:
    """Write a batch; returns the alerts that it made, with their ids. All of it or nothing is kept."""
    made: list[Alert] = []
    with store.transaction():
        for finding in findings:
            _candles(store, finding, now)
            ids = store.analyses.add_many([o.analysis for o in finding.observations])
            for observation in finding.observations:
                told = _changes(store, observation, ids.get(observation.analysis.candle_close), rules, channels, now)
                _propose(store, told, observation.analysis, finding.atr, rules, now)
                made += told
            if finding.moved:
                remember(store, finding.symbol, finding.timeframe, finding.past)
            if finding.taken_back:
                store.missed.restored(finding.taken_back)
            _event(store, finding, now)
    return made


def _propose(store: Store, told: Sequence[Alert], analysis: Analysis, atr: float, rules: Rules, now: int) -> None:
    """What was proposed before under another signal ends; what the alert's news asks for goes out with it."""
    if not analysis.late:
        supersede(store, analysis, now)
    for alert in told:
        follow_plan(store, alert, rules.trading.break_even_after, now)
        recipients = {(d.channel, d.recipient) for d in store.outbox.of_alert(alert.id)}
        propose(store, alert, atr, rules.trading, {pair for pair in recipients if pair[0] not in HERE}, now)


def _candles(store: Store, finding: Finding, now: int) -> None:
    for timeframe, candles in finding.fresh.items():
        store.candles.save(finding.symbol, timeframe, candles)
    for bad in finding.quarantined:
        store.candles.quarantine(finding.symbol, bad.timeframe, bad.open_time, bad.detail, now)


def _changes(
    store: Store,
    observation: Observation,
    analysis_id: int | None,
    rules: Rules,
    channels: Mapping[str, Sequence[str]],
    now: int,
) -> list[Alert]:
    if not observation.verdicts or analysis_id is None:
        return []
    told = any(v.suppressed is None for v in observation.verdicts)
    alert = market_alert(
        observation.verdicts,
        observation.analysis,
        _before(store, observation.before) if told else None,
        _trend(store, observation) if told else None,
        made_at=now,
        time_to_live_ms=rules.time_to_live_ms,
    )
    stored = post(store, alert, rules.routes, channels, now) if alert else None
    for verdict in observation.verdicts:
        if verdict.suppressed is None and stored is not None:
            store.changes.add(verdict, analysis_id=analysis_id, alert_id=stored.id, now=now)
        else:
            reason = verdict.suppressed or Suppression.DUPLICATE
            untold = structs.replace(verdict, suppressed=reason)
            store.changes.add(untold, analysis_id=analysis_id, alert_id=None, now=now)
    return [stored] if stored else []


def post(
    store: Store,
    alert: Alert,
    routes: Sequence[Route],
    channels: Mapping[str, Sequence[str]],
    now: int,
    *,
    also_disabled: bool = False,
) -> Alert | None:
    """Put an alert and its deliveries into the outbox; None when this alert is there already. Within a transaction.

    Nothing is planned to a disabled address unless `also_disabled`: where somebody tries whether it is good again.
    """
    alert_id = store.alerts.add(alert)
    if alert_id is None:
        return None
    dead = set() if also_disabled else {(a.channel, a.address) for a in store.addresses.disabled()}
    planned = plan(alert, routes, channels)
    left_out = [p for p in planned if (p.channel, p.recipient) in dead]
    rows = [(p.channel, p.recipient, p.step, p.next_at, p.deadline) for p in planned if p not in left_out]
    store.outbox.plan(alert_id, rows)
    if alert.severity is Severity.CRITICAL:
        store.alerts.fire_until(alert_id, max((p.deadline for p in planned), default=0))
    facts = {"subject": alert.subject, "reasons": list(alert.reasons), "channels": sorted({row[0] for row in rows})}
    if left_out:
        facts["disabled"] = sorted({f"{p.channel} {p.recipient}" for p in left_out})
        pass_over(store, replace(alert, id=alert_id), now)
    store.audit.append("hybridd", "alert", str(alert_id), facts, now)
    store.events.append("alert", alert.subject, {"id": alert_id, **facts}, now)
    return replace(alert, id=alert_id)


def _before(store: Store, before: Analysis | None) -> Analysis | None:
    """What was compared with, with its layers: the watch remembers it without them."""
    if before is None:
        return None
    at = before.candle_close
    return next(iter(store.analyses.between(before.symbol, before.timeframe, at, at)), before)


def _trend(store: Store, observation: Observation) -> Trend:
    now = observation.analysis
    start = now.candle_close - TREND_HOURS * 3_600_000
    return trend_of(store.analyses.scores(now.symbol, now.timeframe, start, now.candle_close))


def _event(store: Store, finding: Finding, now: int) -> None:
    if not finding.observations:
        return
    last = finding.observations[-1].analysis
    data = {
        "candle_close": last.candle_close,
        "price": last.price,
        "score": last.score,
        "signal": last.signal.value,
        "confidence": last.confidence,
        "step": parse_timeframe(last.timeframe).ms,
    }
    store.events.append("analysis", finding.symbol, data, now)
