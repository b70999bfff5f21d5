"""A report of a period: every part's facts as values, and the document that tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from hybridd.reports import alerts_worth, health, journal_words, market, odds_worth, trades_worth
from hybridd.reports.alerts_worth import AlertFacts
from hybridd.reports.document import Document, Section, Words
from hybridd.reports.health import HealthFacts
from hybridd.reports.journal_sums import Journal
from hybridd.reports.market import MarketFacts
from hybridd.reports.odds_worth import LayerFacts, OddsFacts
from hybridd.reports.trades_worth import TradesFacts
from hybridd.reports.words import counted, day, listed, moment, percent, risks

DAY_MS = 86_400_000
NAMES = {1: "day", 7: "week", 14: "fortnight", 30: "month", 31: "month", 365: "year", 366: "year"}
SIMULATED = "SIMULATED: these markets are made up. Nothing here is real."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All facts of the period from `start` to before `end`, ms UTC. `vetoes` counts what limits kept from being
    proposed, `suppressed` what was told to nobody, each by the reason why."""

    start: int
    end: int
    markets: tuple[MarketFacts, ...]
    alerts: tuple[AlertFacts, ...]
    suppressed: Mapping[str, int]
    journal: Journal
    vetoes: Mapping[str, int]
    trades: TradesFacts
    odds: OddsFacts
    layers: tuple[LayerFacts, ...]
    health: HealthFacts

    @property
    def simulated(self) -> bool:
        """Whether any of it comes from a made-up market."""
        proposals = (case.proposal for case in self.journal.cases)
        return any(m.simulated for m in self.markets) or any(p.simulated for p in proposals)


def name_of(days: float) -> str:
    """What a period of so many days is called: "week", "3 days"."""
    return NAMES.get(round(days), f"{days:g} days") if abs(days - round(days)) < 0.01 else f"{days:g} days"


def headline(report: Report, zone: tzinfo) -> str:
    """The report in one line: a mail's subject."""
    name = name_of((report.end - report.start) / DAY_MS)
    parts = [counted(len(report.journal.cases), "proposal")]
    closed = int(report.trades.all["total_trades"] or 0)
    if closed:
        parts.append(f"{counted(closed, 'trade')} {percent(report.trades.all['total_return'])}")
    if report.journal.added.n:
        parts.append(f"judgement {risks(report.journal.added.total)}")
    mark = "SIMULATED " if report.simulated else ""
    return f"{mark}hybridd, the {name} to {day(report.end, zone)}: {', '.join(parts)}"


def document(report: Report, zone: tzinfo, thresholds: tuple[float, float]) -> Document:
    """The whole report in words; `thresholds` are those of SHORT and LONG."""
    name = name_of((report.end - report.start) / DAY_MS)
    sections = (
        _decisions(report, zone),
        trades_worth.section(report.trades),
        market.section(report.markets, thresholds, zone),
        alerts_worth.section(report.alerts, report.suppressed),
        odds_worth.section(report.odds, report.layers),
        health.section(report.health, zone),
    )
    return Document(
        title=f"Your {name} with hybridd",
        period=_period(report.start, report.end, zone),
        notices=(SIMULATED,) if report.simulated else (),
        sections=sections,
        foot="Made by hybridd from its own records. What happened says little about what will happen; only you decide.",
    )


def journal_document(found: Journal, start: int, end: int, zone: tzinfo) -> Document:
    """The decision journal alone."""
    simulated = any(case.proposal.simulated for case in found.cases)
    return Document(
        title="Your decision journal",
        period=_period(start, end, zone),
        notices=(SIMULATED,) if simulated else (),
        sections=(journal_words.section(found, zone),),
        foot="",
    )


def _period(start: int, end: int, zone: tzinfo) -> str:
    return f"{moment(start, zone)} to {moment(end, zone)}, {zone}"


def _decisions(report: Report, zone: tzinfo) -> Section:
    section = journal_words.section(report.journal, zone)
    if not report.vetoes:
        return section
    why = listed(_vetoes(report.vetoes))
    words = Words(text=f"Not proposed, because a limit forbade it: {why}.", tone="quiet")
    return Section(title=section.title, blocks=(*section.blocks, words))


def _vetoes(vetoes: Mapping[str, int]) -> list[str]:
    return [f"{n} for {reason.replace('_', ' ').lower()}" for reason, n in vetoes.items()]
