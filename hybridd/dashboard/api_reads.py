"""What the interface for programs reads: rows of the state as plain values, page by page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridd.dashboard import api_questions as ask
from hybridd.store import listing
from hybridd.store.alerts import read_alert
from hybridd.store.codec import from_text, plain
from hybridd.store.database import Record
from hybridd.store.listing import Place, Wanted
from hybridd.store.proposals import read_decision, read_proposal
from hybridd.store.store import Store
from hybridd.store.trades import read_trade

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page: rows, newest first, and where the next begins; None where this is the last."""

    rows: list[Row]
    next: Place | None


def analyses(store: Store, asked: ask.AskAnalyses) -> Found:
    """By the close of their candles."""
    where = _where(symbol=asked.symbol, timeframe=asked.timeframe)
    return _page(store, listing.ANALYSES, asked, where, lambda row: _analysis(row, asked.layers))


def alerts(store: Store, asked: ask.AskAlerts) -> Found:
    """By their number."""
    return _page(store, listing.ALERTS, asked, _where(subject=asked.subject, state=asked.state), _alert)


def proposals(store: Store, asked: ask.AskProposals) -> Found:
    """By their number."""
    return _page(store, listing.PROPOSALS, asked, _where(symbol=asked.symbol, state=asked.state), _proposal)


def trades(store: Store, asked: ask.AskTrades) -> Found:
    """By their entry."""
    where = _where(symbol=asked.symbol, state=asked.state)
    return _page(store, listing.TRADES, asked, where, lambda row: _as_row(read_trade(row)))


def candles(store: Store, asked: ask.AskCandles) -> Found:
    """By the instant at which they opened."""
    where = _where(symbol=asked.symbol, timeframe=asked.timeframe)
    return _page(store, listing.CANDLES, asked, where, _candle)


READS: Mapping[str, Callable[[Store, Any], Found]] = {
    "analyses": analyses, "alerts": alerts, "proposals": proposals, "trades": trades, "candles": candles,
}  # fmt: skip
"""By the name of the call."""


def _where(**wanted: object) -> dict[str, object]:
    return {name: str(value) for name, value in wanted.items() if value is not None}


def _page(
    store: Store, table: Any, asked: Any, where: dict[str, object], read: Callable[[Record], Row],  # noqa: ANN401
) -> Found:  # fmt: skip
    before = None if asked.before is None else tuple(map(int, asked.before.split("-")))
    wanted = Wanted(where=where, start=asked.start, end=asked.end, before=before, limit=asked.limit)
    rows, following = store.listing.page(table, wanted)
    return Found(rows=[read(row) for row in rows], next=following)


_COPIED = (
    "id", "symbol", "timeframe", "candle_close", "price", "score", "signal", "confidence", "agreeing", "answered",
    "layer_count", "source", "made_at",
)  # fmt: skip
_SWITCHES = ("degraded", "simulated", "late")


def _analysis(row: Record, layers: bool) -> Row:
    found = {name: row[name] for name in _COPIED} | {name: bool(row[name]) for name in _SWITCHES}
    odds = None if row["odds"] is None else from_text(row["odds"])
    said = from_text(row["layers"]) if layers else None
    return found | {"missing": from_text(row["missing"]), "odds": odds, "layers": said}


def _alert(row: Record) -> Row:
    alert = read_alert(row)
    names = ("id", "subject", "created_at", "expires_at", "resolves", "simulated")
    changes = [
        {name: plain(getattr(change, name)) for name in ("subject", "reason", "at", "before", "after", "detail")}
        for change in alert.changes
    ]
    return {name: getattr(alert, name) for name in names} | {
        "state": str(alert.state),
        "severity": str(alert.severity),
        "reasons": [str(reason) for reason in alert.reasons],
        "changes": changes,
    }


def _proposal(row: Record) -> Row:
    return _as_row(read_proposal(row)) | {"decision": plain(read_decision(row))}


def _candle(row: Record) -> Row:
    return {name: row[name] for name in ("open_time", "open", "high", "low", "close", "volume")}


def _as_row(value: object) -> Row:
    found = plain(value)
    assert isinstance(found, dict), "made from a dataclass"
    return dict(found)
