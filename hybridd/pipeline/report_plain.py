"""A report as plain values for programs: what the state cannot tell by itself is worked out, nothing is rounded."""

from dataclasses import fields
from typing import Any

from hybridd.reports.alerts_worth import kinds
from hybridd.reports.chance import Sum
from hybridd.reports.journal import Case
from hybridd.reports.journal_sums import Group, Journal, Refused, Spoken, Waiting
from hybridd.reports.report import Report
from hybridd.store.codec import plain


def plain_report(report: Report) -> dict[str, Any]:
    """Names to values; instants are ms UTC, gains in percent or in R, shares of one."""
    found = {field.name: plain(getattr(report, field.name)) for field in fields(report) if field.name != "journal"}
    health = report.health
    return found | {
        "simulated": report.simulated,
        "alert_kinds": plain(kinds(report.alerts)),
        "journal": plain_journal(report.journal),
        "health": {**_fields(health), "uptime": health.uptime},
    }


def plain_journal(found: Journal) -> dict[str, Any]:
    """Every case with what came of it, and the sums over those that are final."""
    return {
        "cases": [_case(case) for case in found.cases],
        "fates": found.fates,
        "unfinished": found.unfinished,
        **{name: _sum(getattr(found, name)) for name in ("made", "rules", "added", "exits")},
        "veto": _part(found.veto),
        "silence": _part(found.silence),
        "waiting": _part(found.waiting),
        **{name: [_part(one) for one in getattr(found, name)] for name in ("reasons", "layers", "symbols", "sides")},
        "hours": [_part(one) for one in found.hours],
    }


def _case(case: Case) -> dict[str, Any]:
    p, decision = case.proposal, case.decision
    return {
        "id": p.id,
        "symbol": p.symbol,
        "side": p.side.value,
        "created_at": p.created_at,
        "price": str(p.price),
        "stop": str(p.stop),
        "fate": case.fate.value,
        "reason": decision.reason if decision else "",
        "answered_by": decision.actor if decision else "",
        "waited": case.waited,
        "waiting_cost": case.waiting_cost,
        "trade": case.trade.id if case.trade else None,
        "made": case.made,
        "rules": plain(case.rules),
        "added": case.added,
    }


def _part(part: Refused | Waiting | Group | Spoken) -> dict[str, Any]:
    return _fields(part)


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the dataclasses of a report
    return {field.name: _value(getattr(value, field.name)) for field in fields(value)}


def _value(value: object) -> object:
    return _sum(value) if isinstance(value, Sum) else plain(value)


def _sum(found: Sum) -> dict[str, Any]:
    interval = None if found.interval is None else [found.interval.low, found.interval.high]
    return {
        "n": found.n,
        "total": found.total,
        "mean": found.mean,
        "interval": interval,
        "verdict": found.verdict.value,
    }
