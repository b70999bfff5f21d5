"""Report: gathers a period's facts from the state, market by market, and hands them to the rooms that judge them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hybridd.config.schema import Settings
from hybridd.delivery.figures import zone_of
from hybridd.model.analysis import Analysis
from hybridd.model.timeframe import TimeFrame, parse_timeframe
from hybridd.pipeline.report_reads import candles_of, cases_of
from hybridd.pipeline.report_trades import Span, trades_facts
from hybridd.pipeline.report_watch import alerts_of, health_of
from hybridd.reports.health import Watched
from hybridd.reports.journal_sums import Journal, journal
from hybridd.reports.market import MarketFacts, market_facts
from hybridd.reports.odds_worth import (
    Judged,
    LayerFacts,
    OddsFacts,
    layer_facts,
    layers_of,
    odds_facts,
    odds_of,
    rises,
    together,
)
from hybridd.reports.report import Report
from hybridd.store.store import Store
from hybridd.trading.rules_alone import FollowRules

VETOES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRules:
    """What reports take from the settings. `settle_ms` after its close a candle is expected to be analysed."""

    zone: str
    horizon: int
    thresholds: tuple[float, float]
    follow: FollowRules
    settle_ms: int


def report_rules(settings: Settings) -> ReportRules:
    """The rules that the settings decide."""
    analysis, trading = settings.analysis, settings.trading
    return ReportRules(
        zone=settings.alerts.timezone,
        horizon=analysis.horizon,
        thresholds=(analysis.short_threshold, analysis.long_threshold),
        follow=FollowRules(fee_percent=trading.fee_percent, break_even_after=trading.break_even_after),
        settle_ms=round(settings.monitor.settle_seconds * 1000),
    )


def journal_of(store: Store, span: Span, rules: ReportRules) -> Journal:
    """The decision journal of the proposals made in a period."""
    return journal(cases_of(store, span, rules.follow), zone_of(rules.zone))


def brain_of(store: Store, span: Span, rules: ReportRules) -> tuple[OddsFacts, tuple[LayerFacts, ...]]:
    """How good the odds and the layers of a period were."""
    return _judgement(_views(store, span, rules), rules)


def report_of(store: Store, span: Span, rules: ReportRules) -> Report:
    """Everything about a period."""
    views = _views(store, span, rules)
    alerts, suppressed = alerts_of(store, span)
    odds, layers = _judgement(views, rules)
    return Report(
        start=span.start,
        end=span.end,
        markets=tuple(view.facts for view in views if view.facts is not None),
        alerts=alerts,
        suppressed=suppressed,
        journal=journal_of(store, span, rules),
        vetoes=_vetoes(store, span),
        trades=trades_facts(store, span),
        odds=odds,
        layers=layers,
        health=health_of(store, span, tuple(view.watched for view in views)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What is kept of one market while the others are read: little."""

    facts: MarketFacts | None
    odds: Judged
    layers: dict[str, Judged]
    watched: Watched
    step: int


def _markets(store: Store, span: Span) -> list[Analysis]:
    return [a for a in store.analyses.latest() if a.candle_close >= span.start]


def _views(store: Store, span: Span, rules: ReportRules) -> "list[_View]":
    return [_view(store, latest, span, rules, i) for i, latest in enumerate(_markets(store, span))]


def _judgement(views: "Sequence[_View]", rules: ReportRules) -> tuple[OddsFacts, tuple[LayerFacts, ...]]:
    horizon = max((view.step * rules.horizon for view in views), default=rules.horizon)
    names = list(dict.fromkeys(name for view in views for name in view.layers))
    judged = {name: together([view.layers[name] for view in views if name in view.layers]) for name in names}
    layers = tuple(facts for name in names if (facts := layer_facts(name, judged[name], horizon)) is not None)
    return odds_facts(together([view.odds for view in views]), horizon), layers


def _view(store: Store, latest: Analysis, span: Span, rules: ReportRules, number: int) -> _View:
    frame = parse_timeframe(latest.timeframe)
    analyses = store.analyses.between(latest.symbol, latest.timeframe, span.start, span.end - 1)
    candles = candles_of(store, latest.symbol, latest.timeframe, span.start - frame.ms, span.end)
    moved = rises(analyses, candles, rules.horizon)
    return _View(
        facts=market_facts(analyses),
        odds=odds_of(analyses, moved, number),
        layers=layers_of(analyses, moved, number),
        watched=_watched(store, latest.symbol, frame, analyses, span, rules.settle_ms),
        step=frame.ms,
    )


def _watched(
    store: Store, symbol: str, frame: TimeFrame, analyses: Iterable[Analysis], span: Span, settle_ms: int
) -> Watched:
    """How many candles closed since the market was first looked at: before that none was due."""
    first = max(span.start, store.analyses.first_close(symbol, frame.text) or span.start)
    # The close at `first` itself counts; one that has had no time to be analysed does not.
    due = (frame.open_at(span.end - 1 - settle_ms) - frame.open_at(first - 1)) // frame.ms
    late = [a.late for a in analyses]
    # One that was analysed before it had to be is due as well.
    return Watched(
        symbol=symbol,
        timeframe=frame.text,
        due=max(due, len(late)),
        on_time=late.count(False),
        late=late.count(True),
    )


def _vetoes(store: Store, span: Span) -> dict[str, int]:
    return dict(Counter(v.veto for v in store.proposals.vetoes(VETOES) if span.holds(v.at)).most_common())
